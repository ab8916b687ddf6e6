"""AGIQA-3K: quality, not alignment, from a table with commas inside quotes."""

import pytest
from miniature import files, groups, labels, pictures, text

from ddriqa.benchmark.datasets import dataset
from ddriqa.errors import DatasetError

HEADER = "name,prompt,adj1,adj2,style,mos_quality,std_quality,mos_align,std_align"
NAMES = (
    "AttnGAN_normal_000.jpg",
    "sd1.5_lowstep_002.jpg",
    "xl2.2_normal_126.jpg",
    "DALLE2_001.jpg",
    "midjourney_lowcorr_007.jpg",
    "glide_normal_010.jpg",
)


@pytest.fixture
def root(tmp_path):
    pictures(tmp_path, *(f"images/{name}" for name in NAMES))
    prompt = '"a man, top view, ""anime"" style",top view,,anime style'
    rows = (f"{name},{prompt},{n}.25,0.{n}1,4.{n},0.9" for n, name in enumerate(NAMES))
    text(tmp_path / "data.csv", HEADER, *rows)
    return tmp_path


def test_the_label_is_the_quality(root):
    loaded = dataset("agiqa3k").load(root)
    assert labels(loaded) == {f"images/{name}": n + 0.25 for n, name in enumerate(NAMES)}
    assert [picture.std for picture in loaded.pictures] == [0.01, 0.11, 0.21, 0.31, 0.41, 0.51]
    assert groups(loaded) == ["AttnGAN", "sd1.5", "xl2.2", "DALLE2", "midjourney", "glide"]
    assert loaded.dataset.higher_is_better
    assert loaded.unlabelled == 0
    assert any("labels 6 instead of 2982" in warning for warning in loaded.warnings)


def test_missing_extra_and_unreadable(root):
    files(root, "images/other.jpg")
    assert dataset("agiqa3k").load(root).unlabelled == 1
    (root / "images/DALLE2_001.jpg").unlink()
    with pytest.raises(DatasetError, match=r"1 of the 6 .*DALLE2_001.jpg"):
        dataset("agiqa3k").load(root)
    text(root / "data.csv", HEADER, "DALLE2_001.jpg,text,,,,,0.1,2,0.1")
    with pytest.raises(DatasetError, match="row 2, column 'mos_quality': is empty"):
        dataset("agiqa3k").load(root)
    (root / "data.csv").unlink()
    with pytest.raises(DatasetError, match=r"holds no data.csv of AGIQA-3K"):
        dataset("agiqa3k").load(root)
