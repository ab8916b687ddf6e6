"""Views of many images go through the encoder in batches of one fixed size.

A batch holds views of one shape and always exactly ``encoder.card.batch`` of them (``view.batch``
where the view has a say in it); where fewer wait, the rest is zeros. What a view gives then doesn't
depend on who else is in its batch, so a score is the same to the bit whatever the order, the
neighbours and the number in flight. Batches run side by side in a few threads.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from ddriqa.errors import DeviceError
from ddriqa.scoring.threads import pool, streams

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from torch import Tensor

    from ddriqa.encoders import Encoder
    from ddriqa.images.views import View
    from ddriqa.scoring.read_ahead import Prepared


ENCODE = {"features": "encode_image", "native_features": "encode_native", "stages": "stages"}
"""What a metric needs -> the function of the encoder that gives it."""


class _Crop(NamedTuple):
    image: Prepared
    number: int
    pixels: Tensor


class _Running(NamedTuple):
    scores: Future[dict[str, list[float]] | None]
    crops: list[_Crop]


class Batches:
    """The views that wait for the encoder, by shape, and the batches that are in it.

    Args:
        encoder: on its device; None where there are no metrics.
        metrics: of that encoder; those with equal views and needs share a pass.
        device: where the encoder is.
    """

    def __init__(
        self, encoder: Encoder | None, metrics: Sequence[Any], device: torch.device
    ) -> None:
        self._encoder, self._metrics, self._device = encoder, metrics, device
        self._waiting: dict[tuple[View, torch.Size, torch.dtype], list[_Crop]] = {}
        self._running: deque[_Running] = deque()
        self._values: dict[Prepared, dict[str, list[float | None]]] = {}
        count, threads = streams(device)
        if any(metric.view.batch == 1 for metric in metrics):  # large pictures; memory for one
            count, threads = 1, torch.get_num_threads()
        here = count == 1 and threads == torch.get_num_threads()
        self._pool = None if here else pool(count, threads, "ddriqa-encode")

    def close(self) -> None:
        """Drop what waits; end the threads."""
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def add(self, image: Prepared) -> None:
        """Take the views of an image; start every batch that is full."""
        if not image.views:
            return
        self._values[image] = {
            column: [None] * len(image.views[metric.view])
            for metric in self._metrics
            for column in metric.columns
        }
        views, image.views = image.views, {}
        for view, crops in views.items():
            key = (view, crops.shape[1:], crops.dtype)
            for number, pixels in enumerate(crops):
                queue = self._waiting.setdefault(key, [])
                queue.append(_Crop(image, number, pixels))
                if len(queue) == self._size(view):
                    self._start(key)

    def _size(self, view: View) -> int:
        assert self._encoder is not None
        return view.batch or self._encoder.card.batch

    def unfinished(self, image: Prepared) -> bool:
        """Whether views of the image are still on their way."""
        while self._running and self._running[0].scores.done():
            self._collect()
        return image in self._values

    def settle(self) -> None:
        """Wait for the batches that run."""
        while self._running:
            self._collect()

    def finish(self, image: Prepared) -> None:
        """Run the batches that hold views of an image, full or not, and wait for them."""
        for key in [
            k for k, queue in self._waiting.items() if any(c.image is image for c in queue)
        ]:
            self._start(key)
        while image in self._values:
            self._collect()

    def _start(self, key: tuple[View, torch.Size, torch.dtype]) -> None:
        crops = self._waiting.pop(key)
        pixels = [crop.pixels for crop in crops]
        if self._pool:
            scores = self._pool.submit(self._scores, key[0], pixels)
            self._running.append(_Running(scores, crops))
        else:
            self._take(self._scores(key[0], pixels), crops)

    def _collect(self) -> None:
        """Take in the oldest batch, as soon as it is ready."""
        running = self._running.popleft()
        self._take(running.scores.result(), running.crops)

    def _take(self, scores: dict[str, list[float]] | None, crops: list[_Crop]) -> None:
        if scores is None:
            for crop in crops:
                self._values.pop(crop.image, None)
                crop.image.record.fail("not enough memory to look at it at its own size")
            return
        for column, values in scores.items():
            for crop, value in zip(crops, values, strict=False):
                self._values[crop.image][column][crop.number] = value
        for crop in crops:
            self._conclude(crop.image)

    @torch.inference_mode()
    def _scores(self, view: View, crops: list[Tensor]) -> dict[str, list[float]] | None:
        """Column -> a score for each crop; None where a picture at its own size is too large."""
        try:
            batch = self._padded(crops, self._size(view))
            batch = batch.to(self._device, memory_format=torch.channels_last)
            batch = batch.float() / 255 if batch.dtype == torch.uint8 else batch
            features: dict[str, Any] = {}
            columns: dict[str, Tensor] = {}
            for metric in self._metrics:
                if metric.view == view:
                    if metric.needs not in features:
                        encode = getattr(self._encoder, ENCODE[metric.needs])
                        features[metric.needs] = encode(batch)
                    columns |= metric.score(features[metric.needs])
            values = torch.stack(list(columns.values())).tolist()  # one way from the device
            return dict(zip(columns, values, strict=True))
        except RuntimeError as fault:
            if told := _memory(self._device, fault):
                if view.batch == 1:
                    return None
                raise told from fault
            raise

    @staticmethod
    def _padded(crops: list[Tensor], size: int) -> Tensor:
        shape, kind = (size, *crops[0].shape), crops[0].dtype
        pixels = torch.zeros(shape, dtype=kind).contiguous(memory_format=torch.channels_last)
        for place, crop in enumerate(crops):
            pixels[place] = crop
        return pixels

    def _conclude(self, image: Prepared) -> None:
        columns = self._values.get(image)
        if columns is None or any(None in values for values in columns.values()):
            return
        del self._values[image]
        means = {name: math.fsum(v) / len(v) for name, v in columns.items()}  # type: ignore[arg-type]
        for metric in self._metrics:
            scores = {name: means[name] for name in metric.columns}
            if all(map(math.isfinite, scores.values())):
                image.record.scores |= scores
            else:
                image.record.fail("its features give no finite score", metric.name)


def _memory(device: torch.device, fault: RuntimeError) -> DeviceError | None:
    text = str(fault)
    if isinstance(fault, torch.OutOfMemoryError) or "out of memory" in text:
        return DeviceError(str(device), "out of memory", "Use --device cpu, or free its memory")
    if "DefaultCPUAllocator" in text or "not enough memory" in text:
        return DeviceError(str(device), "out of memory", "Close other programs")
    return None
