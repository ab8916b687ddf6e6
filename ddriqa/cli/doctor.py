"""``ddriqa doctor``: what is here, what is wrong with it, and whether scoring works."""

from __future__ import annotations

import getpass
import io
import json
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddriqa.cli import machine, settings
from ddriqa.cli.failures import log_folder
from ddriqa.cli.settings_file import find_settings_file
from ddriqa.cli.streams import readable
from ddriqa.errors import CANNOT_RUN, OK, DdriqaError, UsageError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES_LISTED = 20
TOLERANCE = 1e-3  # between devices; far below what tells two pictures apart


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object.")] = False,
) -> int:
    """Say what is installed, on what machine, and whether it works: for a report of a fault.

    \b
      ddriqa doctor
      ddriqa doctor --json

    Scores one generated picture on each kind of device, and lists problems with what to do about
    them. Your name and home folder aren't shown; nothing is sent anywhere.

    \b
    Exit codes:
      0 it works          4 the picture couldn't be scored
    """
    examination = Examination(context.parent)
    for title, facts in examination.groups():
        if not as_json:
            _print_group(title, facts)
    if as_json:
        print(json.dumps(examination.result(), indent=2))
    else:
        _print_problems(examination.problems)
    return OK if examination.works else CANNOT_RUN


def _print_group(title: str, facts: dict[str, str]) -> None:
    width = max(map(len, facts)) + 1
    print(title)
    for name, text in facts.items():
        print(f"  {name + ':':<{width}} {text}")
    print(flush=True)  # what was found is there even if the next look crashes Python


def _print_problems(problems: list[str]) -> None:
    print(f"problems: {len(problems) or 'none'}")
    for number, problem in enumerate(problems, 1):
        print(f"  {number}. {problem}")


@dataclass
class Examination:
    """Everything that is looked at, in the order of looking.

    Attributes:
        root: the context of ``ddriqa`` itself, which knows the commands.
        facts: title -> name -> text, of what was seen so far.
        problems: what is wrong, each with what to do.
        works: whether the picture was scored.
    """

    root: Any
    facts: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    works: bool = False

    def groups(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Look at one thing after the other."""
        looks = {
            "versions": lambda: machine.versions(self.problems),
            "picture formats": machine.picture_formats,
            "machine": machine.machine,
            "devices": lambda: machine.devices(self.problems),
            "encoders": self._encoders,
            "settings": self._settings,
            "logs of faults": _logs,
            "self-test": self._self_test,
        }
        for title, look in looks.items():
            try:
                found = look()
            except machine.FAULTS as fault:
                found = {"unknown": machine.in_words(fault)}
            self.facts[title] = {name: private(text) for name, text in found.items()}
            self.problems[:] = map(private, self.problems)
            yield title, self.facts[title]

    def result(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {**self.facts, "works": self.works, "problems": self.problems}

    def _encoders(self) -> dict[str, str]:
        from ddriqa.encoders.catalogue import list_encoders
        from ddriqa.encoders.clip_files import WEIGHTS_FOLDER

        found = {}
        for row in list_encoders():
            digest = f", sha256 {row.sha256[:12]}" if row.path and row.sha256 else ""
            found[row.name] = f"{row.state}{digest}{f', {row.path}' if row.path else ''}"
            if row.state in ("damaged", "missing"):
                advice = "Download it again" if row.path else "Install ddriqa again"
                self.problems.append(f"the weights of {row.name} are {row.state}. {advice}")
        folder = os.environ.get(WEIGHTS_FOLDER)
        return found | {WEIGHTS_FOLDER: self._weights_folder(folder) if folder else "not set"}

    def _weights_folder(self, folder: str) -> str:
        try:
            files = sorted(path for path in Path(folder).iterdir() if path.is_file())
        except OSError as fault:
            reason = (fault.strerror or "can't be read").lower()
            advice = "Name a folder of weights, or unset it"
            self.problems.append(f"DDRIQA_WEIGHTS names {folder}: {reason}. {advice}")
            return f"{folder}: {reason}"
        names = [f"{path.name} ({path.stat().st_size / 1e6:.1f} MB)" for path in files]
        more = f" and {len(names) - FILES_LISTED} more" if len(names) > FILES_LISTED else ""
        return f"{folder}: {', '.join(names[:FILES_LISTED]) or 'empty'}{more}"

    def _settings(self) -> dict[str, str]:
        found = {"file": self._settings_file()}
        found |= {
            name: value for name, value in sorted(os.environ.items()) if name.startswith("DDRIQA_")
        }
        for name, nearest in settings.unknown_variables(self.root).items():
            advice = f"Did you mean {nearest}?" if nearest else "Unset it"
            self.problems.append(f"the environment's {name} sets no option. {advice}")
        return found

    def _settings_file(self) -> str:
        try:
            file = find_settings_file()
            if file is None:
                return "none"
            for name in settings.configurable(self.root):
                settings.file_values(file, self.root, name)
        except UsageError as fault:
            self.problems.append(f"the settings can't be used: {fault}")
            return f"can't be used ({fault.subject})"
        tables = {"": file.shared} | {f"[{name}] ": table for name, table in file.commands.items()}
        entries = [
            f"{table}{key} = {json.dumps(value, default=str)}"
            for table, keys in tables.items()
            for key, value in keys.items()
        ]
        return f"{file.name}: {', '.join(entries) or 'empty'}"

    def _self_test(self) -> dict[str, str]:
        found, scores = {}, {}
        for device in _devices():
            begun = time.monotonic()
            try:
                scores[device] = _score_a_picture(device)
            except machine.FAULTS as fault:
                reason = str(fault) if isinstance(fault, DdriqaError) else machine.in_words(fault)
                found[device] = f"failed: {reason}"
                self.problems.append(f"a picture can't be scored on {device}: {reason}")
            else:
                seconds = time.monotonic() - begun
                found[device] = f"ok, ddr {scores[device]:.6f} in {seconds:.2f} s, built-in encoder"
        apart = max(scores.values(), default=0) - min(scores.values(), default=0) > TOLERANCE
        if apart:
            self.problems.append("the devices give different scores. Say --device cpu")
        self.works = len(scores) == len(found) and not apart
        return found


def _devices() -> list[str]:
    try:
        import torch
    except machine.FAULTS:  # which is what scoring will tell
        return ["cpu"]
    gpus = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return ["cpu", *(name for name, here in gpus.items() if here)]


def _score_a_picture(device: str) -> float:
    """The score of a generated picture with the built-in encoder.

    Raises:
        WeightsError: the weights that were loaded aren't those of the file.
        DdriqaError, and what a broken package raises.
    """
    from ddriqa.encoders.catalogue import BUILT_IN_WEIGHTS
    from ddriqa.encoders.clip_files import file_sha256
    from ddriqa.scoring import Scorer

    scorer = Scorer(device=device)
    [record] = scorer.iter([_picture()])
    if record.error is not None:
        raise RuntimeError(f"the generated picture has no score: {record.error}")
    fingerprint = scorer.describe()["encoder"]["fingerprint"]
    if fingerprint != f"builtin:{file_sha256(BUILT_IN_WEIGHTS)}":
        raise WeightsError(str(BUILT_IN_WEIGHTS), "isn't what was loaded", "Install ddriqa again")
    return record.scores["ddr"]


def _picture() -> bytes:
    """A PNG of 512 x 384 pixels, the same everywhere: slopes, and fine noise on a half of them."""
    import numpy as np
    from PIL import Image

    height, width = 384, 512
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([x // 2, y // 2, (x + y) // 4], axis=-1)
    noise = (x * 7919 + y * 104729) % 31 * (x > width // 2)
    file = io.BytesIO()
    Image.fromarray((pixels + noise[..., None]).clip(0, 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def _logs() -> dict[str, str]:
    folder = log_folder()
    logs = sorted(folder.glob("ddriqa-fault-*.log"))
    newest = f", the newest {logs[-1].name}" if logs else ""
    return {"folder": str(folder), "logs": f"{len(logs)}{newest}"}


def private(text: str) -> str:
    """A text without the user's home folder and name, on one line: fit to be pasted in public."""
    text = readable(text)
    for home in sorted({str(Path.home()), os.path.realpath(Path.home())}, key=len, reverse=True):
        if len(home) > 1:
            text = re.sub(rf"{re.escape(home)}(?=[\\/]|\W|$)", "~", text)
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user without a name
        return text
    return re.sub(rf"(?<=[\\/]){re.escape(user)}(?=[\\/]|\W|$)", "USER", text)
