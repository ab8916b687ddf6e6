"""What holds for every data set: places, protocols, splits, missing pictures, the self-check."""

import math

import pytest

from ddriqa.benchmark.datasets.base import Dataset, Protocol, Row, SelfCheck
from ddriqa.errors import DatasetError, UsageError

LABELS = (1.0, 2.0, 3.0, 6.0)
EXACT = SelfCheck(4, 1.0, 6.0, 3.0, math.sqrt(3.5))


class Four(Dataset):
    """Four pictures, named a.png to d.png, of which the first two are the part ``train``."""

    name = "four"
    title = "Four (2024)"
    count = 4
    label_range = (0.0, 10.0)
    splits = ("train", "test")
    protocols = {
        "official": Protocol("all four", "score", EXACT),
        "unchecked": Protocol("all four", "score"),
        "test_part": Protocol("the last two", "score", EXACT, split="test"),
    }
    layout = "pictures/a.png ... d.png"
    source = "nobody"
    labels = LABELS
    has_splits = True

    def rows(self, files, protocol):
        for index, (letter, label) in enumerate(zip("abcd", self.labels, strict=True)):
            split = ("train", "train", "test", "test")[index] if self.has_splits else None
            yield Row(f"pictures/{letter}.png", label, split=split)

    def is_unlabelled(self, file, protocol):
        return not file.startswith("references/")


@pytest.fixture
def root(tmp_path):
    place(tmp_path, *"abcd")
    return tmp_path


def place(root, *letters):
    (root / "pictures").mkdir(parents=True)
    for letter in letters:
        (root / "pictures" / f"{letter}.png").touch()


def test_exact_figures_give_no_warning(root):
    loaded = Four().load(root)
    assert [(picture.path.name, picture.label) for picture in loaded.pictures] == [
        ("a.png", 1.0),
        ("b.png", 2.0),
        ("c.png", 3.0),
        ("d.png", 6.0),
    ]
    assert (loaded.warnings, loaded.missing, loaded.unlabelled) == ([], [], 0)


@pytest.mark.parametrize(
    ("check", "named"),
    [
        (SelfCheck(5, 1, 6, 3, math.sqrt(3.5)), "labels 4 instead of 5"),
        (SelfCheck(4, 0, 6, 3, math.sqrt(3.5)), "least 1 instead of 0"),
        (SelfCheck(4, 1, 7, 3, math.sqrt(3.5)), "greatest 6 instead of 7"),
        (SelfCheck(4, 1, 6, 3.02, math.sqrt(3.5)), "mean 3 instead of 3.02"),
        (SelfCheck(4, 1, 6, 3, 1.9), "deviation 1.87083 instead of 1.9"),
    ],
)
def test_each_figure_is_checked(root, monkeypatch, check, named):
    monkeypatch.setattr(Four, "protocols", {"official": Protocol("all", "score", check)})
    (warning,) = Four().load(root).warnings
    assert warning == f"Four (2024): {named}; an edited copy?"


def test_figures_are_checked_to_their_printed_digits(root, monkeypatch):
    rounded = SelfCheck(4, 1.0004, 5.9996, 3.0004, 1.8708)
    monkeypatch.setattr(Four, "protocols", {"official": Protocol("all", "score", rounded)})
    assert Four().load(root).warnings == []


def test_no_figures_no_check(root, monkeypatch):
    monkeypatch.setattr(Four, "labels", (1.0, 1.0, 1.0, 1.0))
    assert Four().load(root, "unchecked").warnings == []
    assert len(Four().load(root).warnings) == 3  # greatest, mean, deviation


def test_a_label_that_is_no_number_is_refused(root, monkeypatch):
    monkeypatch.setattr(Four, "labels", (1.0, math.nan, 3.0, 6.0))
    with pytest.raises(DatasetError, match=r"the label of pictures/b\.png isn't a number"):
        Four().load(root)


def test_an_empty_label_table_is_refused(root, monkeypatch):
    monkeypatch.setattr(Four, "rows", lambda self, files, protocol: [])
    with pytest.raises(DatasetError, match="its label table is empty"):
        Four().load(root)


def test_the_set_may_lie_in_a_folder_of_its_name(tmp_path):
    place(tmp_path / "four", *"abcd")
    assert len(Four().load(tmp_path).pictures) == 4


def test_an_absent_folder_says_what_belongs_there(tmp_path):
    with pytest.raises(DatasetError) as failure:
        Four().load(tmp_path / "nowhere")
    assert failure.value.reason == "no such folder, for Four (2024)"
    assert "pictures/a.png ... d.png" in failure.value.next_step
    assert "From nobody" in failure.value.next_step


def test_missing_pictures_are_counted_and_named(tmp_path):
    place(tmp_path, "b")
    with pytest.raises(DatasetError) as failure:
        Four().load(tmp_path)
    assert failure.value.reason == (
        "3 of the 4 pictures of Four (2024) aren't there "
        "(pictures/a.png, pictures/c.png, pictures/d.png)"
    )
    assert "--incomplete" in failure.value.next_step


def test_an_incomplete_set_is_taken_when_allowed(tmp_path):
    place(tmp_path, *"abd")
    loaded = Four().load(tmp_path, incomplete=True)
    assert [picture.label for picture in loaded.pictures] == [1.0, 2.0, 6.0]
    assert loaded.missing == ["pictures/c.png"]
    (warning,) = loaded.warnings
    assert warning == "Four (2024): 1 labelled picture isn't there (pictures/c.png)"


def test_nothing_is_not_an_incomplete_set(tmp_path):
    place(tmp_path)
    with pytest.raises(DatasetError, match="4 of the 4") as failure:
        Four().load(tmp_path, incomplete=True)
    assert "--incomplete" not in failure.value.next_step


def test_pictures_without_a_label_are_counted(root):
    for name in ("pictures/e.png", "pictures/f.JPG", "references/a.png", "pictures/notes.txt"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    loaded = Four().load(root)
    assert loaded.unlabelled == 2
    (warning,) = loaded.warnings
    assert warning == "Four (2024): 2 pictures have no label (pictures/e.png, pictures/f.JPG)"


def test_a_split_takes_its_pictures_and_checks_the_whole_table(root):
    loaded = Four().load(root, split="train")
    assert [picture.label for picture in loaded.pictures] == [1.0, 2.0]
    assert (loaded.split, loaded.warnings, loaded.unlabelled) == ("train", [], 0)


def test_a_protocol_may_bring_a_split_and_the_user_another(root):
    assert [p.label for p in Four().load(root, "test_part").pictures] == [3.0, 6.0]
    assert [p.label for p in Four().load(root, "test_part", "train").pictures] == [1.0, 2.0]


def test_a_split_asks_only_for_its_own_pictures(tmp_path):
    place(tmp_path, "a", "b")
    assert len(Four().load(tmp_path, split="train").pictures) == 2


def test_a_table_without_splits_cant_give_one(root, monkeypatch):
    monkeypatch.setattr(Four, "has_splits", False)
    with pytest.raises(DatasetError, match="doesn't say which pictures are the part 'test'"):
        Four().load(root, split="test")


def test_unknown_names_list_the_known_ones(root):
    with pytest.raises(UsageError, match=r"none named 'ddr'\. Known: official \(all four\); unch"):
        Four().load(root, "ddr")
    with pytest.raises(UsageError, match="unknown split 'val' of four. Known: train, test"):
        Four().load(root, split="val")


def test_a_set_without_splits_says_so(root, monkeypatch):
    monkeypatch.setattr(Four, "splits", ())
    with pytest.raises(UsageError, match="It has none"):
        Four().load(root, split="test")
