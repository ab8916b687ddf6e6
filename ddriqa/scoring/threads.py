"""How the cores are shared: on many cores, several batches side by side in threads of their own.

A batch that is spread over many cores waits, at the end of each of its many small steps, for the
slowest of them. Batches side by side don't wait for each other.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import torch

MOST_STREAMS = 8
"""Each holds a batch's activations in memory."""


def streams(device: torch.device) -> tuple[int, int]:
    """How many batches run at once, and with how many torch threads each.

    Together they take the threads that torch has (``torch.get_num_threads()``, by default the
    cores, or ``OMP_NUM_THREADS``), two or more each. A GPU gets one stream.
    """
    total = torch.get_num_threads()
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
    finally:
        torch.set_num_threads(before)
    return workers
