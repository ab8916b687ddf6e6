"""No-reference metrics of the packages ``piq`` and ``pyiqa``: ``piq:brisque``, ``pyiqa:musiq``.

Only called where the user has installed them. piq is under Apache-2.0; pyiqa is for non-commercial
use only, and so are several of its metrics' weights. Both download weights themselves.
"""

from __future__ import annotations

from difflib import get_close_matches
from threading import Lock
from typing import TYPE_CHECKING, Any

from ddriqa.errors import ImageError, UsageError, WeightsError
from ddriqa.metrics.installed import METRICS_EXTRA, first_line, installed, version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy import ndarray

INSTALL = {"piq": METRICS_EXTRA, "pyiqa": "pip install pyiqa (for non-commercial use only)"}
PIQ = {"brisque": False, "clip_iqa": True, "total_variation": None}
"""No-reference metrics of piq -> whether higher is better; total variation says neither."""
PYIQA_NOT_OF_A_PICTURE = ("clipscore", "fid", "fid_dinov2", "inception_score", "sfid")
"""Called no-reference by pyiqa, but they compare with a caption or look at whole folders."""
PROBE = 256  # pixels a side: weights are fetched and faults found before the first picture


class Packaged:
    """One metric of another package, run on one picture at a time.

    Args:
        spec: ``piq:NAME`` or ``pyiqa:NAME``; also its name and its column.

    Raises:
        UsageError: the package isn't installed, or has no such no-reference metric.
        WeightsError: the package can't get the metric's weights, or run it.
    """

    needs = "pixels"
    bytes_per_pixel = 100
    view = None
    usual: dict[str, tuple[float, float]] = {}

    def __init__(self, spec: str) -> None:
        self.package, _, self.metric = spec.partition(":")
        if self.package not in INSTALL:
            raise UsageError("--metric", f"unknown package {self.package!r}", "Known: piq, pyiqa")
        self.name, self.columns = spec, (spec,)
        self._lock = Lock()
        module = installed(self.package, spec, INSTALL[self.package])
        build = _piq if self.package == "piq" else _pyiqa
        try:
            self._run, self.higher_is_better = build(module, self.metric)
            self._score(_probe())
        except UsageError:
            raise
        except ImportError as error:
            reason = f"the package {self.package} can't be imported: {first_line(error)}"
            raise UsageError(f"--metric {spec}", reason, INSTALL[self.package]) from error
        except Exception as error:  # each metric of each package fails in its own way
            reason = f"{self.package} can't run it: {first_line(error)}"
            advice = "It downloads weights at its first use, which needs a network"
            raise WeightsError(spec, reason, advice) from error

    def measure(self, pixels: ndarray) -> dict[str, float]:
        """uint8 ``(H, W, 3)`` sRGB -> ``{spec: score}``, in the package's own range.

        Raises:
            ImageError: the package refuses the picture or has no finite number for it.
        """
        try:
            score = self._score(pixels)
        except (AssertionError, ValueError, IndexError, RuntimeError) as error:
            if "alloc" in str(error):  # memory, in torch's words
                raise
            raise ImageError("", f"{self.name} fails on it: {first_line(error)}") from error
        if not abs(score) < float("inf"):
            raise ImageError("", f"{self.name} has no finite number for it: {score}")
        return {self.name: score}

    def _score(self, pixels: ndarray) -> float:
        import torch

        image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None]
        with self._lock, torch.inference_mode():  # no promise of theirs covers several threads
            return float(self._run(image.float() / 255))

    def describe(self) -> dict[str, object]:
        """Everything that fixes the number, for the sidecar: versions, not digests of weights."""
        return {
            "name": self.name,
            "source": f"the package {self.package}",
            **{name: version(name) for name in (self.package, "torch", "torchvision")},
        }


def _piq(module: Any, name: str) -> tuple[Any, bool | None]:
    _check_name("piq", name, PIQ)
    if name == "clip_iqa":
        return module.CLIPIQA(data_range=1.0).eval(), PIQ[name]
    return getattr(module, name), PIQ[name]


def _pyiqa(module: Any, name: str) -> tuple[Any, bool | None]:
    if name in module.list_models(metric_mode="FR") or name in PYIQA_NOT_OF_A_PICTURE:
        reason = f"{name} of pyiqa needs more than one picture"
        raise UsageError("--metric", reason, "Choose a no-reference metric")
    known = set(module.list_models(metric_mode="NR")).difference(PYIQA_NOT_OF_A_PICTURE)
    _check_name("pyiqa", name, known)
    metric = module.create_metric(name, device="cpu")
    return metric, not metric.lower_better


def _check_name(package: str, name: str, known: Iterable[str]) -> None:
    names = sorted(known)
    if name not in names:
        near = get_close_matches(name, names, n=3)
        hint = f"Did you mean {', '.join(near)}?" if near else f"Known: {', '.join(names)}"
        raise UsageError("--metric", f"{package} has no no-reference metric {name!r}", hint)


def _probe() -> ndarray:
    import numpy as np

    return np.random.default_rng(0).integers(0, 256, (PROBE, PROBE, 3), dtype=np.uint8)
