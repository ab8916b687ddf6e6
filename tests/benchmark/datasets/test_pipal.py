"""PIPAL: labels in one file a reference, pictures in four folders."""

import pytest
from miniature import files, labels, pictures, text

from ddriqa.benchmark.datasets import dataset
from ddriqa.errors import DatasetError

SCORES = {
    "Distortion_1/A0001_00_00.bmp": 1520.0648,
    "Distortion_1/A0001_01_03.bmp": 1500.0,
    "Distortion_1/A0001_02_00.bmp": 1490.5,
    "Distortion_1/A0001_03_11.bmp": 1441.0,
    "Distortion_1/A0001_04_12.bmp": 1480.0,
    "Distortion_1/A0001_05_00.bmp": 1444.3378,
    "Distortion_4/A0200_06_26.bmp": 1342.8601,
}


@pytest.fixture
def root(tmp_path):
    pictures(tmp_path, *SCORES, "Train_Ref/A0001.bmp", "Train_Ref/A0200.bmp")
    files(tmp_path, "Val_Dist/A0005_10_00.bmp", "Val_Ref/A0005.bmp")
    for reference in ("A0001", "A0200"):
        names = [name.rpartition("/")[2] for name in SCORES if reference in name]
        scores = [score for name, score in SCORES.items() if reference in name]
        lines = [f"{name},{score}" for name, score in zip(names, scores, strict=True)]
        text(tmp_path / f"Train_Label/{reference}.txt", *lines, end="\r\n")
    return tmp_path


def test_official_takes_every_code_from_all_folders(root):
    loaded = dataset("pipal").load(root)
    assert labels(loaded) == SCORES
    assert loaded.dataset.higher_is_better
    assert [picture.reference for picture in loaded.pictures] == ["A0001.bmp"] * 6 + ["A0200.bmp"]
    assert [picture.group for picture in loaded.pictures] == [
        "traditional SR",
        "PSNR-oriented SR",
        "SR with kernel mismatch",
        "GAN-based SR",
        "denoising",
        "SR and denoising jointly",
        "traditional distortions",
    ]
    assert any("labels 7 instead of 23200" in warning for warning in loaded.warnings)


def test_sfd_leaves_out_denoising_and_traditional_distortions(root):
    loaded = dataset("pipal").load(root, "sfd")
    assert [name[19:21] for name in labels(loaded)] == ["00", "01", "02", "03", "05"]
    assert any("labels 5 instead of 15200" in warning for warning in loaded.warnings)
    assert loaded.unlabelled == 0


def test_references_and_the_validation_part_are_no_strays_but_others_are(root):
    assert dataset("pipal").load(root).unlabelled == 0
    files(root, "Distortion_2/A0061_00_00.bmp")
    loaded = dataset("pipal").load(root)
    assert loaded.unlabelled == 1
    assert any("A0061_00_00.bmp" in warning for warning in loaded.warnings)


def test_the_folders_of_other_copies(root):
    (root / "Train_Label").rename(root / "MOS_Scores_train")
    (root / "Distortion_1").rename(root / "Dist_Imgs")
    loaded = dataset("pipal").load(root)
    assert list(labels(loaded).values()) == list(SCORES.values())


def test_missing_labels(root):
    for path in (root / "Train_Label").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match=r"holds no Train_Label/A0001.txt of PIPAL"):
        dataset("pipal").load(root)


def test_missing_picture(root):
    (root / "Distortion_4/A0200_06_26.bmp").unlink()
    with pytest.raises(DatasetError, match=r"1 of the 7 .*A0200_06_26.bmp"):
        dataset("pipal").load(root)
    assert len(dataset("pipal").load(root, "sfd").pictures) == 5


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("A0200_07_00.bmp,1400", "row 1, column 'name': 'A0200_07_00.bmp' isn't one"),
        ("A0200.bmp,1400", "'A0200.bmp' isn't one"),
        ("A0200_06_26.bmp,high", "'high' is not a number"),
        ("A0200_06_26.bmp", "line 1 isn't a name and a score"),
    ],
)
def test_a_bad_line_is_named(root, line, reason):
    text(root / "Train_Label/A0200.txt", line)
    with pytest.raises(DatasetError, match=reason) as failure:
        dataset("pipal").load(root)
    assert "A0200.txt" in str(failure.value)
