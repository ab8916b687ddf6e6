"""Anyone's own table: columns, pictures, and what is refused."""

import pytest

from ddriqa.benchmark.datasets.csv_file import CsvFile
from ddriqa.errors import DatasetError, UsageError

TABLE = (
    "image,mos,group,split,std\na.jpg,0.5,cats,train,0.1\nb.png,0.25,dogs,test,\nc.jpg,1,,,0.2\n"
)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pets"
    for name in ("images/a.jpg", "images/b.png", "images/c.jpg"):
        place(folder / name)
    write(folder, TABLE)
    return folder


def place(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def write(folder, table, name="scores.csv"):
    (folder / name).write_bytes(table.encode())
    return folder / name


def seen(loaded):
    return [(picture.path.name, picture.label) for picture in loaded.pictures]


PAIRS = [("a.jpg", 0.5), ("b.png", 0.25), ("c.jpg", 1.0)]


def test_a_table_beside_a_folder_of_pictures_just_works(folder):
    table = CsvFile(folder / "scores.csv")
    loaded = table.load()
    assert seen(loaded) == PAIRS
    assert [(p.group, p.split, p.std) for p in loaded.pictures] == [
        ("cats", "train", 0.1),
        ("dogs", "test", None),
        (None, None, 0.2),
    ]
    assert (loaded.missing, loaded.unlabelled, loaded.warnings) == ([], 0, [])
    assert (table.name, table.count, table.label_range) == ("pets", 3, (0.25, 1.0))
    assert (table.splits, table.groups, table.higher_is_better) == (
        ("train", "test"),
        "group",
        True,
    )


def test_splits_can_be_selected(folder):
    assert seen(CsvFile(folder / "scores.csv").load(split="test")) == [("b.png", 0.25)]
    with pytest.raises(UsageError, match=r"unknown split 'val' of pets\. Known: train, test"):
        CsvFile(folder / "scores.csv").load(split="val")


def test_a_table_with_a_telling_name_keeps_it(folder):
    assert CsvFile(write(folder, TABLE, "cats and dogs.csv")).name == "cats and dogs"
    assert CsvFile(str(write(folder, TABLE, "Labels.csv"))).name == "pets"


@pytest.mark.parametrize(
    "table",
    [
        "\ufeffimage,mos\r\na.jpg,0.5\r\nb.png,0.25\r\nc.jpg,1\r\n",
        "image;mos\na.jpg;0.5\nb.png;0.25\nc.jpg;1\n",
        "MOS,dist_img,x\n0.5,a.jpg,9\n0.25,b.png,9\n1,c.jpg,9\n",
        "filename\tlabel\nimages/a.jpg\t0.5\nimages\\b.png\t0.25\n./images/c.jpg\t1\n",
        "Image Name,score\na.JPG,0.5\nB.png,0.25\nc.jpg,1\n".replace("Image Name", "Image_Name"),
    ],
    ids=["bom_crlf", "semicolon", "other_order", "tab_and_folders", "case"],
)
def test_tables_of_many_programs_read_alike(folder, table):
    assert seen(CsvFile(write(folder, table)).load()) == PAIRS


def test_columns_can_be_named(folder):
    table = "a,b,c,d,e,f\na.jpg,1,x,one,0.1,9\nb.png,2,y,two,0.2,9\n"
    names = dict(zip(["image", "label", "group", "split", "std"], "abcde", strict=True))
    columns = {f"{role}_column": name for role, name in names.items()}
    loaded = CsvFile(write(folder, table), **columns, lower_is_better=True).load(split="two")
    (picture,) = loaded.pictures
    assert (picture.path.name, picture.label, picture.group, picture.std) == ("b.png", 2, "y", 0.2)
    assert not loaded.dataset.higher_is_better


@pytest.mark.parametrize(
    ("table", "reason", "option"),
    [
        ("picture,mos\na.jpg,1\n", "can't tell which column names the pictures", "--image-column"),
        ("image,votes\na.jpg,1\n", "can't tell which column holds the scores", "--label-column"),
    ],
)
def test_columns_that_cant_be_told_are_asked_for(folder, table, reason, option):
    with pytest.raises(UsageError) as failure:
        CsvFile(write(folder, table))
    assert failure.value.reason == reason
    columns = table.partition("\n")[0].replace(",", ", ")
    assert failure.value.next_step == f"Its columns: {columns}. Name it by {option}"


@pytest.mark.parametrize("role", ["image", "label", "group", "split", "std"])
def test_a_named_column_that_isnt_there(folder, role):
    with pytest.raises(UsageError, match=f"--{role}-column: .* has no column 'x'. Its columns: im"):
        CsvFile(folder / "scores.csv", **{f"{role}_column": "x"})


def test_pictures_may_lie_elsewhere(folder, tmp_path):
    (folder / "images").rename(tmp_path / "elsewhere")
    table = CsvFile(folder / "scores.csv")
    assert seen(table.load(tmp_path / "elsewhere")) == PAIRS
    with pytest.raises(DatasetError, match="3 of the 3 pictures") as failure:
        table.load()
    assert "--root" in failure.value.next_step
    with pytest.raises(DatasetError, match="no such folder, for the pictures of"):
        table.load(tmp_path / "nowhere")


def test_absolute_paths_are_taken_as_they_are(folder, tmp_path):
    place(tmp_path / "far" / "z.jpg")
    path = write(folder, f"path,mos\n{tmp_path / 'far' / 'z.jpg'},1\n../far/z.jpg,2\n")
    with pytest.raises(DatasetError, match="is the picture of row 2 too"):
        CsvFile(path).load()
    path = write(folder, f"path,mos\n{tmp_path / 'far' / 'z.jpg'},1\n")
    assert seen(CsvFile(path).load()) == [("z.jpg", 1.0)]


def test_a_folder_of_the_sets_own_name_is_no_second_root(folder):
    place(folder / "pets" / "a.jpg")
    with pytest.raises(DatasetError, match="'a.jpg' may be"):
        CsvFile(folder / "scores.csv").load()


def test_a_name_that_fits_two_pictures_is_refused(folder):
    place(folder / "thumbs" / "b.png")
    with pytest.raises(DatasetError) as failure:
        CsvFile(folder / "scores.csv").load()
    assert "row 3, column 'image': 'b.png' may be" in failure.value.reason
    assert "--root" in failure.value.next_step
    assert seen(CsvFile(folder / "scores.csv").load(folder / "images")) == PAIRS


def test_pictures_missing_from_disk_and_from_the_table(folder):
    (folder / "images" / "a.jpg").unlink()
    place(folder / "images" / "d.webp")
    with pytest.raises(DatasetError, match=r"1 of the 3 pictures .* \(a\.jpg\)"):
        CsvFile(folder / "scores.csv").load()
    loaded = CsvFile(folder / "scores.csv").load(incomplete=True)
    assert (loaded.missing, loaded.unlabelled) == (["a.jpg"], 1)


@pytest.mark.parametrize("second", ["a.jpg", "images/a.jpg", "A.jpg"])
def test_a_picture_named_twice_is_refused(folder, second):
    path = write(folder, f"image,mos\na.jpg,1\nb.png,2\n{second},3\n")
    with pytest.raises(DatasetError, match=f"row 4, .*'{second}' is the picture of row 2 too"):
        CsvFile(path).load()


@pytest.mark.parametrize(
    ("label", "reason"), [("", "is empty"), ("good", "'good' is not"), ("nan", "'nan' is not")]
)
def test_a_score_that_is_no_number_is_named(folder, label, reason):
    with pytest.raises(DatasetError, match=f"row 3, column 'mos': {reason}"):
        CsvFile(write(folder, f"image,mos\na.jpg,1\nb.png,{label}\n"))


def test_no_table_and_no_rows(folder):
    with pytest.raises(DatasetError, match=r"none\.csv: No such file"):
        CsvFile(folder / "none.csv")
    with pytest.raises(DatasetError, match="has a header but no rows"):
        CsvFile(write(folder, "image,mos\n"))


def test_the_direction_of_a_dmos_is_asked_about(folder):
    path = write(folder, TABLE.replace("mos", "DMOS"))
    assert "add --lower-is-better" in CsvFile(path).load().warnings[0]
    assert CsvFile(path, lower_is_better=True).load().warnings == []


def test_there_is_one_protocol(folder):
    table = CsvFile(folder / "scores.csv")
    assert table.protocols["official"].label == "mos"
    with pytest.raises(UsageError, match="pets has none named 'ddr'"):
        table.load(protocol="ddr")
