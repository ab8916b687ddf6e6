"""Metrics of piq and pyiqa: the packages themselves where they are installed; for what needs their
weights or their absence, stand-in modules that only answer as they do."""

import sys
import types
from concurrent.futures import ThreadPoolExecutor
from urllib.error import URLError

import numpy as np
import pytest
import torch
from other_packages import hide, picture, usable

from ddriqa.errors import ImageError, UsageError, WeightsError
from ddriqa.metrics.packages import PIQ, Packaged


class StandInMetric(torch.nn.Module):
    """Mean of the picture as a score; as picky about sizes as a network."""

    def __init__(self, lower_better):
        super().__init__()
        self.lower_better = lower_better

    def forward(self, image):
        assert image.shape[-1] >= 32, "too small.\nSecond line"
        return image.mean(dim=(1, 2, 3))[None]


@pytest.fixture
def stand_in(monkeypatch):
    """A stand-in for pyiqa with the names, the modes and the faults that tests need."""
    module = types.ModuleType("pyiqa")
    names = {"FR": ["ssim", "lpips"], "NR": ["musiq", "niqe", "fid", "missing", "offline"]}

    def create_metric(name, device=None):
        if name == "offline":
            raise URLError("Name or service not known")
        if name == "missing":
            raise ModuleNotFoundError("No module named 'facexlib'", name="facexlib")
        return StandInMetric(lower_better=name == "niqe")

    module.list_models = lambda metric_mode: names[metric_mode]
    module.create_metric = create_metric
    monkeypatch.setitem(sys.modules, "pyiqa", module)
    return module


def test_total_variation_of_piq_in_closed_form():
    """Two halves of 0 and 255: one step of 1 in each of 40 rows and 3 channels, l2."""
    usable("piq")
    pixels = np.zeros((40, 60, 3), dtype=np.uint8)
    pixels[:, 30:] = 255
    metric = Packaged("piq:total_variation")
    assert metric.columns == ("piq:total_variation",)
    assert metric.measure(pixels) == {"piq:total_variation": pytest.approx(120**0.5)}
    assert metric.higher_is_better is None
    assert metric.describe()["piq"] == usable("piq").__version__


def test_every_name_of_piq_is_there():
    piq = usable("piq")
    assert all(hasattr(piq, {"clip_iqa": "CLIPIQA"}.get(name, name)) for name in PIQ)


def test_piqe_of_pyiqa_itself():
    """Within two of the package pypiqe, which rounds its grey picture."""
    usable("pyiqa")
    own = usable("pypiqe.piqe").piqe(np.ascontiguousarray(picture(0)[..., ::-1]))[0]
    metric = Packaged("pyiqa:piqe")
    assert metric.measure(picture(0))["pyiqa:piqe"] == pytest.approx(own, abs=2)
    assert metric.higher_is_better is False


@pytest.mark.parametrize(("name", "higher"), [("musiq", True), ("niqe", False)])
def test_scores_and_direction_are_the_packages(stand_in, name, higher):
    metric = Packaged(f"pyiqa:{name}")
    pixels = picture(0)
    expected = {f"pyiqa:{name}": pytest.approx(pixels.mean() / 255, abs=1e-5)}
    assert metric.measure(pixels) == expected
    assert metric.higher_is_better is higher
    assert metric.name == metric.describe()["name"] == f"pyiqa:{name}"


def test_threads_give_the_same_numbers(stand_in):
    metric = Packaged("pyiqa:musiq")
    pictures = [picture(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(metric.measure, pictures)) == [metric.measure(p) for p in pictures]


def test_a_picture_that_the_package_refuses_is_that_pictures_error(stand_in):
    metric = Packaged("pyiqa:musiq")
    with pytest.raises(ImageError) as caught:
        metric.measure(picture(0, (40, 20)))
    assert str(caught.value) == "pyiqa:musiq fails on it: too small"


def test_a_picture_without_a_number_is_that_pictures_error(stand_in):
    metric = Packaged("pyiqa:musiq")
    metric._run = lambda image: torch.tensor(float("nan"))
    with pytest.raises(ImageError, match="no finite number"):
        metric.measure(picture(0))


def test_memory_that_runs_out_is_no_fault_of_the_picture(stand_in):
    metric = Packaged("pyiqa:musiq")

    def exhausted(image):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    metric._run = exhausted
    with pytest.raises(RuntimeError, match="DefaultCPUAllocator"):
        metric.measure(picture(0))


def test_weights_that_cannot_be_fetched_are_one_line_with_the_packages_reason(stand_in):
    with pytest.raises(WeightsError) as caught:
        Packaged("pyiqa:offline")
    assert "pyiqa can't run it: <urlopen error Name or service not known>" in str(caught.value)
    assert "needs a network" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_package_that_the_metric_misses_is_named(stand_in):
    with pytest.raises(UsageError, match="facexlib.*pip install pyiqa"):
        Packaged("pyiqa:missing")


@pytest.mark.parametrize("name", ["ssim", "lpips", "fid"])
def test_metrics_of_more_than_one_picture_are_refused(stand_in, name):
    with pytest.raises(UsageError, match=f"{name} of pyiqa needs more than one picture"):
        Packaged(f"pyiqa:{name}")


def test_a_wrong_name_gets_the_near_ones(stand_in):
    with pytest.raises(UsageError, match=r"no no-reference metric 'musik'. Did you mean musiq\?"):
        Packaged("pyiqa:musik")
    with pytest.raises(UsageError, match="Known: missing, musiq, niqe, offline"):
        Packaged("pyiqa:zzz")
    with pytest.raises(UsageError, match="Known: piq, pyiqa"):
        Packaged("other:musiq")


@pytest.mark.parametrize(
    ("spec", "command"),
    [("piq:brisque", r'pip install "ddriqa\[metrics\]"'), ("pyiqa:musiq", "pip install pyiqa")],
)
def test_without_the_package_the_error_says_what_to_install(spec, command, monkeypatch):
    package = spec.partition(":")[0]
    hide(monkeypatch, package)
    with pytest.raises(UsageError, match=f"the package {package} isn't installed. {command}"):
        Packaged(spec)


def test_a_package_that_fails_on_import_gives_its_own_reason(tmp_path, monkeypatch):
    (tmp_path / "piq.py").write_text("raise RuntimeError('operator nms does not exist.')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "piq", raising=False)
    with pytest.raises(UsageError, match="piq can't be imported: operator nms does not exist"):
        Packaged("piq:brisque")
