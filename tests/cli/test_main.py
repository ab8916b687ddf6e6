"""The command as a whole: help, version, exit codes, and what is loaded for them."""

import inspect
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from ddriqa import __version__, errors
from ddriqa.cli.failures import guarded, printing, set_verbosity
from ddriqa.cli.main import COMMANDS


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["score", "--help"], ["doctor", "--help"], ["completion", "bash"], ["--version"]],
)
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
    for words in ("DDRIQA_BATCH_SIZE=16", "ddriqa.toml", "[tool.ddriqa]", "A flag wins"):
        assert words in " ".join(out.split())


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


def test_ctrl_c_is_never_without_a_word(run, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("ddriqa.encoders.catalogue.list_encoders", stop)
    monkeypatch.setattr("ddriqa.encoders.list_encoders", stop, raising=False)
    assert run("encoders") == (130, "", "ddriqa: interrupted\n")


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


def test_a_very_verbose_fault_of_our_own_shows_its_trace(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def command():
        set_verbosity(2)
        raise ZeroDivisionError("by nought")

    assert guarded(command) == 70
    *trace, last = capsys.readouterr().err.splitlines()
    assert trace[0] == "Traceback (most recent call last):"
    assert trace[-1] == "ZeroDivisionError: by nought"
    assert last.startswith("ddriqa: a fault of ddriqa's own")
    assert guarded(raising(ZeroDivisionError())) == 70  # the next command begins quietly
    assert "Traceback" not in capsys.readouterr().err


def test_a_very_verbose_failure_tells_what_caused_it(run, tmp_path):
    arguments = ["score", str(tmp_path), "--prompts", str(tmp_path / "lost.toml")]
    assert run(*arguments, "-v")[2].count("\n") == 1
    code, _, err = run(*arguments, "-vv")
    assert code == 2
    first, second = err.splitlines()
    assert first.startswith(f"ddriqa: {tmp_path / 'lost.toml'}: ")
    assert second.startswith("  caused by FileNotFoundError: ")
    assert ".py:" in second


def test_without_a_folder_for_logs_the_temporary_one_is_used(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert guarded(raising(ZeroDivisionError())) == 70
    assert list(tmp_path.glob("ddriqa-fault-*.log"))


def test_a_command_s_own_code_is_passed_on():
    assert guarded(lambda: 1) == 1
    assert guarded(lambda: None) == 0


PRINTING = [["--help"], ["score", "--help"], ["--version"], ["encoders"], ["completion", "bash"]]


@pytest.mark.parametrize("arguments", [*PRINTING, ["encoders", "--json"], ["doctor"]])
@pytest.mark.parametrize("buffered", [True, False])
def test_a_reader_that_has_left_is_no_failure(command, environment, arguments, buffered):
    environment |= {"PYTHONUNBUFFERED": "" if buffered else "1"}
    process = subprocess.Popen(
        [*command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    process.stdout.close()  # long before anything is written
    assert (process.stderr.read(), process.wait(60)) == (b"", 0)
    process.stderr.close()


@pytest.mark.parametrize("arguments", PRINTING)
@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_one_line_and_exit_4(command, environment, arguments, buffered):
    environment |= {"PYTHONUNBUFFERED": "" if buffered else "1"}
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*command, *arguments], stdout=full, stderr=subprocess.PIPE, env=environment
        )
    assert done.returncode == 4
    assert done.stderr == b"ddriqa: nothing more can be written: no space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a Unix shell")
@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_failure(command, environment, closed):
    line = f"{shlex.join([*command, 'encoders'])} {closed}"
    done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"name,source,") == (">&-" not in closed.split())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a Unix shell")
def test_where_nobody_hears_the_message_the_exit_code_stays(command, environment):
    line = f"{shlex.join([*command, 'no-such-command'])} 2>/dev/full"
    assert subprocess.run(["sh", "-c", line], env=environment).returncode == 2


def test_a_broken_pipe_that_is_not_the_output_stays_a_fault(capsys):
    with pytest.raises(RuntimeError, match="a pipe within the program broke"), printing():
        raise BrokenPipeError
