"""What a result file must say of where it was made."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from datetime import date
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def description() -> dict[str, Any]:
    """Processor, cores, versions, the built-in encoder's weights, date; no name of a machine."""
    import numpy
    import PIL
    import torch

    import ddriqa
    from ddriqa.encoders.builtin import WEIGHTS

    return {
        "date": date.today().isoformat(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "torch_threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "pillow": PIL.__version__,
        "ddriqa": ddriqa.__version__,
        "builtin_sha256": hashlib.sha256(WEIGHTS.read_bytes()).hexdigest(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def write(name: str, result: dict[str, Any]) -> Path:
    """Write ``results/NAME.json`` with the machine's description in it."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": description(), **result}, indent=1) + "\n")
    return path
