"""What every row of the table of metrics keeps to."""

import numpy as np
import pytest
import torch

from ddriqa.encoders import load_encoder
from ddriqa.metrics.catalogue import FILES, METRICS
from ddriqa.metrics.specs import MetricSpec

FROM_PACKAGES = {"brisque", "piqe"}  # tests of their own skip where the package is absent
NEEDS = {"features", "native_features", "stages", "pixels"}


@pytest.mark.parametrize("name", METRICS)
def test_the_class_says_what_it_needs(name):
    metric = MetricSpec.read(name).metric_class
    assert metric.name == name
    assert metric.needs in NEEDS
    assert metric.higher_is_better in (True, False, None)
    assert metric.__doc__


@pytest.mark.parametrize("name", sorted(METRICS.keys() - FILES.keys() - FROM_PACKAGES))
def test_it_gives_its_columns(name):
    spec = MetricSpec.read(name)
    encoder = load_encoder("toy") if spec.needs_encoder else None
    metric = spec.build(encoder, {})
    described = metric.describe()
    assert described["name"] == name
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (96, 128, 3), dtype=np.uint8)
    if metric.needs == "pixels":
        scores = metric.measure(pixels)
    else:
        views = metric.view(pixels)
        batch = views.float() / 255 if views.dtype == torch.uint8 else views
        ask = {"features": "encode_image", "native_features": "encode_native", "stages": "stages"}
        scores = metric.score(getattr(encoder, ask[metric.needs])(batch))
        assert all(values.shape == (len(batch),) for values in scores.values())
    assert tuple(scores) == tuple(metric.columns)
    assert np.isfinite([float(np.mean(np.asarray(value))) for value in scores.values()]).all()
