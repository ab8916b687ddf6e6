"""A run folder: everything that a training leaves behind.

``settings.toml``, ``environment.json`` (a list, one entry for each time that it went on),
``metrics.csv``, ``curves.svg``, ``checkpoints/``, ``samples/``.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import PIL
import torch
from PIL import Image

from ddriqa import __version__
from ddriqa.errors import OutputError, UsageError
from ddriqa.restoration import checkpoint
from ddriqa.restoration.curves import curves
from ddriqa.restoration.metrics_table import MetricsTable, read_rows
from ddriqa.restoration.settings import Settings, differences, from_table
from ddriqa.restoration.toml_file import read_toml, to_toml
from ddriqa.scoring.replacing import replacing
from ddriqa.scoring.table import write_failure


class RunFolder:
    """The paths of a run and what is written there.

    Args:
        path: the folder, which may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings_file = path / "settings.toml"
        self.environment_file = path / "environment.json"
        self.metrics_file = path / "metrics.csv"
        self.curves_file = path / "curves.svg"
        self.checkpoints = path / "checkpoints"
        self.samples = path / "samples"

    def settings(self) -> Settings:
        """What the run was started with. Raises ``UsageError`` where that isn't readable."""
        return from_table(read_toml(self.settings_file))

    def latest(self) -> Path | None:
        """The newest checkpoint."""
        return next(reversed(checkpoint.checkpoints(self.checkpoints)), None)

    def weights(self, name: str = "network") -> Path:
        """The newest weights of a module, the averaged ones where there are some.

        Raises:
            UsageError: the folder holds no checkpoint.
        """
        latest = self.latest()
        if latest is None:
            raise UsageError(str(self.path), "holds no checkpoint", "Name a folder of a training")
        return checkpoint.weights_file(latest, name)

    def problems(self, settings: Settings, *, resume: bool) -> list[str]:
        """Why a training with these settings can't write here, a phrase each."""
        if not resume:
            hint = "--resume goes on with it" if self.latest() else "name another one"
            return [] if self._free() else [f"{self.path} exists already; {hint}"]
        if self.latest() is None:
            return [f"{self.path} holds no checkpoint to go on from"]
        return [
            f"{self.path} has another {found}" for found in differences(self.settings(), settings)
        ]

    def _free(self) -> bool:
        """Absent, empty, or a run's that ended before its first checkpoint."""
        if self.latest() or not self.path.is_dir():
            return not self.path.exists()
        return self.settings_file.exists() or not any(self.path.iterdir())

    def create(self, settings: Settings) -> None:
        """Make the folder and write the settings. Raises ``OutputError`` where that fails."""
        try:
            for folder in (self.checkpoints, self.samples):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise write_failure(self.path, fault) from fault
        _write(self.settings_file, to_toml(settings))

    def other_weights(self, fingerprints: Mapping[str, str]) -> list[str]:
        """Why losses that stand on these weights can't go on with this run, a phrase each."""
        entries = self._environments()
        before = entries[-1].get("fingerprints", {}) if entries else {}
        return [
            f"{self.path} was begun with a {name} of {before[name]}, and here it is of {here}"
            for name, here in fingerprints.items()
            if before.get(name, here) != here
        ]

    def add_environment(
        self, step: int, device: torch.device, processes: int, fingerprints: Mapping[str, str]
    ) -> None:
        """Note what this session runs on. Raises ``OutputError`` where that fails."""
        entry = {"from_step": step, **environment(device), "processes": processes}
        entries = [*self._environments(), entry | {"fingerprints": dict(fingerprints)}]
        _write(self.environment_file, json.dumps(entries, indent=2) + "\n")

    def _environments(self) -> list[dict[str, Any]]:
        if not self.environment_file.exists():
            return []
        try:
            return json.loads(self.environment_file.read_text(encoding="utf-8"))
        except ValueError as fault:
            raise OutputError(str(self.environment_file), "isn't JSON") from fault

    def metrics(self, columns: Sequence[str]) -> MetricsTable:
        """The table of this run."""
        return MetricsTable(self.metrics_file, columns)

    def draw_curves(self) -> None:
        """Draw the table once more. Raises ``OutputError`` where that fails."""
        _write(self.curves_file, curves(read_rows(self.metrics_file)))

    def add_sheet(self, step: int, sheet: Image.Image) -> None:
        """Write a sample sheet. Raises ``OutputError`` where that fails."""
        path = self.samples / f"step-{step:08d}.png"
        try:
            with replacing(path) as stream:
                sheet.save(stream, "PNG")
        except OSError as fault:
            raise write_failure(path, fault) from fault


def environment(device: torch.device) -> Mapping[str, Any]:
    """What may move the last digits of a training."""
    import lightning_fabric

    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "ddriqa": __version__,
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "lightning_fabric": lightning_fabric.__version__,
        "numpy": numpy.__version__,
        "pillow": PIL.__version__,
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": gpu or device.type,
    }


def _write(path: Path, text: str) -> None:
    try:
        with replacing(path) as stream:
            stream.write(text.encode("utf-8"))
    except OSError as fault:
        raise write_failure(path, fault) from fault
