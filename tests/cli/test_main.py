"""The command as a whole: help, version, exit codes, and what is loaded for them."""

import inspect
import subprocess
import sys
from importlib import import_module

import pytest

from ddriqa import __version__, errors
from ddriqa.cli.failures import guarded
from ddriqa.cli.main import COMMANDS


@pytest.mark.parametrize("arguments", [["--help"], ["score", "--help"], ["--version"]])
def test_help_and_version_load_nothing_heavy(arguments):
    program = (
        "import sys; from ddriqa.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "heavy = {'torch', 'pandas', 'numpy', 'PIL', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True)


def test_version(run_process):
    assert run_process("--version") == (0, f"ddriqa {__version__}\n", "")


@pytest.mark.parametrize("ask", ["-h", "--help"])
def test_help_lists_the_commands_and_begins_with_examples(run, ask):
    code, out, err = run(ask)
    assert (code, err) == (0, "")
    assert all(f"\n  {name} " in out for name in COMMANDS)
    assert out.index("ddriqa score photos/") < out.index("Options:")


def test_the_help_of_score_says_what_one_needs_to_know(run):
    _, out, _ = run("score", "--help")
    text = " ".join(out.split())
    for words in ("higher is better", "0 to 1", "path, width, height, ddr", "interrupted"):
        assert words in text
    assert text.index("ddriqa score photos/") < text.index("Options:")


def test_without_arguments_help_is_printed(run):
    code, out, err = run()
    assert code in (0, 2)  # typer's choice, by version
    assert "ddriqa score photos/" in out + err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scroe"], "Did you mean 'score'?"),
        (["score", "--no-such-option", "x"], "No such option"),
        (["score", "--geometry", "round", "x"], "crops"),
        (["score", "--batch-size", "0", "x"], "--batch-size"),
        (["score"], "no pictures given. Try ddriqa score photos/"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(run, arguments, words):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.startswith("ddriqa: ")
    assert err.count("\n") == 1


def test_every_command_of_the_table_resolves_and_explains_itself():
    for target in COMMANDS.values():
        module, attribute = target.split(":")
        function = getattr(import_module(module), attribute)
        assert inspect.getdoc(function)


def raising(fault):
    def command():
        raise fault

    return command


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (errors.UsageError("--x", "is wrong", "Do y"), 2),
        (errors.ImageError("a.jpg", "is bad"), 1),
        (errors.WeightsError("w.pt", "are absent"), 4),
        (errors.OutputError("o.csv", "exists"), 4),
        (errors.DeviceError("cuda", "is out of memory"), 4),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_kind_of_failure_has_its_exit_code_and_one_line(fault, code, capsys):
    assert guarded(raising(fault)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ddriqa: ")
    assert err.count("\n") == 1


def test_a_fault_of_our_own_leaves_a_log(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert guarded(raising(ZeroDivisionError("by nought\nand more"))) == 70
    (log,) = (tmp_path / "ddriqa").iterdir()
    err = capsys.readouterr().err
    assert str(log) in err
    assert err.count("\n") == 1
    text = log.read_text()
    assert text.startswith(f"ddriqa {__version__}, Python ")
    assert "ZeroDivisionError: by nought" in text
    assert "in command" in text


def test_without_a_folder_for_logs_the_temporary_one_is_used(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert guarded(raising(ZeroDivisionError())) == 70
    assert list(tmp_path.glob("ddriqa-fault-*.log"))


def test_a_command_s_own_code_is_passed_on():
    assert guarded(lambda: 1) == 1
    assert guarded(lambda: None) == 0
