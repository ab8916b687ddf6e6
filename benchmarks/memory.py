"""Peak memory of ``ddriqa score`` with the built-in encoder.

    python benchmarks/memory.py [--counts 1000 10000] [--names 1000000]

Pictures: ten different 4000x3000 JPEGs of quality 90 (enlarged photographs of tests/photos), each
named many times in a list. The list of names on stdin names files that don't exist, so that only
the list itself can use memory. Peak resident memory is the kernel's account of the process. Writes
results/memory.json.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import machine
from score_throughput import LARGE, make_pictures


def peak(folder: Path, names: Any) -> dict[str, float]:
    """Run the command on a list of names on stdin: peak memory in MB, seconds, rows."""
    words = [sys.executable, "-m", "ddriqa", "score", "-", "-q", "--force"]
    output = folder / "scores.csv"
    start = time.perf_counter()
    with subprocess.Popen([*words, "-o", str(output)], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for name in names:
            process.stdin.write(os.fsencode(f"{name}\n"))
        process.stdin.close()
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    with open(output, "rb") as rows:
        count = sum(1 for _ in rows) - 1
    seconds = time.perf_counter() - start
    return {"peak_mb": round(usage.ru_maxrss / 1024), "seconds": round(seconds), "rows": count}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="*", default=[1000, 10000])
    parser.add_argument("--names", type=int, default=1_000_000)
    arguments = parser.parse_args()
    result: dict[str, Any] = {"12-megapixel JPEGs, builtin": {}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = make_pictures(folder / "large", LARGE, 10)
        result["names of files that don't exist"] = {
            arguments.names: peak(folder, (f"photo{i:07d}.jpg" for i in range(arguments.names)))
        }
        print(result, flush=True)
        for count in arguments.counts:
            found = peak(folder, islice(cycle(paths), count))
            result["12-megapixel JPEGs, builtin"][count] = found
            print(count, found, flush=True)
            machine.write("memory", result)


if __name__ == "__main__":
    main()
