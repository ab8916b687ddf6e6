"""Pictures off the disk for training, some of them kept decoded in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ddriqa.errors import DatasetError
from ddriqa.images.decode import decode

if TYPE_CHECKING:
    from pathlib import Path


class Pictures:
    """Decodes pictures and keeps the first ones that fit.

    With a random order every picture is as likely as another to come next, so nothing is ever
    thrown out for a newer one. Worker processes have a cache of their own each.

    Args:
        budget: bytes of pixels to keep at most, 0 for none.
    """

    def __init__(self, budget: int = 0) -> None:
        self.budget = budget
        self.held = 0
        self._kept: dict[Path, npt.NDArray[np.uint8]] = {}

    def read(self, path: Path) -> npt.NDArray[np.uint8]:
        """``(H, W, 3)`` sRGB, upright; not to be written into.

        Raises:
            DatasetError: it can't be read, with the reason.
        """
        kept = self._kept.get(path)
        return self._decode(path) if kept is None else kept

    def _decode(self, path: Path) -> npt.NDArray[np.uint8]:
        decoded = decode(path)
        if decoded.pixels is None:
            raise DatasetError(str(path), f"can't be read: {decoded.error}")
        if self.held + decoded.pixels.nbytes <= self.budget:
            self._kept[path] = decoded.pixels
            self.held += decoded.pixels.nbytes
        return decoded.pixels

    def __getstate__(self) -> dict[str, Any]:
        # A process that is started afresh fills its own cache; sending pixels costs more.
        return {"budget": self.budget, "held": 0, "_kept": {}}
