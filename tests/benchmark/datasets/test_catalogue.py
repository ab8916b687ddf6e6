"""Every data set of the table: it resolves, its facts are filled, and it has a test."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

from ddriqa.benchmark import datasets
from ddriqa.benchmark.datasets import ALIASES, DATASETS, dataset
from ddriqa.benchmark.datasets.base import Dataset
from ddriqa.benchmark.datasets.csv_file import CsvFile
from ddriqa.errors import DatasetError, UsageError

FOLDER = Path(datasets.__file__).parent
every_name = pytest.mark.parametrize("name", DATASETS)


@every_name
def test_a_row_resolves_under_its_name_in_any_case(name):
    assert dataset(name).name == name
    assert dataset(name.upper()).name == name


@every_name
def test_a_row_names_the_file_of_its_name_and_has_a_test(name):
    module = DATASETS[name].partition(":")[0]
    assert module == f"ddriqa.benchmark.datasets.{name}"
    assert (Path(__file__).parent / f"test_{name}.py").is_file()


def test_every_data_set_in_the_folder_has_a_row():
    found = set()
    for path in FOLDER.glob("*.py"):
        if path.stem != "__init__":
            module = import_module(f"ddriqa.benchmark.datasets.{path.stem}")
            found |= {
                thing
                for _, thing in inspect.getmembers(module, inspect.isclass)
                if issubclass(thing, Dataset) and not inspect.isabstract(thing)
            }
    assert found == {type(dataset(name)) for name in DATASETS} | {CsvFile}


@every_name
def test_facts_are_filled(name):
    found = dataset(name)
    assert re.search(r"\b(19|20)\d\d\b", found.title), "the title has no year"
    assert found.count > 0
    low, high = found.label_range
    assert low < high
    assert len(found.layout.splitlines()) > 1
    assert not found.layout.startswith("\n")
    assert len(found.source) > 10
    assert found.short_side is None or found.short_side > 0
    assert type(found).__doc__


@every_name
def test_protocols_are_whole(name):
    found = dataset(name)
    assert next(iter(found.protocols)) == "official"
    for protocol in found.protocols.values():
        assert protocol.about
        assert protocol.label
        assert protocol.split is None or protocol.split in found.splits
        if check := protocol.check:
            assert check.count > 0
            assert check.low < check.mean < check.high
            assert check.std is None or 0 < check.std < check.high - check.low
    official = found.protocols["official"]
    assert official.split is None
    assert official.check
    assert official.check.count == found.count


def test_the_sets_of_ddrs_table_3_and_of_sfds_have_those_protocols():
    ddr = {name for name in DATASETS if "ddr" in dataset(name).protocols}
    assert ddr == {"live", "csiq", "tid2013", "kadid10k", "koniq10k", "livec", "cid2013", "spaq"}
    sfd = {name for name in DATASETS if "sfd" in dataset(name).protocols}
    assert sfd == {"koniq10k", "livec", "pipal", "ma"}


def test_lower_is_better_only_where_owners_print_a_difference_score():
    assert {name for name in DATASETS if not dataset(name).higher_is_better} == {"live", "csiq"}


@every_name
def test_an_empty_folder_says_what_the_set_is_made_of(name, tmp_path):
    with pytest.raises(DatasetError, match=f"holds no .*Layout of {name}") as failure:
        dataset(name).load(tmp_path)
    assert dataset(name).title in str(failure.value)
    assert dataset(name).source in str(failure.value)


@every_name
def test_unknown_protocol_and_split_name_the_known_ones(name, tmp_path):
    with pytest.raises(UsageError, match="Known: official") as failure:
        dataset(name).load(tmp_path, "nobody's")
    assert failure.value.subject == "--protocol"
    with pytest.raises(UsageError, match="Known: |It has none") as failure:
        dataset(name).load(tmp_path, split="nobody's")
    assert failure.value.subject == "--split"


def test_aliases_point_at_rows_and_hide_none():
    assert set(ALIASES.values()) <= DATASETS.keys()
    assert not ALIASES.keys() & DATASETS.keys()
    for alias, name in ALIASES.items():
        assert dataset(alias).name == name


def test_an_unknown_name_is_told_the_known_ones():
    with pytest.raises(UsageError, match="unknown name 'imagenet'") as failure:
        dataset("imagenet")
    for name in (*DATASETS, "csv:FILE"):
        assert name in failure.value.next_step
