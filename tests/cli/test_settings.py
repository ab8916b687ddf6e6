"""Settings: flag, then environment, then file, then default; and what is refused there."""

import inspect
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import get_type_hints

import pytest
import typer

from ddriqa.cli import settings
from ddriqa.cli.main import COMMANDS, app
from ddriqa.cli.settings_file import SettingsFile

GROUP = typer.main.get_command(app)
PARENT = SimpleNamespace(command=GROUP)  # all that the settings ask of the context above theirs
CONFIGURABLE = [name for name in COMMANDS if name not in settings.WITHOUT_SETTINGS]


@pytest.fixture(autouse=True)
def quiet_surroundings(monkeypatch):
    """No variable of the person who runs the tests."""
    for name in os.environ.copy():
        if name.startswith("DDRIQA_"):
            monkeypatch.delenv(name)


@pytest.fixture
def types(run, folder):
    """The types in the header of a table that is scored with these arguments."""

    def types(*arguments):
        arguments = ("score", "photos/img1.png", "--encoder", "toy", "-o", "-", *arguments)
        code, out, err = run(*arguments)
        assert code == 0, err
        return [name[4:] for name in out.split("\n")[0].split(",") if name.startswith("ddr_")]

    return types


@pytest.fixture
def refused(run, folder):
    """The one line that says why a command line is refused; wrong usage."""

    def refused(*arguments):
        code, out, err = run(*(arguments or ("score", "photos")))
        assert (code, out) == (2, ""), err
        assert err.startswith("ddriqa: ")
        assert err.count("\n") == 1
        return err

    return refused


def write(name, text):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")


def test_each_source_wins_over_the_next(types, monkeypatch):
    assert types() == ["color", "noise", "blur", "exposure"]
    write("ddriqa.toml", 'types = ["blur"]\n')
    assert types() == ["blur"]
    write("ddriqa.toml", 'types = ["blur"]\n[score]\ntypes = ["noise", "blur"]\n')
    assert types() == ["noise", "blur"]
    monkeypatch.setenv("DDRIQA_TYPES", "exposure blur")
    assert types() == ["exposure", "blur"]
    assert types("--types", "color") == ["color"]


def test_an_empty_variable_is_none(types, monkeypatch):
    write("ddriqa.toml", 'types = "blur"\n')
    monkeypatch.setenv("DDRIQA_TYPES", "")
    monkeypatch.setenv("DDRIQA_FORCE", "")
    assert types() == ["blur"]


def test_the_nearest_file_counts_and_pyproject_only_with_our_table(types, monkeypatch):
    write("pyproject.toml", '[tool.ddriqa]\ntypes = ["noise"]\n')
    assert types() == ["noise"]
    write("ddriqa.toml", 'types = ["blur"]\n')
    assert types() == ["blur"]
    write("below/pyproject.toml", "[tool.other]\nkey = 1\n")
    write("below/photos/img1.png", "")
    Path("below/photos/img1.png").write_bytes(Path("photos/img1.png").read_bytes())
    monkeypatch.chdir("below")
    assert types() == ["blur"]
    write("pyproject.toml", "damaged, and [none of our business")
    assert types() == ["blur"]
    write("pyproject.toml", '[tool.ddriqa.score]\ntypes = ["color"]\n')
    assert types() == ["color"]


def test_verbose_tells_where_each_value_came_from(run, folder, monkeypatch):
    write("ddriqa.toml", 'batch_size = 32\ntypes = ["blur", "noise"]\nadaptation = false\n')
    Path("deep").mkdir()
    monkeypatch.chdir("deep")
    monkeypatch.setenv("DDRIQA_ENCODER", "toy")
    monkeypatch.setenv("DDRIQA_VERBOSE", "1")
    _, _, err = run("score", "../photos/img1.png", "--workers", "1", "--disparity=cosine")
    above = os.path.join("..", "ddriqa.toml")
    told = [line[len("ddriqa: setting ") :] for line in err.splitlines() if " setting " in line]
    assert told == [
        "encoder = toy (environment DDRIQA_ENCODER)",
        f"types = blur, noise ({above})",
        f"adaptation = false ({above})",
        "disparity = cosine (command line)",
        f"batch-size = 32 ({above})",
        "workers = 1 (command line)",
        "verbose = 1 (environment DDRIQA_VERBOSE)",
    ]


@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_a_flag_in_the_environment(run, folder, monkeypatch, value):
    monkeypatch.setenv("DDRIQA_QUIET", value)
    assert run("score", "photos", "--encoder", "toy")[2] == ""
    monkeypatch.setenv("DDRIQA_QUIET", "0")
    assert run("score", "photos", "--encoder", "toy")[2] != ""


def test_a_flag_in_the_file(run, folder):
    write("ddriqa.toml", 'quiet = true\nencoder = "toy"\n')
    assert run("score", "photos")[2] == ""


def test_a_path_in_the_file_starts_at_the_file(types, monkeypatch):
    write("mine.toml", '[haze]\nclean = "A clear photo."\ndegraded = "A hazy photo."\n')
    write("ddriqa.toml", 'prompts = "mine.toml"\n')
    Path("photos/photos").mkdir()
    Path("photos/photos/img1.png").write_bytes(Path("photos/img1.png").read_bytes())
    monkeypatch.chdir("photos")
    assert types() == ["haze"]


def test_keys_of_other_commands_and_the_folder_of_weights_are_no_faults(types, monkeypatch):
    write("ddriqa.toml", 'seed = 3\ntypes = "blur"\n[train-encoder]\ndevice = "cpu"\n')
    monkeypatch.setenv("DDRIQA_WEIGHTS", "weights")
    assert types() == ["blur"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("encodr = 'toy'", "unknown key 'encodr'. Did you mean encoder?"),
        ("no-adaptation = true", "unknown key 'no-adaptation'. Did you mean adaptation?"),
        ("[score]\nseed = 3", "unknown key 'seed' in [score]"),
        ("[scor]\nworkers = 3", "unknown table [scor]. Did you mean score?"),
        ("[doctor]\njson = true", "unknown table [doctor]"),
        ("score = 3", "unknown key 'score'"),
        ("workers = 'many'", 'workers must be a whole number, not "many"'),
        ("workers = true", "workers must be a whole number, not true"),
        ("workers = 0", "workers: "),
        ("workers = {a = 1}", "unknown table [workers]"),
        ("quiet = 'yes'", 'quiet must be true or false, not "yes"'),
        ("types = ['blur', true]", "types must be text in quotes, or a list of such"),
        ("prompts = 3", "prompts must be a path in quotes, not 3"),
        ("encoder = ['toy']", 'encoder must be text in quotes, not ["toy"]'),
        ("disparity = 'l7'", "invalid value for disparity: "),
        ("encoder = 'tyo'", "--encoder (ddriqa.toml): unknown encoder 'tyo'. Did you mean toy"),
        ("device = 'gpu'", "--device (ddriqa.toml): unknown name 'gpu'"),
        ("encoder = toy", "isn't a TOML file: Invalid value (at line 1, column 11)"),
        ("batch-size = 1\nbatch_size = 2", "batch-size stands there twice"),
    ],
)
def test_what_is_wrong_in_the_file_is_one_line_with_file_and_key(refused, text, words):
    write("ddriqa.toml", text)
    told = refused()
    assert "ddriqa.toml" in told
    assert words in told


def test_a_file_in_another_encoding_and_a_table_that_is_none(refused):
    Path("ddriqa.toml").write_bytes('encoder = "é"'.encode("latin-1"))
    assert "ddriqa.toml: isn't a TOML file: not in UTF-8" in refused()
    Path("ddriqa.toml").unlink()
    write("pyproject.toml", "[tool]\nddriqa = 3\n")
    assert "pyproject.toml: tool.ddriqa must be a table" in refused()


@pytest.mark.parametrize(
    ("name", "value"),
    [("DDRIQA_WORKERS", "many"), ("DDRIQA_GEOMETRY", "round"), ("DDRIQA_ENCODER", "tyo")],
)
def test_what_is_wrong_in_the_environment_names_the_variable(refused, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert f"environment {name}" in refused()


def test_a_refusal_of_a_flag_names_no_file(refused):
    write("ddriqa.toml", "encoder = 'toy'")
    assert "--encoder: unknown encoder 'tyo'" in refused("score", "photos", "--encoder", "tyo")


OF_SCORE = settings.options(GROUP.get_command(None, "score"))


@pytest.mark.parametrize("name", settings.PER_RUN)
def test_a_command_has_what_only_the_command_line_may_say(name):
    assert any(name in settings.options(GROUP.get_command(None, c)) for c in CONFIGURABLE)


@pytest.mark.parametrize("name", [name for name in settings.PER_RUN if name in OF_SCORE])
def test_what_only_the_command_line_may_say(refused, monkeypatch, name):
    for text in (f"{name} = 'x'", f"[score]\n{name} = 'x'"):
        write("ddriqa.toml", text)
        assert f"ddriqa.toml: {name} can't be set here" in refused()
    Path("ddriqa.toml").unlink()
    monkeypatch.setenv(settings.variable(name), "1")
    told = refused()
    assert f"environment {settings.variable(name)}: {name} can't be set here" in told
    assert f"Say --{name} on the command line" in told


def test_help_shows_the_program_s_own_defaults_even_with_a_damaged_file(run, folder, monkeypatch):
    clean = run("score", "--help")
    write("ddriqa.toml", "damaged")
    assert run("score", "--help") == clean
    write("ddriqa.toml", "encoder = 'toy'")
    monkeypatch.setenv("DDRIQA_DEVICE", "cuda")
    monkeypatch.setenv("DDRIQA_FORCE", "1")
    assert run("score", "--help") == clean


@pytest.mark.parametrize("command", CONFIGURABLE)
def test_every_option_can_be_set_in_the_file_or_is_refused(command):
    """Whatever kind of value an option takes, the file can give it."""
    loaded = GROUP.get_command(None, command)
    kinds = get_type_hints(inspect.unwrap(loaded.callback))
    given = {bool: True, int: 3, float: 0.5, Path: "a.txt", str: "word"}
    for name, option in settings.options(loaded).items():
        if name in settings.PER_RUN:
            assert option.envvar is None
            continue
        assert option.envvar == settings.variable(name)
        value = given[settings._kind(kinds[option.name])]
        file = SettingsFile(Path("ddriqa.toml"), {}, {command: {name: value}})
        values = settings.file_values(file, PARENT, command)
        assert values == {option.name: [value] if option.multiple else value}


def test_an_unknown_key_loads_no_torch(tmp_path):
    """To know all keys all commands are loaded, and they stay light."""
    write(tmp_path / "ddriqa.toml", "unheard-of = 1\n")
    program = (
        "import sys; from ddriqa.cli.main import main\n"
        "try: main(['score', 'x'])\n"
        "except SystemExit as end: assert end.code == 2, end.code\n"
        "heavy = {'torch', 'pandas', 'pyarrow', 'jinja2'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, env=environment)
