"""How the cores are shared: on many cores, several batches side by side in threads of their own.

A batch that is spread over many cores waits, at the end of each of its many small steps, for the
slowest of them. Batches side by side don't wait for each other.
"""

from __future__ import annotations

import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from ddriqa.errors import DeviceError

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
MOST_STREAMS = 8
"""Each holds a batch's activations in memory."""


def streams(device: torch.device) -> tuple[int, int]:
    """How many batches run at once, and with how many torch threads each.

    Together they take the threads that torch has (``torch.get_num_threads()``, by default the
    cores, or ``OMP_NUM_THREADS``), but no more than a container allows; two or more each. A GPU
    gets one stream.
    """
    total = min(torch.get_num_threads(), available_cores())
    count = min(max(1, total // 2), MOST_STREAMS) if device.type == "cpu" else 1
    return count, total // count


def pool(count: int, threads: int, name: str) -> ThreadPoolExecutor:
    """``count`` threads in which torch's operations take ``threads`` cores each.

    Setting the number in one thread reaches others through the libraries below torch, so every
    thread is started and set here, and the number of the calling thread is set back.
    """
    before = torch.get_num_threads()
    workers = ThreadPoolExecutor(count, name, torch.set_num_threads, (threads,))
    together = threading.Barrier(count)
    try:
        list(workers.map(lambda _: together.wait(), range(count)))
    except BaseException as fault:
        together.abort()
        workers.shutdown(wait=False, cancel_futures=True)
        if isinstance(fault, RuntimeError):
            reason = f"the system doesn't start {count} threads"
            raise DeviceError("cpu", reason, "Set OMP_NUM_THREADS to fewer") from fault
        raise
    finally:
        torch.set_num_threads(before)
    return workers


def available_cores() -> int:
    """Cores that this process may use: those of its affinity, or what its container allows."""
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    with contextlib.suppress(OSError, ValueError):  # no such limit on this system
        quota, period = CPU_QUOTA.read_text(encoding="ascii").split()
        cores = min(cores, -(-int(quota) // int(period)))
    return max(1, cores)
