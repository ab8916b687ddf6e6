"""From sources to records: decode in threads, view and encode in batches, give out in order."""

from __future__ import annotations

import os
from collections import deque
from contextlib import closing
from typing import TYPE_CHECKING, Any

from ddriqa.images.decode import MAX_PIXELS
from ddriqa.scoring.batches import Batches
from ddriqa.scoring.read_ahead import Prepared, ReadAhead

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    import torch

    from ddriqa.encoders import Encoder
    from ddriqa.scoring.table import Record

IN_FLIGHT = 64


class Pipeline:
    """An encoder and its metrics, ready for any number of runs.

    Args:
        encoder: on its device.
        metrics: of that encoder.
        device: where the encoder is.
        in_flight: how many images are held at once. It changes speed and memory, never a score.
        workers: threads that decode; default the number of cores. torch's own threads stay.
        max_pixels: larger pictures become failures.
    """

    def __init__(
        self,
        encoder: Encoder,
        metrics: Sequence[Any],
        device: torch.device,
        *,
        in_flight: int | None = None,
        workers: int | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.encoder, self.metrics, self.device = encoder, metrics, device
        self.in_flight = in_flight or IN_FLIGHT
        self.workers = workers or available_cores()
        self.max_pixels = max_pixels

    @property
    def columns(self) -> tuple[str, ...]:
        """The score columns of all metrics, in order."""
        return tuple(column for metric in self.metrics for column in metric.columns)

    def run(self, sources: Iterable[Any]) -> Generator[Record, None, None]:
        """One record for each source, in input order, as soon as it and those before are done.

        Raises:
            DeviceError: the device is out of memory.
        """
        views = list(dict.fromkeys(metric.view for metric in self.metrics))
        ahead = (self.in_flight + 1) // 2
        read = ReadAhead(views, workers=self.workers, ahead=ahead, max_pixels=self.max_pixels)
        batches = Batches(self.encoder, self.metrics, self.device)
        order: deque[Prepared] = deque()
        with closing(read(sources)) as images:
            for image in images:
                order.append(image)
                batches.add(image)
                if len(order) > self.in_flight - ahead:
                    batches.finish(order[0])
                while order and not batches.unfinished(order[0]):
                    yield _leave(order, read)
            while order:
                batches.finish(order[0])
                yield _leave(order, read)


def _leave(order: deque[Prepared], read: ReadAhead) -> Record:
    image = order.popleft()
    read.budget.release(image.bytes)
    return image.record


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
