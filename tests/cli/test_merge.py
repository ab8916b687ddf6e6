"""``ddriqa score --shard`` and ``ddriqa merge``: many machines, one table."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

TOY = ["--encoder", "toy"]
FORMS = ("csv", "jsonl", "parquet")


@pytest.fixture
def shards(run, folder):
    """Score ``photos`` in shards: the names of their tables."""

    def shards(count, *forms, settings=()):
        tables = [f"{i + 1}of{count}.{forms[i % len(forms)]}" for i in range(count)]
        for number, table in enumerate(tables, 1):
            arguments = ["-o", table, "--shard", f"{number}/{count}", *TOY, *settings]
            assert run("score", "photos", *arguments)[0] in (0, 1)
        return tables

    return shards


@pytest.fixture
def whole(run, folder):
    """The table of the whole folder in a form."""

    def whole(form):
        run("score", "photos", "-o", f"whole.{form}", *TOY, "-q")
        return Path(f"whole.{form}").read_bytes()

    return whole


def sidecar(table):
    return json.loads(Path(f"{table}.json").read_text())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("count", [1, 3, 10, 13])  # 13: more than there are pictures
def test_merged_shards_are_the_table_of_the_whole_run(run, shards, whole, form, count):
    tables = shards(count, form)
    assert sum(sidecar(table)["counts"]["images"] for table in tables) == 10
    code, out, err = run("merge", *tables[::-1], "-o", f"scores.{form}")
    assert (code, out) == (1, "")  # one picture failed
    tables_ = "1 table" if count == 1 else f"{count} tables"
    assert err == f"ddriqa: wrote 10 rows of {tables_} to scores.{form}, 1 of them failed\n"
    assert Path(f"scores.{form}").read_bytes() == whole(form)


@pytest.mark.parametrize("form", FORMS)
def test_forms_may_be_mixed(run, shards, whole, form):
    tables = shards(4, *FORMS)
    assert run("merge", *tables, "-o", f"scores.{form}", "-q")[1:] == ("", "")
    assert Path(f"scores.{form}").read_bytes() == whole(form)


@pytest.mark.parametrize("form", FORMS)
def test_the_merged_table_says_how_it_was_made_and_can_be_gone_on_with(run, shards, whole, form):
    tables = shards(3, form)
    run("merge", *tables, "-o", f"scores.{form}")
    expected, about = whole(form), sidecar(f"scores.{form}")
    of_whole = sidecar(f"whole.{form}")
    for name in ("encoder", "metrics", "columns", "torch", "max_pixels", "counts", "shard"):
        assert about[name] == of_whole[name]
    assert about["merged"] == tables
    assert about["finished"]
    assert not {"arguments", "input"} & about.keys()  # those were of one shard
    code, _, err = run("score", "photos", "-o", f"scores.{form}", "--resume", *TOY)
    assert (code, "has 10 rows already" in err) == (1, True)
    assert Path(f"scores.{form}").read_bytes() == expected
    shutil.copy("photos/img1.png", "photos/img99.png")
    run("score", "photos", "-o", f"scores.{form}", "--resume", *TOY)
    assert sidecar(f"scores.{form}")["counts"]["images"] == 11
    assert sidecar(f"scores.{form}")["merged"] == tables


def test_a_shard_is_gone_on_with_and_then_merged(run, shards, whole):
    tables = shards(2, "csv")
    content = Path(tables[1]).read_bytes()
    Path(tables[1]).write_bytes(content[: len(content) // 2])
    code, _, err = run("merge", *tables, "-o", "scores.csv")
    assert (code, "the tables have 7 rows, their sidecars say 10" in err) == (4, True)
    run("score", "photos", "-o", tables[1], "--shard", "2/2", "--resume", *TOY)
    assert Path(tables[1]).read_bytes() == content
    assert run("merge", *tables, "-o", "scores.csv")[0] == 1
    assert Path("scores.csv").read_bytes() == whole("csv")


def test_tables_that_are_no_shards_are_put_one_after_the_other(run, folder):
    names = [f"photos/img{number}.png" for number in range(1, 6)]
    run("score", *names[:2], "-o", "a.csv", *TOY)
    run("score", *names[2:], "-o", "b.jsonl", *TOY)
    run("score", *names, "-o", "both.csv", *TOY)
    assert run("merge", "a.csv", "b.jsonl", "-o", "scores.csv")[0] == 1
    assert Path("scores.csv").read_bytes() == Path("both.csv").read_bytes()


def test_all_scored_is_exit_0(run, folder):
    run("score", "photos/img1.png", "-o", "a.csv", *TOY)
    code, _, err = run("merge", "a.csv", "-o", "scores.csv")
    assert (code, err) == (0, "ddriqa: wrote 1 row of 1 table to scores.csv\n")


def refused(run, *arguments):
    """One line, and nothing is written; the exit code and the line."""
    before = sorted(os.listdir())
    code, out, err = run("merge", *arguments)
    assert (out, err.count("\n")) == ("", 1)
    assert sorted(os.listdir()) == before
    return code, err


def test_shards_that_do_not_make_a_whole_are_refused(run, shards):
    one, two, three = shards(3, "csv")
    code, err = refused(run, one, three, "-o", "scores.csv")
    assert (code, "shards are missing: 2/3" in err) == (2, True)
    code, err = refused(run, one, two, two, three, "-o", "scores.csv")
    assert (code, "shards come twice: 2/3. Give each once" in err) == (2, True)
    run("score", "photos", "-o", "plain.csv", *TOY)
    code, err = refused(run, one, two, three, "plain.csv", "-o", "scores.csv")
    assert (code, "4 tables, but 3 shards" in err) == (2, True)
    other = shards(2, "csv")
    code, err = refused(run, *other, one, "-o", "scores.csv")
    assert (code, "shards are missing: 2/3; 3/3" in err) == (2, True)


def test_of_many_missing_shards_a_few_are_named(run, shards):
    run("score", "photos", "-o", "1.csv", "--shard", "1/1000", *TOY)
    assert (
        "missing: 2/1000; 3/1000; 4/1000; 5/1000; and 995 more"
        in refused(run, "1.csv", "-o", "scores.csv")[1]
    )


def test_shards_of_other_pictures_are_refused(run, shards):
    tables = shards(2, "csv")
    for number in range(20, 24):
        shutil.copy("photos/img1.png", f"photos/img{number}.png")
    run("score", "photos", "-o", tables[0], "--shard", "1/2", "--force", *TOY)
    code, err = refused(run, *tables, "-o", "scores.csv")
    assert code == 4
    assert "weren't made of the same pictures (one table has 7 rows, another 5)" in err


def test_tables_made_otherwise_are_refused(run, folder):
    run("score", "photos", "-o", "1.csv", "--shard", "1/2", *TOY)
    run("score", "photos", "-o", "2.csv", "--shard", "2/2", *TOY, "--types", "blur")
    code, err = refused(run, "1.csv", "2.csv", "-o", "scores.csv")
    assert code == 2
    assert "2.csv: was made with other settings than 1.csv (types: blur there, color, " in err


def test_an_unfinished_table_is_refused(run, shards):
    tables = shards(2, "csv")
    about = sidecar(tables[1]) | {"finished": None}
    Path(f"{tables[1]}.json").write_text(json.dumps(about))
    code, err = refused(run, *tables, "-o", "scores.csv")
    assert code == 4
    assert f"{tables[1]}: isn't finished" in err
    assert "--resume" in err


@pytest.mark.parametrize("content", [None, b"mine", b"path,width\n"])
def test_what_is_no_table_is_refused(run, shards, content):
    tables = shards(2, "csv")
    os.remove(tables[0])
    if content is not None:
        Path(tables[0]).write_bytes(content)
    code, err = refused(run, *tables, "-o", "scores.csv")
    assert (code, tables[0] in err) == (4, True)
    os.remove(f"{tables[0]}.json")
    reason = "no such file" if content is None else "has no sidecar"
    assert reason in refused(run, *tables, "-o", "scores.csv")[1]


def test_an_output_that_is_there_is_kept(run, shards, whole):
    tables = shards(2, "csv")
    Path("scores.csv").write_text("precious")
    code, err = refused(run, *tables, "-o", "scores.csv")
    assert code == 4
    assert "scores.csv: exists already. Add --force to overwrite it" in err
    assert Path("scores.csv").read_text() == "precious"
    assert run("merge", *tables, "-o", "scores.csv", "--force")[0] == 1
    assert Path("scores.csv").read_bytes() == whole("csv")


@pytest.mark.parametrize("form", FORMS)
def test_a_merge_that_fails_leaves_the_old_table(run, shards, monkeypatch, form):
    tables = shards(2, form)
    run("merge", *tables, "-o", f"scores.{form}")
    before = Path(f"scores.{form}").read_bytes(), sidecar(f"scores.{form}")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        code, err = refused(run, *tables, "-o", f"scores.{form}", "--force")
    assert (code, err) == (4, f"ddriqa: scores.{form}: no space left on device\n")
    assert (Path(f"scores.{form}").read_bytes(), sidecar(f"scores.{form}")) == before


def test_an_old_journal_does_not_outlive_a_merge(run, shards, whole):
    """Else --resume would go on with its rows."""
    tables = shards(2, "parquet")
    Path("scores.parquet.journal").write_text("")
    assert refused(run, *tables, "-o", "scores.parquet")[0] == 4
    run("merge", *tables, "-o", "scores.parquet", "--force")
    assert not Path("scores.parquet.journal").exists()
    assert Path("scores.parquet").read_bytes() == whole("parquet")


@pytest.mark.parametrize("output", ["1of2.csv", "photos/../1of2.csv", "link.csv"])
def test_a_table_is_not_merged_into_itself(run, shards, output):
    if sys.platform == "win32" and output == "link.csv":
        pytest.skip("needs links")
    tables = shards(2, "csv")
    os.symlink("1of2.csv", "link.csv")
    code, err = refused(run, *tables, "-o", output, "--force")
    assert (code, "is one of the tables to merge" in err) == (2, True)


def test_standard_output_is_no_place_for_it(run, shards):
    assert "-o scores.csv" in refused(run, *shards(2, "csv"), "-o", "-")[1]


def test_links_to_tables_are_followed(run, shards, whole):
    tables = shards(2, "csv")
    os.symlink(tables[0], "link.csv")
    assert run("merge", "link.csv", tables[1], "-o", "scores.csv")[0] == 1
    assert Path("scores.csv").read_bytes() == whole("csv")


def test_other_versions_are_told(run, shards):
    tables = shards(2, "csv")
    Path(f"{tables[1]}.json").write_text(json.dumps(sidecar(tables[1]) | {"torch": "1.0"}))
    code, _, err = run("merge", *tables, "-o", "scores.csv")
    assert code == 1
    assert f"{tables[1]} was made with other versions than {tables[0]} (torch: 1.0 there, " in err
