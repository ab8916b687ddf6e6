"""From sources to records: decode in threads, view and encode in batches, give out in order."""

from __future__ import annotations

import time
from collections import deque
from contextlib import closing, nullcontext
from itertools import islice
from typing import TYPE_CHECKING, Any

from ddriqa.images.decode import MAX_PIXELS
from ddriqa.scoring.batches import Batches
from ddriqa.scoring.read_ahead import Prepared, ReadAhead
from ddriqa.scoring.threads import available_cores

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    import torch

    from ddriqa.encoders import Encoder
    from ddriqa.scoring.table import Record

IN_FLIGHT = 64


class Pipeline:
    """An encoder and its metrics, ready for any number of runs.

    Args:
        encoder: on its device; None where all metrics look at pixels.
        metrics: of that encoder, or of pixels.
        device: where the encoder is.
        in_flight: how many images are held at once. It changes speed and memory, never a score.
        workers: threads that decode; default the number of cores. torch's own threads stay.
        max_pixels: larger pictures become failures.
        draft: decode JPEGs at a reduced size; every view must allow it (``View.draft``).
        short_side: larger pictures are shrunk to it before anything looks at them.

    Attributes:
        seconds: how long all runs so far waited for pictures, and for the network.
    """

    def __init__(
        self,
        encoder: Encoder | None,
        metrics: Sequence[Any],
        device: torch.device,
        *,
        in_flight: int | None = None,
        workers: int | None = None,
        max_pixels: int = MAX_PIXELS,
        draft: bool = False,
        short_side: int | None = None,
    ) -> None:
        self.encoder, self.metrics, self.device = encoder, metrics, device
        self.in_flight = in_flight or max(IN_FLIGHT, 4 * encoder.card.batch if encoder else 0)
        self.workers = workers or available_cores()
        self.max_pixels = max_pixels
        self.of_pixels = [metric for metric in metrics if metric.needs == "pixels"]
        self.of_views = [metric for metric in metrics if metric.needs != "pixels"]
        self.views = list(dict.fromkeys(metric.view for metric in self.of_views))
        self.short_side = short_side
        self.draft = max(view.draft or 0 for view in self.views) if draft else None
        self.seconds = {"pictures": 0.0, "network": 0.0}

    def only(self, names: Sequence[str]) -> Pipeline:
        """The same pipeline for some of the metrics."""
        return Pipeline(
            self.encoder,
            [metric for metric in self.metrics if metric.name in names],
            self.device,
            in_flight=self.in_flight,
            workers=self.workers,
            max_pixels=self.max_pixels,
            draft=self.draft is not None,
            short_side=self.short_side,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The score columns of all metrics, in order."""
        return tuple(column for metric in self.metrics for column in metric.columns)

    def run(self, sources: Iterable[Any]) -> Generator[Record, None, None]:
        """One record for each source, in input order, as soon as it and those before are done.

        Raises:
            DeviceError: the device is out of memory.
        """
        ahead = (self.in_flight + 1) // 2
        read = ReadAhead(
            self.views,
            self.of_pixels,
            workers=self.workers,
            ahead=ahead,
            max_pixels=self.max_pixels,
            draft=self.draft,
            short_side=self.short_side,
        )
        batches = Batches(self.encoder, self.of_views, self.device)
        order: deque[Prepared] = deque()
        with closing(batches), closing(read(sources)) as images:
            while group := self._group(images, max(1, ahead // 2)):
                with read.paused() if self.device.type == "cpu" else nullcontext():
                    for image in group:
                        order.append(image)
                        self._encode(batches, image, order, self.in_flight - ahead)
                        yield from self._ready(batches, order, read)
                    batches.settle()
                yield from self._ready(batches, order, read)
            for image in list(order):
                batches.finish(image)
            yield from self._ready(batches, order, read)

    def _group(self, images: Iterator[Prepared], size: int) -> list[Prepared]:
        """The next few images. On a CPU, images are decoded and encoded in turn: decoders would
        slow a network that is spread over the same cores by more than their own share.
        """
        begun = time.perf_counter()
        group = list(islice(images, size))
        self.seconds["pictures"] += time.perf_counter() - begun
        return group

    def _encode(self, batches: Batches, image: Prepared, order: deque[Prepared], most: int) -> None:
        """Run the batches that are full with this image; others where too many images wait."""
        begun = time.perf_counter()
        batches.add(image)
        if len(order) > most:
            batches.finish(order[0])
        self.seconds["network"] += time.perf_counter() - begun

    @staticmethod
    def _ready(
        batches: Batches, order: deque[Prepared], read: ReadAhead
    ) -> Generator[Record, None, None]:
        while order and not batches.unfinished(order[0]):
            image = order.popleft()
            read.budget.release(image.bytes)
            yield image.record
