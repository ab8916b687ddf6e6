"""KonIQ-10k on small copies of its layouts. Its label tables mean two things by ``MOS``."""

import pytest

from ddriqa.benchmark.datasets import dataset
from ddriqa.errors import DatasetError

SCORES, SETS = "koniq10k_scores_and_distributions.csv", "koniq10k_distributions_sets.csv"
NAMES = ["826373.jpg", "10004473376.jpg", "10007357496.jpg", "9999.jpg"]
COUNTS = [(0, 0, 25, 73, 7), (5, 10, 40, 40, 5), (50, 30, 15, 5, 0), (0, 2, 8, 50, 40)]
RAW = [sum(k * n for k, n in enumerate(row, 1)) / sum(row) for row in COUNTS]
Z = [77.38, 55.5, 12.25, 88.0]
PARTS = ["training", "validation", "test", "test"]


def scores_table():
    """The owners' table: counts, the raw MOS, and the z-scored one in a column of its own."""
    yield '"image_name","c1","c2","c3","c4","c5","c_total","MOS","SD","MOS_zscore"'
    for name, counts, raw, z in zip(NAMES, COUNTS, RAW, Z, strict=True):
        yield f'"{name}",{",".join(map(str, counts))},{sum(counts)},{raw},0.6,{z}'


def sets_table(choices=True):
    """The repository's table: shares instead of counts, and a MOS that is the z-scored one."""
    yield "image_name," + ("c1,c2,c3,c4,c5," if choices else "") + "c_total,MOS,SD,set"
    for name, counts, z, part in zip(NAMES, COUNTS, Z, PARTS, strict=True):
        shares = ",".join(f"{n / sum(counts):.12f}" for n in counts) + "," if choices else ""
        yield f"{name},{shares}{sum(counts)},{z},0.6,{part}"


def write(root, name, lines):
    (root / name).write_text("\n".join(lines) + "\n")


@pytest.fixture
def root(tmp_path):
    for folder in ("1024x768", "512x384"):
        (tmp_path / folder).mkdir()
        for name in NAMES:
            (tmp_path / folder / name).touch()
    write(tmp_path, SCORES, scores_table())
    write(tmp_path, SETS, sets_table())
    return tmp_path


def labels(loaded):
    return [picture.label for picture in loaded.pictures]


@pytest.mark.parametrize("protocol", ["official", "ddr", "sfd"])
def test_the_label_is_the_raw_mos_of_the_large_pictures(root, protocol):
    loaded = dataset("koniq").load(root, protocol)
    assert [p.path for p in loaded.pictures] == [root / "1024x768" / name for name in NAMES]
    assert labels(loaded) == pytest.approx(RAW)
    assert [picture.split for picture in loaded.pictures] == ["train", "val", "test", "test"]
    assert {picture.std for picture in loaded.pictures} == {0.6}
    assert loaded.unlabelled == 0  # the small copies aren't
    assert dataset("koniq").higher_is_better
    assert any("labels 4 instead of 10073" in warning for warning in loaded.warnings)


def test_zscore_takes_the_test_part_with_the_other_label(root):
    loaded = dataset("koniq10k").load(root, "zscore")
    assert [picture.path.name for picture in loaded.pictures] == NAMES[2:]
    assert labels(loaded) == Z[2:]
    assert {picture.std for picture in loaded.pictures} == {None}
    assert dataset("koniq10k").load(root, "zscore", "train").pictures[0].label == Z[0]


@pytest.mark.parametrize(("split", "count"), [("train", 1), ("val", 1), ("test", 2)])
def test_the_official_parts_can_be_selected(root, split, count):
    loaded = dataset("koniq10k").load(root, "sfd", split)
    assert len(loaded.pictures) == count
    assert {picture.split for picture in loaded.pictures} == {split}


def test_the_sets_table_alone_gives_both_labels(root):
    (root / SCORES).unlink()
    assert labels(dataset("koniq10k").load(root)) == pytest.approx(RAW)
    assert labels(dataset("koniq10k").load(root, "zscore")) == Z[2:]


def test_the_sets_tables_mos_is_never_taken_for_the_raw_one(root):
    (root / SCORES).unlink()
    write(root, SETS, sets_table(choices=False))
    with pytest.raises(DatasetError, match=f"has no raw MOS, nor c1 to c5 .*, in {SETS}"):
        dataset("koniq10k").load(root)


def test_a_raw_mos_is_never_taken_for_the_z_scored_one(root):
    (root / SETS).unlink()
    write(root, SCORES, (line.rpartition(",")[0] for line in scores_table()))
    assert labels(dataset("koniq10k").load(root)) == pytest.approx(RAW)
    with pytest.raises(DatasetError, match=f"has no z-scored MOS, in {SCORES}"):
        dataset("koniq10k").load(root, "zscore")


def test_the_older_tables_name_will_do(root):
    (root / SCORES).rename(root / "koniq10k_scores.csv")
    assert labels(dataset("koniq10k").load(root)) == pytest.approx(RAW)


def test_without_the_sets_table_a_part_cant_be_told(root):
    (root / SETS).unlink()
    assert {picture.split for picture in dataset("koniq10k").load(root).pictures} == {None}
    for protocol, split in (("official", "train"), ("zscore", None)):
        with pytest.raises(
            DatasetError, match="doesn't say which pictures are the part"
        ) as failure:
            dataset("koniq10k").load(root, protocol, split)
        assert SETS in failure.value.next_step


def test_the_small_copy_alone_wont_do(root):
    for path in (root / "1024x768").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match=r"4 of the 4 .* \(1024x768/826373\.jpg") as failure:
        dataset("koniq10k").load(root)
    assert "the copy of 512x384 won't do" in failure.value.next_step


def test_no_label_file(root):
    (root / SCORES).unlink()
    (root / SETS).unlink()
    with pytest.raises(DatasetError, match=f"holds no {SCORES} of KonIQ-10k"):
        dataset("koniq10k").load(root)


def test_a_large_picture_without_a_label_is_counted(root):
    (root / "1024x768" / "1.jpg").touch()
    assert dataset("koniq10k").load(root).unlabelled == 1


def test_an_unknown_part_is_refused(root):
    write(root, SETS, (line.replace("validation", "dev") for line in sets_table()))
    with pytest.raises(DatasetError, match="row 3, column 'set': 'dev' is none of training, valid"):
        dataset("koniq10k").load(root)


def test_a_row_that_nobody_rated_is_refused(root):
    (root / SCORES).unlink()
    header, first, *rest = sets_table()
    write(root, SETS, [header, "826373.jpg,0,0,0,0,0,0,77,0.6,training", *rest])
    with pytest.raises(DatasetError, match="row 2, column 'c1': nobody chose any rating"):
        dataset("koniq10k").load(root)
