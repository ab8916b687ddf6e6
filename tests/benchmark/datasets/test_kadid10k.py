"""KADID-10k on a small copy of its layout: references and damaged pictures side by side."""

import pytest

from ddriqa.benchmark.datasets import dataset
from ddriqa.errors import DatasetError

TABLE = """\
dist_img,ref_img,dmos,var
I01_01_01.png,I01.png,4.57,0.496
I01_10_05.png,I01.png,1.03,0.18
I81_25_05.png,I81.png,3.27,0.814
"""


@pytest.fixture
def root(tmp_path):
    images = tmp_path / "kadid10k" / "images"
    images.mkdir(parents=True)
    for name in ("I01", "I81", "I01_01_01", "I01_10_05", "I81_25_05"):
        (images / f"{name}.png").touch()
    write(tmp_path, TABLE)
    return tmp_path


def write(root, table):
    (root / "kadid10k" / "dmos.csv").write_text(table)


def test_pictures_have_their_scores_types_and_references(root):
    pictures = dataset("kadid").load(root).pictures
    assert [(p.path.name, p.label, p.group, p.reference, p.std) for p in pictures] == [
        ("I01_01_01.png", 4.57, "Gaussian blur", "I01.png", 0.496),
        ("I01_10_05.png", 1.03, "JPEG", "I01.png", 0.18),
        ("I81_25_05.png", 3.27, "contrast change", "I81.png", 0.814),
    ]


def test_dmos_is_a_mos_in_spite_of_its_name(root):
    kadid = dataset("kadid10k")
    assert kadid.higher_is_better
    mild, strong, _ = kadid.load(root).pictures
    assert mild.label > strong.label


def test_all_25_types_have_the_sheets_numbers(root):
    rows = [f"I01_{k:02}_01.png,I01.png,{k / 10 + 1},0.5" for k in range(1, 26)]
    write(root, "\n".join(["dist_img,ref_img,dmos,var", *rows]))
    for k in range(1, 26):
        (root / "kadid10k" / "images" / f"I01_{k:02}_01.png").touch()
    groups = [picture.group for picture in dataset("kadid10k").load(root).pictures]
    numbered = {2: "lens blur", 9: "JPEG2000", 11: "white noise", 16: "brighten", 17: "darken"}
    numbered |= {18: "mean shift", 24: "high sharpen", 15: "denoise", 4: "colour diffusion"}
    assert {k: groups[k - 1] for k in numbered} == numbered
    assert len(set(groups)) == 25


def test_ddr_takes_the_same_pictures_and_figures_are_checked(root):
    loaded = dataset("kadid10k").load(root)
    assert dataset("kadid10k").load(root, "ddr").pictures == loaded.pictures
    assert any("labels 3 instead of 10125" in warning for warning in loaded.warnings)


def test_references_need_no_label_other_pictures_do(root):
    assert dataset("kadid10k").load(root).unlabelled == 0
    (root / "kadid10k" / "images" / "I02_01_01.png").touch()
    assert dataset("kadid10k").load(root).unlabelled == 1


def test_no_label_file(root):
    (root / "kadid10k" / "dmos.csv").unlink()
    with pytest.raises(DatasetError, match=r"holds no dmos\.csv of KADID-10k"):
        dataset("kadid10k").load(root)


def test_a_missing_picture_is_named(root):
    (root / "kadid10k" / "images" / "I01_10_05.png").unlink()
    with pytest.raises(DatasetError, match=r"1 of the 3 pictures .* \(images/I01_10_05\.png\)"):
        dataset("kadid10k").load(root)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (TABLE.replace("4.57", "good"), "row 2, column 'dmos': 'good' is not a number"),
        (TABLE.replace("I81_25_05.png", "I81_26_05.png"), "row 4, column 'dist_img': 'I81_26_05"),
        (TABLE.replace(",var", ",sigma"), "has no column var"),
    ],
)
def test_a_broken_table_is_refused(root, table, reason):
    write(root, table)
    with pytest.raises(DatasetError, match=reason):
        dataset("kadid10k").load(root)
