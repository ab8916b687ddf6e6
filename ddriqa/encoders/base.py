"""The one interface of every encoder: pixels and texts become features."""

from __future__ import annotations

from abc import abstractmethod
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ddriqa.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ddriqa.images.views import View


@dataclass(frozen=True)
class EncoderCard:
    """What a person should know of an encoder, and what fixes its arithmetic.

    ``batch`` is the number of views that really goes through the network at once: a short last
    batch is padded to it, so that a score doesn't depend on how many images were in flight.
    """

    name: str
    source: str
    licence: str
    data: str
    dim: int
    parameters: int
    stage_channels: tuple[int, ...]
    stage_strides: tuple[int, ...]
    side: int
    geometry: str
    batch: int = 8
    dtype: str = "float32"
    numbers: dict[str, Any] = field(default_factory=dict)


class Encoder(nn.Module):
    """A frozen image tower and its text tower, in evaluation mode for good.

    Pixels are ``(B, 3, H, W)`` RGB floats in [0, 1] (a cubic resize may overshoot a little);
    the encoder normalises them itself with ``mean`` and ``std``.

    Attributes:
        card: facts and arithmetic.
        view: the encoder's own view of a picture (``ddriqa.images.views``).
        fingerprint: ``name:sha256`` of the weights; scores of two fingerprints don't compare.
        prompt_features: text features stored with the weights, prompt -> ``(D,)``; may be empty.
        any_size: whether ``encode_native`` takes pictures of any size.
        prefers_native: whether a picture's own size is what published quality measures on this
            kind of tower use (CLIP's ResNets, which do without positions).
    """

    card: EncoderCard
    view: View
    fingerprint: str
    mean: Tensor
    std: Tensor
    image_dtype = torch.float32
    any_size = False
    prefers_native = False

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.prompt_features: dict[str, Tensor] = {}

    def view_for(self, geometry: str | None = None) -> View:
        """The view of a geometry, by default of the card's.

        ``crops`` (the authors' of DDR), ``view`` (the encoder's own), ``native`` (the picture as
        it is, for ``encode_native``), ``windows`` (the crops, and windows at native resolution).

        Raises:
            UsageError: another name, or ``native`` for a tower of one size.
        """
        from ddriqa.images.views import NativeSize, SquareCrops, Windows

        geometry = geometry or self.card.geometry
        if geometry == "crops":
            return SquareCrops(self.card.side)
        if geometry == "view":
            return self.view
        if geometry == "windows":
            return Windows(self.card.side)
        if geometry != "native":
            known = "Known: crops, view, native, windows"
            raise UsageError("--geometry", f"unknown geometry {geometry!r}", known)
        if not self.any_size:
            raise self._one_size()
        return NativeSize()

    def _one_size(self) -> UsageError:
        side = self.card.side
        reason = f"its tower takes pictures of {side} x {side} pixels only"
        return UsageError(self.card.name, reason, "Take --geometry crops, view or windows")

    def freeze(self) -> Encoder:
        """Stop gradients to the weights (those to the pixels still flow) and fix eval mode."""
        self.requires_grad_(False)
        return self.train(False)

    def train(self, mode: bool = True) -> Encoder:
        """Stay in evaluation mode whatever a surrounding model asks for."""
        super().train(False)
        return self

    def normalise(self, pixels: Tensor) -> Tensor:
        """``(pixels - mean) / std``, ``(B, 3, H, W)``, in the image tower's arithmetic."""
        return ((pixels - self.mean) / self.std).to(self.image_dtype)

    @property
    @abstractmethod
    def image_tower(self) -> nn.Module:
        """The part that turns pixels into features."""

    def in_precision(self, dtype: torch.dtype) -> Encoder:
        """A copy whose image tower calculates in ``dtype``; features stay float32.

        Its scores aren't those of the original, though the fingerprint, which names the weights,
        is the same.
        """
        fingerprint = self.fingerprint
        copied = deepcopy(self)
        copied.fingerprint = fingerprint
        copied.image_dtype = dtype
        copied.image_tower.to(dtype)
        return copied

    @abstractmethod
    def encode_image(self, pixels: Tensor) -> Tensor:
        """Projected features, not normalised: ``(B, 3, H, W)`` in [0, 1] -> ``(B, D)``."""

    def encode_native(self, pixels: Tensor) -> Tensor:
        """``encode_image`` of pictures of any size, as the tower can best do it.

        Args:
            pixels: ``(B, 3, H, W)`` in [0, 1], sides of 64 pixels at least (``NativeSize`` pads).

        Returns:
            ``(B, D)``, projected, not normalised.

        Raises:
            UsageError: the tower takes one size only (``any_size`` is False).
        """
        raise self._one_size()

    @abstractmethod
    def stages(self, pixels: Tensor) -> list[Tensor]:
        """Middle features, fine to coarse: ``[(B, C_i, H_i, W_i)]`` as the card announces."""

    @abstractmethod
    def encode_text(self, texts: list[str]) -> Tensor:
        """Projected text features, not normalised: N texts -> ``(N, D)``."""

    def text_features(self, texts: list[str]) -> Tensor:
        """``encode_text``, but from the stored features where all the texts are stored."""
        if all(text in self.prompt_features for text in texts):
            return torch.stack([self.prompt_features[text] for text in texts]).to(self.mean.device)
        with torch.no_grad():
            return self.encode_text(texts)
