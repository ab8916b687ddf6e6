"""Views of many images go through the encoder in batches of one fixed size.

A batch holds views of one shape and always exactly ``encoder.card.batch`` of them; where fewer
wait, the rest is zeros. What a view gives then doesn't depend on who else is in its batch, so a
score is the same to the bit whatever the order, the neighbours and the number in flight.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from ddriqa.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ddriqa.encoders import Encoder
    from ddriqa.images.views import View
    from ddriqa.scoring.read_ahead import Prepared


class _Crop(NamedTuple):
    image: Prepared
    number: int
    pixels: Tensor


class Batches:
    """The views that wait for the encoder, by shape.

    Args:
        encoder: on its device.
        metrics: of that encoder; those with equal views share features.
        device: where the encoder is.
    """

    def __init__(self, encoder: Encoder, metrics: Sequence[Any], device: torch.device) -> None:
        self._encoder, self._metrics, self._device = encoder, metrics, device
        self._size = encoder.card.batch
        self._waiting: dict[tuple[View, torch.Size, torch.dtype], list[_Crop]] = {}
        self._values: dict[Prepared, dict[str, list[float | None]]] = {}

    def add(self, image: Prepared) -> None:
        """Take the views of an image; run every batch that is full."""
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
                if len(queue) == self._size:
                    self._run(key)

    def unfinished(self, image: Prepared) -> bool:
        """Whether views of the image still wait."""
        return image in self._values

    def finish(self, image: Prepared) -> None:
        """Run the batches that hold views of an image, full or not."""
        for key in [
            k for k, queue in self._waiting.items() if any(c.image is image for c in queue)
        ]:
            self._run(key)

    def _run(self, key: tuple[View, torch.Size, torch.dtype]) -> None:
        crops = self._waiting.pop(key)
        view, shape, kind = key
        pixels = torch.zeros((self._size, *shape), dtype=kind, device="cpu")
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        for place, crop in enumerate(crops):
            pixels[place] = crop.pixels
        for column, values in self._scores(view, pixels).items():
            for crop, value in zip(crops, values, strict=False):
                self._values[crop.image][column][crop.number] = value
        for crop in crops:
            self._conclude(crop.image)

    @torch.inference_mode()
    def _scores(self, view: View, pixels: Tensor) -> dict[str, list[float]]:
        try:
            batch = pixels.to(self._device, memory_format=torch.channels_last)
            batch = batch.float() / 255 if batch.dtype == torch.uint8 else batch
            features = self._encoder.encode_image(batch)
            columns: dict[str, Tensor] = {}
            for metric in self._metrics:
                if metric.view == view:
                    columns |= metric.score(features)
            values = torch.stack(list(columns.values())).tolist()  # one way from the device
            return dict(zip(columns, values, strict=True))
        except RuntimeError as fault:
            raise _memory(self._device, fault) from fault

    def _conclude(self, image: Prepared) -> None:
        columns = self._values.get(image)
        if columns is None or any(None in values for values in columns.values()):
            return
        del self._values[image]
        scores = {name: math.fsum(v) / len(v) for name, v in columns.items()}  # type: ignore[arg-type]
        if all(map(math.isfinite, scores.values())):
            image.record.scores = scores
        else:
            image.record.error = "its features give no finite score"


def _memory(device: torch.device, fault: RuntimeError) -> BaseException:
    text = str(fault)
    if isinstance(fault, torch.OutOfMemoryError) or "out of memory" in text:
        return DeviceError(str(device), "out of memory", "Use --device cpu, or free its memory")
    if "DefaultCPUAllocator" in text or "not enough memory" in text:
        return DeviceError(str(device), "out of memory", "Close other programs")
    return fault
