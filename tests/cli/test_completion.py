"""What the Tab key offers, in each shell, and that asking for it is light and silent."""

import os
import shutil
import subprocess
import sys

import pytest

from ddriqa.cli.main import COMMANDS
from ddriqa.encoders.catalogue import list_encoders
from ddriqa.metrics.catalogue import METRICS
from ddriqa.metrics.prompts import published_pairs

ENCODERS = [row.name for row in list_encoders()]
SHELLS = ["bash", "zsh", "fish"]
EXPECTED = [
    ("", list(COMMANDS)),
    ("sc", ["score"]),
    ("score --encod", ["--encoder"]),
    ("score --encoder ", ENCODERS),
    ("score --encoder ViT-B", ["ViT-B-32", "ViT-B-16"]),
    ("score --metric ", list(METRICS)),
    ("score --types ", list(published_pairs())),
    ("score --types noise,b", ["noise,blur"]),
    ("score --geometry ", ["crops", "view", "native", "windows"]),
    ("score --device cu", ["cuda"]),
    ("completion ", SHELLS),
    ("doctor --js", ["--json"]),
]


@pytest.fixture
def complete(environment):
    """What a shell is answered for a line that ends at the cursor: standard output and error."""

    def complete(shell, line, program="from ddriqa.cli.main import main; main()"):
        words = f"ddriqa {line}"
        asked = {
            "_DDRIQA_COMPLETE": f"complete_{shell}",
            "_TYPER_COMPLETE_ARGS": words,
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
        }
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**environment, **asked},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout, done.stderr

    return complete


def values(shell, answer):
    """The offered words alone."""
    if shell == "zsh":
        lines = answer.removeprefix("_arguments '*: :((").strip().removesuffix("))'").split("\n")
        return [line.split('"')[1] for line in lines if line.startswith('"')]
    return [line.split("\t")[0] for line in answer.strip().split("\n")]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("line", "expected"), EXPECTED)
def test_words_are_offered_and_nothing_else_is_printed(complete, shell, line, expected):
    answer, error = complete(shell, line)
    assert error == ""
    assert values(shell, answer) == expected


@pytest.mark.parametrize("shell", SHELLS)
def test_every_option_of_score_is_offered(complete, shell):
    offered = values(shell, complete(shell, "score --")[0])
    assert {"--encoder", "--no-adaptation", "--batch-size", "--help", "--verbose"} <= set(offered)


def test_files_are_left_to_the_shell(complete):
    assert complete("bash", "score pho") == ("\n", "")
    assert complete("zsh", "score pho") == ("_files\n", "")
    assert complete("fish", "score pho") == ("\n", "")


def test_a_wrong_setting_does_not_matter(complete, environment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ddriqa.toml").write_text("damaged")
    environment["DDRIQA_WORKERS"] = "many"
    environment["DDRIQA_FORCE"] = "1"
    environment["PYTHONPATH"] = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    assert complete("bash", "score --geometry c") == ("crops\n", "")


@pytest.mark.parametrize("line", ["", "score --encoder ", "score --types b"])
def test_nothing_heavy_is_loaded_for_it(complete, line):
    program = (
        "import sys; from ddriqa.cli.main import main\n"
        "try: main()\n"
        "finally:\n"
        "    heavy = {'torch', 'pandas', 'numpy', 'PIL', 'open_clip'} & set(sys.modules)\n"
        "    print(heavy or '', file=sys.stderr)"
    )
    for shell in SHELLS:
        answer, error = complete(shell, line, program)
        assert answer.strip()
        assert error.strip() == ""


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell_can_be_read_by_it(run, tmp_path, shell):
    code, script, err = run("completion", shell)
    assert (code, err) == (0, "")
    assert "_DDRIQA_COMPLETE=complete_" + shell in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} isn't installed")
    (tmp_path / "script").write_text(script)
    subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


def test_an_unknown_shell_is_refused(run):
    code, out, err = run("completion", "tcsh")
    assert (code, out) == (2, "")
    assert "bash" in err


@pytest.fixture
def program(tmp_path, environment):
    """A folder with a command named ddriqa, put in front of the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    text = f'#!/bin/sh\nPYTHONPATH="{root}" exec "{sys.executable}" -m ddriqa "$@"\n'
    (folder / "ddriqa").write_text(text)
    (folder / "ddriqa").chmod(0o755)
    environment["PATH"] = f"{folder}{os.pathsep}{environment['PATH']}"
    environment["HOME"] = str(tmp_path)
    return environment


def in_shell(shell, text, environment):
    done = subprocess.run([shell, "-c", text], env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.split("\n")


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash isn't installed")
def test_a_real_bash(program):
    text = (
        'eval "$(ddriqa completion bash)"; complete -p ddriqa\n'
        "COMP_WORDS=(ddriqa score --encoder Vi); COMP_CWORD=3\n"
        '_ddriqa_completion ddriqa; echo "${COMPREPLY[*]}"'
    )
    registered, offered, _ = in_shell("bash", text, program)
    assert registered == "complete -o default -F _ddriqa_completion ddriqa"
    assert offered == "ViT-B-32 ViT-B-16 ViT-L-14"


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish isn't installed")
def test_a_real_fish(program):
    text = 'ddriqa completion fish | source; complete -C "ddriqa score --geometry c"'
    assert in_shell("fish", text, program)[0] == "crops"
