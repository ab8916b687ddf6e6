"""The published correlations: every row is sound, and the right ones stand beside ours."""

import csv
from importlib.resources import files

import pytest

from ddriqa.benchmark.datasets import DATASETS as READERS
from ddriqa.benchmark.datasets import dataset
from ddriqa.benchmark.published import (
    DATASETS,
    DDR_TYPES,
    METHODS,
    PARTS,
    WHOLE,
    every_row,
    matching,
    published,
)

B32 = "ViT-B-32:openai"
WITHOUT_READER = {"MDLIVE", "MDIVL", "UHD-IQA", "AVA", "AGIQA-1K", "CGIQA-6K"}


def printed():
    text = files("ddriqa.benchmark").joinpath("published.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def srccs(rows):
    return [row.srcc for row in rows]


def test_every_row_is_read_as_printed():
    rows = every_row()
    assert len(rows) == len(printed()) == 638
    for row, cells in zip(rows, printed(), strict=True):
        for name in ("srcc", "plcc", "krcc"):
            value = getattr(row, name)
            assert (value is None) == (cells[name] == "")
            assert value is None or value == float(cells[name])
        assert (row.method, row.split) == (cells["method"], cells["split"])
        assert (row.encoder, row.source) == (cells["encoder"], cells["source"])
        assert cells["opinion_unaware"] == ("yes" if row.opinion_unaware else "no")


def test_numbers_are_correlations_and_have_a_source():
    for row in every_row():
        assert row.srcc is not None
        assert all(abs(x) <= 1 for x in (row.srcc, row.plcc, row.krcc) if x is not None)
        assert row.method
        assert row.split
        assert row.source


def test_names_of_our_sets_are_mapped_and_others_kept():
    assert set(DATASETS.values()) == set(READERS)
    names = {row.dataset for row in every_row()}
    assert names - set(READERS) == WITHOUT_READER
    assert names >= set(READERS)
    assert sum(len(published(name)) for name in names) == 638
    assert published("nobody's") == []


@pytest.mark.parametrize(
    ("name", "srcc"),
    [
        *(("csiq", 0.8289), ("live", 0.8793), ("tid2013", 0.5844), ("kadid10k", 0.5968)),
        *(("koniq10k", 0.6455), ("livec", 0.6613), ("cid2013", 0.8009), ("spaq", 0.7249)),
    ],
)
def test_ddrs_table_3(name, srcc):
    """DDR paper (arXiv 2406.08377), Table 3: whole sets, CLIP ViT-B/32."""
    for protocol in ("official", "ddr"):
        assert set(srccs(matching("ddr", B32, name, protocol=protocol))) == {srcc}


def test_sfds_table_3():
    """SFD paper (arXiv 2503.19295), Table 3, the rows of CLIP-IQA and NIQE."""
    rows = {
        name: matching("clip_iqa", "RN50:openai", name, protocol="sfd")
        for name in ("pipal", "koniq10k", "ma", "livec")
    }
    assert {name: srccs(found) for name, found in rows.items()} == {
        "pipal": [0.2762],
        "koniq10k": [0.4145],
        "ma": [0.7055],
        "livec": [0.5647],
    }
    assert rows["ma"][0].plcc == 0.7175
    assert rows["ma"][0].krcc == 0.5063
    assert srccs(matching("niqe", None, "pipal", protocol="sfd")) == [0.0608]


def test_lists_of_pictures_are_not_mixed_up():
    assert 0.4495 in srccs(matching("niqe", None, "livec"))  # MDFS, 1162 pictures
    assert srccs(matching("niqe", None, "livec", protocol="sfd")) == [0.4493]  # 1169
    assert matching("niqe", None, "pipal") == []  # 23,200: nobody printed it
    assert matching("ddr", B32, "spaq", protocol="clip_iqa") == []
    assert matching("ddr", B32, "koniq10k", split="test") == []
    # printed by DDR and MDFS; the rows whose pictures aren't stated are left out
    assert set(srccs(matching("niqe", None, "spaq"))) == {0.3105}


def test_official_test_parts():
    zscore = matching("clip_iqa", "RN50:openai", "koniq10k", protocol="zscore", split="test")
    assert srccs(zscore) == [0.695]  # CLIP-IQA paper: z-scored MOS
    b32 = matching("clip_iqa", B32, "koniq10k", protocol="zscore", split="test")
    assert b32 == []  # the printed ViT has no positions, ours has
    assert srccs(matching("niqe", None, "biq2021", split="test")) == [0.2674]
    assert matching("niqe", None, "biq2021") == []
    assert srccs(matching("niqe", None, "flive", split="test")) == [0.2626]


def test_the_encoder_must_be_the_one_that_is_named():
    assert 0.6635 in srccs(matching("ddr", "ViT-B-16:openai", "koniq10k"))
    assert srccs(matching("ddr", "RN50x16:openai", "csiq")) == [0.65]
    assert srccs(matching("ddr", "ViT-B-32-quickgelu:openai", "csiq"))[0] == 0.8289
    assert matching("ddr", "ViT-B-32:laion2b_s34b_b79k", "csiq") == []
    assert matching("ddr", "builtin", "csiq") == []
    assert len(matching("ddr", None, "csiq")) == 5  # Table 3, and Table 8 with four encoders
    assert matching("niqe", None, "csiq")[0].srcc == 0.6191  # it has no encoder
    assert matching("clip_iqa", "builtin", "ma", protocol="sfd") == []
    assert 0.6955 in srccs(matching("pyiqa:clipiqa", "RN50:openai", "livec"))


@pytest.mark.parametrize(
    ("types", "adaptation", "expected"),
    [
        (["color"], True, [0.7896]),
        (["exposure", "blur", "noise"], True, [0.8029]),
        (["noise", "color", "blur"], True, [0.8157]),
        (DDR_TYPES, True, [0.8289, 0.8289]),
        (None, True, [0.8289, 0.8289]),
        (None, False, [0.6074]),
        (["color"], False, []),
        (["color", "content"], True, []),
        (["color", "blur", "noise", "exposure", "content"], True, []),
    ],
)
def test_ddrs_table_8(types, adaptation, expected):
    found = matching("ddr", B32, "csiq", types=types, adaptation=adaptation)
    assert srccs(found) == expected


def test_methods_of_a_toolbox():
    assert {row.method for row in matching("pyiqa:niqe", None, "tid2013")} == {"pyiqa niqe"}
    assert matching("sharpness", None, "csiq") == []
    assert matching("ddr", B32, "MDLIVE") == []


def test_the_tables_name_what_there_is():
    """A method or a list that is no longer in the file would silently match nothing."""
    rows = every_row()
    assert {name for names in METHODS.values() for name in names} <= {row.method for row in rows}
    assert {row.split for row in rows} >= WHOLE
    for (name, protocol, split), splits in PARTS.items():
        assert splits <= {row.split for row in published(name)}
        assert protocol in {"", *dataset(name).protocols}
        assert split is None or split in dataset(name).splits
