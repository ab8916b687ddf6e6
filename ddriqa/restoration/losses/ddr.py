"""DDR as a training objective (Eq. 8): the restored picture should respond more to damage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ddriqa.encoders import load_encoder
from ddriqa.errors import UsageError
from ddriqa.images.views import WholePicture, resize_cubic
from ddriqa.metrics.ddr import ddr, directions
from ddriqa.metrics.prompts import select_pairs
from ddriqa.restoration.losses.base import Loss

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ddriqa.encoders import Encoder

TYPES = ("color", "content", "blur")
"""The types of the paper's restoration experiments (its section 4.3)."""
REDUCTIONS = ("mean", "sum")


class DDRLoss(Loss):
    """Eq. 8's second term: minus the DDR of the output, times lambda_d. The target doesn't count.

    The geometry is that of the published class's ``forward``: the square training crop goes
    through a cubic resize (a = -0.75, no antialiasing) to the encoder's side; nothing is cropped
    or clamped. That class takes the mean over the types, as ``mean`` does; Eq. 8 prints a sum.

    Args:
        encoder: an ``Encoder``, or a name of ``load_encoder``. It stays frozen; gradients flow
            through it to the pixels.
        weight: lambda_d; 2.0 in the paper.
        types: names of the published prompt pairs.
        reduction: over the types, ``mean`` (the authors' code) or ``sum`` (Eq. 8); over the batch
            it is always the mean.
        adaptation: Eq. 4 (AdaIN); the last row but one of the paper's Table 6 is without it.
        side: to which crops are resized. By default the encoder's own; an encoder whose view is
            the whole picture in its own shape sees crops as they are: the built-in one's 384
            pixels would make a step of a small network three times as long.

    Raises:
        UsageError: an unknown type or reduction, a side that the encoder can't take.
    """

    directions: Tensor

    def __init__(
        self,
        encoder: str | Encoder = "builtin",
        *,
        weight: float = 2.0,
        types: Sequence[str] = TYPES,
        reduction: str = "mean",
        adaptation: bool = True,
        side: int | None = None,
    ) -> None:
        super().__init__(weight)
        if reduction not in REDUCTIONS:
            known = f"Known: {', '.join(REDUCTIONS)}"
            raise UsageError("reduction", f"unknown name {reduction!r}", known)
        self.encoder = load_encoder(encoder) if isinstance(encoder, str) else encoder
        self.encoder.freeze()
        own = self.encoder.card.side
        whole = isinstance(getattr(self.encoder, "view", None), WholePicture)
        self.side = side or (None if whole else own)
        self.reduction, self.adaptation = reduction, adaptation
        self._native = self.side != own
        if self._native and not self.encoder.any_size:
            reason = f"{self.encoder.card.name} takes pictures of {own} x {own} pixels only"
            raise UsageError("side", reason, "Leave it out")
        pairs = select_pairs(types)
        self.register_buffer("directions", directions(self.encoder, pairs), persistent=False)

    @property
    def fingerprint(self) -> str:
        """The encoder's: under another one it is another loss."""
        return self.encoder.fingerprint

    def term(self, output: Tensor, target: Tensor) -> Tensor:
        """Scalar: minus the mean over the batch of the types' mean or sum.

        Raises:
            UsageError: crops that aren't square.
        """
        height, width = output.shape[-2:]
        if height != width:
            reason = f"needs square crops, not {height} x {width}"
            raise UsageError("DDRLoss", reason, "Train on square crops")
        pixels = resize_cubic(output, self.side) if self.side else output
        encode = self.encoder.encode_native if self._native else self.encoder.encode_image
        features = encode(pixels).to(output.dtype)
        responses = ddr(features, self.directions.to(features), adaptation=self.adaptation)
        total = responses.mean(-1) if self.reduction == "mean" else responses.sum(-1)
        return -torch.mean(total)
