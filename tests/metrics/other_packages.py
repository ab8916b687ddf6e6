"""Pictures and switches for tests of metrics that other people's packages compute."""

import importlib
import sys

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter


def picture(seed=0, shape=(64, 80)):
    """Smooth random colours, uint8."""
    noise = np.random.default_rng(seed).normal(size=(*shape, 3))
    field = gaussian_filter(noise, (1, 1, 0))
    return np.clip(128 + 50 * field / field.std(), 0, 255).astype(np.uint8)


def usable(module):
    """The module, or the test is skipped: absent, or built for another version of torch."""
    try:
        return importlib.import_module(module)
    except Exception as error:
        pytest.skip(f"{module} can't be imported: {error}")


def hide(monkeypatch, *modules):
    """Makes modules as good as not installed."""
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
