"""Peak memory of ``ddriqa score`` with the built-in encoder.

    python benchmarks/memory.py [--counts 1000 10000] [--names 1000000]

Pictures: ten different 4000x3000 JPEGs of quality 90 (enlarged photographs of tests/photos), each
named many times in a list. The list of names on stdin names files that don't exist, so that only
the list itself can use memory. Peak resident memory is the kernel's account of the process (VmHWM)
after so many rows. Linux only. Writes results/memory.json.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from itertools import cycle, islice
from pathlib import Path
from typing import IO, Any

import machine
from score_throughput import LARGE, make_pictures


def peaks(folder: Path, names: Iterable[str], counts: list[int]) -> dict[int, dict[str, int]]:
    """Run the command on a list of names on stdin: peak memory in MB and seconds by rows done."""
    words = [sys.executable, "-m", "ddriqa", "score", "-", "-q", "--force"]
    output = folder / "scores.csv"
    output.unlink(missing_ok=True)
    start, found = time.perf_counter(), {}
    with subprocess.Popen([*words, "-o", str(output)], stdin=subprocess.PIPE) as process:
        feeder = threading.Thread(target=_feed, args=(process.stdin, names))
        feeder.start()
        peak = 0
        while process.poll() is None:
            peak = max(peak, _high_water(process.pid))
            rows = _rows(output)
            for count in [count for count in counts if rows >= count and count not in found]:
                found[count] = {"peak_mb": peak, "seconds": round(time.perf_counter() - start)}
                print(count, found[count], flush=True)
            time.sleep(0.2)
        feeder.join()
    if _rows(output) < max(counts):
        raise SystemExit(f"only {_rows(output)} rows")
    found[max(counts)] = {"peak_mb": peak, "seconds": round(time.perf_counter() - start)}
    return found


def _feed(stream: IO[bytes], names: Iterable[str]) -> None:
    with stream:
        stream.writelines(os.fsencode(f"{name}\n") for name in names)


def _high_water(pid: int) -> int:
    """The most that was resident at once, in MB. A child's ru_maxrss would count its parent's."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has just ended
        return 0
    sizes = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(sizes[0]) // 1024 if sizes else 0


def _rows(output: Path) -> int:
    return output.read_bytes().count(b"\n") - 1 if output.exists() else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="*", default=[1000, 10000])
    parser.add_argument("--names", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = make_pictures(folder / "large", LARGE, 10)
        absent = (f"photo{i:07d}.jpg" for i in range(arguments.names))
        result: dict[str, Any] = {
            "names of files that don't exist": peaks(folder, absent, [arguments.names])
        }
        names = (str(path) for path in islice(cycle(paths), max(arguments.counts)))
        result["12-megapixel JPEGs, builtin"] = peaks(folder, names, arguments.counts)
    machine.write("memory", result)
    print(result)


if __name__ == "__main__":
    main()
