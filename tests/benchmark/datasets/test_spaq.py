"""SPAQ: a workbook of scores, one of scenes, and CLIP-IQA's shuffle."""

import random

import numpy as np
import pytest
from miniature import files, groups, labels, pictures, workbook

from ddriqa.benchmark.datasets import dataset
from ddriqa.errors import DatasetError

SCORES = "Annotations/MOS and Image attribute scores.xlsx"
SCENES = "Annotations/Scene category labels.xlsx"
HEADER = ["Image name", "MOS", "Brightness", "Colorfulness", "Contrast", "Noisiness", "Sharpness"]
ROWS = [
    ["00001.jpg", 48.86, 50, 51, 52, 53, 54],
    ["00002.jpg", 62.5, 50, 51, 52, 53, 54],
    ["00003.jpg", 10, 50, 51, 52, 53, 54],
]
CATEGORIES = ["Image name", "Animal", "Cityscape", "Indoor scene", "Still-life"]


@pytest.fixture
def root(tmp_path):
    pictures(tmp_path, *(f"TestImage/{row[0]}" for row in ROWS))
    workbook(tmp_path / SCORES, Sheet1=[HEADER, *ROWS, [None] * 7])
    return tmp_path


def scenes(root):
    rows = [["00003.jpg", 0, 0.2, 0.4, 0.4], ["00001.jpg", 0, 1, 0, 0]]
    workbook(root / SCENES, Sheet1=[CATEGORIES, *rows])


@pytest.mark.parametrize("protocol", ["official", "ddr"])
def test_names_are_paired_with_the_mean_score(root, protocol):
    loaded = dataset("spaq").load(root, protocol)
    assert labels(loaded) == {
        "TestImage/00001.jpg": 48.86,
        "TestImage/00002.jpg": 62.5,
        "TestImage/00003.jpg": 10.0,
    }
    assert loaded.dataset.higher_is_better
    assert loaded.dataset.short_side == 512
    assert any("labels 3 instead of 11125" in warning for warning in loaded.warnings)


def test_a_group_is_the_scene_with_the_largest_weight(root):
    assert groups(dataset("spaq").load(root)) == [None, None, None]
    scenes(root)
    assert groups(dataset("spaq").load(root)) == ["Cityscape", None, "Indoor scene"]


def test_other_names_of_the_annotations_folder(root):
    (root / "Annotations").rename(root / "TestAnnotations")
    assert len(dataset("spaq").load(root).pictures) == 3


def test_the_whole_table_gives_clip_iqas_test_part(tmp_path):
    """The list of its script: pandas gives the names as an array of objects, which Python's
    generator (not numpy's) shuffles in place."""
    names = [f"{number:05}.jpg" for number in range(1, 11126)]
    workbook(tmp_path / SCORES, Sheet1=[HEADER[:2], *([name, 5] for name in names)])
    files(tmp_path, *(f"TestImage/{name}" for name in names))
    shuffled = np.array(names, dtype=object)
    random.seed(0)
    random.shuffle(shuffled)
    loaded = dataset("spaq").load(tmp_path, "clip_iqa")
    assert [picture.path.name for picture in loaded.pictures] == list(shuffled[:2225])
    assert loaded.unlabelled == 0  # the others are no strays


def test_clip_iqas_part_needs_every_name(root):
    with pytest.raises(DatasetError, match="has 3 labels; CLIP-IQA's list needs all 11125"):
        dataset("spaq").load(root, "clip_iqa")


def test_pictures_without_a_row_are_told(root):
    files(root, "TestImage/00004.jpg", "TestImage/holiday.jpg")
    loaded = dataset("spaq").load(root)
    assert loaded.unlabelled == 2
    assert any("TestImage/holiday.jpg" in warning for warning in loaded.warnings)


def test_missing_workbook_and_pictures(root):
    (root / "TestImage/00002.jpg").unlink()
    with pytest.raises(DatasetError, match=r"1 of the 3 .*TestImage/00002.jpg"):
        dataset("spaq").load(root)
    (root / SCORES).unlink()
    with pytest.raises(DatasetError, match=r"holds no 'MOS and Image attribute scores.xlsx'"):
        dataset("spaq").load(root)


def test_a_file_that_is_no_workbook(root):
    (root / SCORES).write_text("Image name,MOS\n")
    with pytest.raises(DatasetError, match="can't be read as a workbook"):
        dataset("spaq").load(root)
