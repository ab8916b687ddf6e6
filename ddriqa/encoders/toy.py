"""A toy encoder of a few thousand fixed weights: whole commands run in milliseconds with it.

It is for tests and for trying out pipelines. Its scores mean nothing.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn

from ddriqa.encoders.base import Encoder, EncoderCard
from ddriqa.images.views import CentreCrop

SIDE, DIM, CHANNELS, STRIDES = 32, 24, (8, 16), (2, 4)


class ToyEncoder(Encoder):
    """Two random convolutions, and texts as hashed letters; seed 0, the same everywhere."""

    any_size = True

    def __init__(self) -> None:
        super().__init__(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
        random = torch.Generator().manual_seed(0)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
            for inputs, outputs in zip((3, *CHANNELS), CHANNELS, strict=False)
        )
        self.projection = nn.Linear(2 * CHANNELS[1], DIM, bias=False)
        for parameter in self.parameters():
            parameter.data.normal_(0, 0.3, generator=random)
        self.view = CentreCrop(SIDE)
        self.fingerprint = "toy:" + _digest(self)
        self.card = EncoderCard(
            name="toy",
            source="made from seed 0",
            licence="Apache-2.0",
            data="none",
            dim=DIM,
            parameters=sum(p.numel() for p in self.parameters()),
            stage_channels=CHANNELS,
            stage_strides=STRIDES,
            side=SIDE,
            geometry="view",
        )
        self.freeze()

    def stages(self, pixels: Tensor) -> list[Tensor]:
        fine = self.image_tower[0](self.normalise(pixels)).relu()
        return [fine.float(), self.image_tower[1](fine).relu().float()]

    @property
    def image_tower(self) -> nn.ModuleList:
        return self.convolutions

    def encode_image(self, pixels: Tensor) -> Tensor:
        coarse = self.stages(pixels)[-1]
        return self.projection(torch.cat([coarse.mean((2, 3)), coarse.std((2, 3))], dim=1))

    def encode_native(self, pixels: Tensor) -> Tensor:
        return self.encode_image(pixels)

    def encode_text(self, texts: list[str]) -> Tensor:
        return torch.stack([_text_vector(text) for text in texts])


def _text_vector(text: str) -> Tensor:
    vectors = [
        torch.randn(DIM, generator=torch.Generator().manual_seed(_word_seed(word)))
        for word in text.lower().split()
    ]
    return torch.stack(vectors).mean(0) if vectors else torch.zeros(DIM)


def _word_seed(word: str) -> int:
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")


def _digest(module: nn.Module) -> str:
    digest = hashlib.sha256()
    for tensor in module.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
