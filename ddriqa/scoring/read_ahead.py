"""Images are decoded by threads, ahead of the model and within bounds, and cut into views."""

from __future__ import annotations

import contextlib
import math
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ddriqa.errors import ImageError
from ddriqa.images.decode import MAX_PIXELS, decode
from ddriqa.images.views import resize_antialiased
from ddriqa.scoring.table import Record

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    import numpy as np
    from torch import Tensor

    from ddriqa.images.views import View

BYTES_IN_FLIGHT = 768 << 20
BYTES_PER_PIXEL = 8  # Pillow's four, the array's three, and some for the strips between
MAX_ASPECT = 50
LONGEST_REASON = 120


@dataclass(eq=False)
class Prepared:
    """One image on its way: its record, and its views ``(n, 3, h, w)`` where it has any."""

    record: Record
    views: dict[View, Tensor] = field(default_factory=dict)
    bytes: int = 0


class MemoryBudget:
    """Bounds the bytes in flight. The oldest image is always let in, so nothing waits forever."""

    def __init__(self, limit: int = BYTES_IN_FLIGHT) -> None:
        self.limit, self.used = limit, 0
        self._turn, self._changed = 0, threading.Condition()

    def claim(self, index: int, size: int) -> None:
        """Wait until ``size`` bytes fit, or until image ``index`` is the oldest one."""
        with self._changed:
            self._changed.wait_for(
                lambda: self.used + size <= self.limit or index <= self._turn or self._turn < 0
            )
            self.used += size

    def release(self, size: int) -> None:
        """Give bytes back (negative: take them without waiting)."""
        with self._changed:
            self.used -= size
            self._changed.notify_all()

    def advance(self, index: int) -> None:
        """Image ``index`` is the oldest one now; a negative one opens the gate for good."""
        with self._changed:
            self._turn = index
            self._changed.notify_all()


class ReadAhead:
    """Reads images in threads, and prepares them in input order.

    Args:
        views: the distinct views that the metrics need.
        metrics: those that look at pixels; they do so in the same threads.
        workers: number of threads; Pillow decodes side by side in them.
        ahead: how many images may be prepared and not yet taken.
        max_pixels, draft: see ``decode``.
        short_side: larger pictures are shrunk to it first.
    """

    def __init__(
        self,
        views: Sequence[View],
        metrics: Sequence[Any] = (),
        *,
        workers: int,
        ahead: int,
        max_pixels: int = MAX_PIXELS,
        draft: int | None = None,
        short_side: int | None = None,
    ) -> None:
        self._views, self._metrics, self._workers, self._ahead = views, metrics, workers, ahead
        self._short_side = short_side
        needed = [metric.bytes_per_pixel for metric in metrics]
        self._bytes_per_pixel = BYTES_PER_PIXEL + max(needed, default=0)
        self._max_pixels, self._draft, self.budget = max_pixels, draft, MemoryBudget()
        self._running = threading.Event()
        self._running.set()

    def __call__(self, sources: Iterable[Any]) -> Generator[Prepared, None, None]:
        """One ``Prepared`` for each source, in order. Closing the iterator ends the threads."""
        waiting: deque[tuple[int, Future[Prepared]]] = deque()
        workers = ThreadPoolExecutor(self._workers, "ddriqa-decode")
        try:
            for index, source in enumerate(sources):
                waiting.append((index, workers.submit(self._read, index, source)))
                if len(waiting) >= self._ahead:
                    yield self._oldest(waiting)
            while waiting:
                yield self._oldest(waiting)
        finally:
            self._running.set()
            self.budget.advance(-1)
            workers.shutdown(wait=True, cancel_futures=True)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """No further picture begins to be decoded: the cores are wanted for something else."""
        self._running.clear()
        try:
            yield
        finally:
            self._running.set()

    def _oldest(self, waiting: deque[tuple[int, Future[Prepared]]]) -> Prepared:
        index, future = waiting.popleft()
        self.budget.advance(index)
        return future.result()

    def _read(self, index: int, source: Any) -> Prepared:
        claimed = 0

        def admit(pixels: int) -> None:
            nonlocal claimed
            size = pixels * self._bytes_per_pixel
            self.budget.claim(index, size)
            self._running.wait()
            claimed = size

        decoded = decode(source, max_pixels=self._max_pixels, admit=admit, draft=self._draft)
        prepared = Prepared(Record(decoded.path, decoded.width, decoded.height))
        prepared.record.error = decoded.error
        if decoded.pixels is not None:
            self._look(decoded.pixels, prepared)
            decoded.pixels = None
        self.budget.release(claimed - prepared.bytes)
        return prepared

    def _look(self, pixels: Any, prepared: Prepared) -> None:
        short, long = sorted(pixels.shape[:2])
        if long > MAX_ASPECT * short:
            prepared.record.error = (
                f"too long and narrow: {long / short:.0f} to 1, the limit is {MAX_ASPECT} to 1"
            )
            return
        try:
            pixels = _shrunk(pixels, self._short_side)
            prepared.views = {view: view(pixels) for view in self._views}
        except Exception as fault:  # a failure is a row, here as well
            prepared.record.error = _no_memory(fault) or "no view of it could be made"
            return
        prepared.bytes = sum(crops.nbytes for crops in prepared.views.values())
        for metric in self._metrics:
            _measure(metric, pixels, prepared.record)


def _measure(metric: Any, pixels: np.ndarray, record: Record) -> None:
    """Add a metric's scores; a failure fails the row, but leaves the other metrics' scores."""
    try:
        scores = metric.measure(pixels)
    except ImageError as error:
        record.fail(error.reason, metric.name)
    except Exception as fault:  # each package fails in its own way
        reason = " ".join(f"{type(fault).__name__} {fault}".split())[:LONGEST_REASON]
        record.fail(_no_memory(fault) or f"fails on it ({reason})", metric.name)
    else:
        if all(map(math.isfinite, scores.values())):
            record.scores |= scores
        else:
            record.fail("gives no finite score", metric.name)


def _no_memory(fault: Exception) -> str:
    memory = isinstance(fault, MemoryError) or "alloc" in str(fault)  # torch's words
    return "not enough memory to look at it" if memory else ""


def _shrunk(pixels: np.ndarray, short_side: int | None) -> np.ndarray:
    short = min(pixels.shape[:2])
    if short_side is None or short <= short_side:
        return pixels
    height, width = (round(length * short_side / short) for length in pixels.shape[:2])
    return resize_antialiased(pixels, (height, width))[0].permute(1, 2, 0).contiguous().numpy()
