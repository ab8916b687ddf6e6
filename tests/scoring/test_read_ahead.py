"""The bounds of what is read ahead."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ddriqa.errors import DeviceError
from ddriqa.images.decode import Decoded
from ddriqa.scoring import read_ahead, threads
from ddriqa.scoring.read_ahead import MemoryBudget, ReadAhead


def test_bytes_in_flight_stay_below_the_limit_and_the_oldest_always_gets_in(monkeypatch):
    """A hundred pictures that each claim a third of the budget, and some that exceed it."""
    lock, inside, most = threading.Lock(), 0, 0

    def heavy(source, *, max_pixels, admit, draft):
        nonlocal inside, most
        size = 1000 if source % 17 == 0 else 30
        admit(size)
        with lock:
            inside += size
            most = max(most, inside if size == 30 else 0)
        time.sleep(0.001)
        with lock:
            inside -= size
        return Decoded(str(source), error="none")

    monkeypatch.setattr(read_ahead, "decode", heavy)
    reader = ReadAhead([], workers=8, ahead=20)
    reader.budget = MemoryBudget(100 * read_ahead.BYTES_PER_PIXEL)
    paths = [prepared.record.path for prepared in reader(range(100))]
    assert paths == [str(i) for i in range(100)]
    assert most <= 1000 + 90 + 30
    assert reader.budget.used == 0


def test_closing_frees_threads_that_wait_for_memory():
    reader = ReadAhead([], workers=4, ahead=8)
    reader.budget = MemoryBudget(1)
    waiting = threading.Event()

    def claim(index, size):
        waiting.set()
        MemoryBudget.claim(reader.budget, index, size)

    reader.budget.claim = claim
    run = reader(_pictures())
    next(run)
    waiting.wait(5)
    begun = time.monotonic()
    run.close()
    assert time.monotonic() - begun < 5


def test_nothing_begins_to_be_decoded_during_a_pause():
    begun = threading.Event()

    def claim(index, size):
        begun.set()
        MemoryBudget.claim(reader.budget, index, size)

    reader = ReadAhead([], workers=1, ahead=1)
    reader.budget.claim = claim
    with ThreadPoolExecutor(1) as pool:
        with reader.paused():
            images = pool.submit(list, reader(_pictures()[:2]))
            assert begun.wait(5)
            time.sleep(0.05)
            assert not images.done()
        assert len(images.result(5)) == 2


def _pictures():
    import io

    import numpy as np
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(stream, "PNG")
    return [stream.getvalue()] * 50


def test_workers_do_not_change_torch_s_threads():
    import torch

    from ddriqa import Scorer

    before = torch.get_num_threads()
    list(Scorer(encoder="toy", workers=7).iter(_pictures()))
    assert torch.get_num_threads() == before


def test_a_system_without_threads_is_told_and_nothing_hangs(monkeypatch):
    start = threading.Thread.start
    started = []

    def limited(thread):
        if thread.name.startswith("few") and len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    with pytest.raises(DeviceError, match="doesn't start 3 threads"):
        threads.pool(3, 1, "few")
    for thread in started:
        thread.join(5)
        assert not thread.is_alive()


def test_a_container_s_share_of_the_cores_counts(monkeypatch, tmp_path):
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(threads, "CPU_QUOTA", quota)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 64)
    monkeypatch.delattr(threads.os, "sched_getaffinity", raising=False)
    assert threads.available_cores() == 64
    for text, cores in (("max 100000", 64), ("150000 100000", 2), ("10000 100000", 1)):
        quota.write_text(text)
        assert threads.available_cores() == cores
