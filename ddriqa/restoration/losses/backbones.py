"""The convolutions of AlexNet, VGG16 and SqueezeNet, and torchvision's weights for them.

Named and numbered as torchvision's ``features``, so that its files fit; torchvision itself isn't
needed. VGG19's are in ``ddriqa.metrics.vgg``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ddriqa.encoders.clip_files import WEIGHTS_FOLDER
from ddriqa.errors import SeveralErrors, WeightsError, all_of
from ddriqa.metrics.network_weights import load_weights
from ddriqa.metrics.vgg import VGG19Features

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

FILES = {
    "alexnet": "alexnet-owt-7be5be79.pth",
    "vgg16": "vgg16-397923af.pth",
    "vgg19": "vgg19-dcbb9e9d.pth",
    "squeezenet1_1": "squeezenet1_1-b8a52dc0.pth",
}
"""Name -> torchvision's file, as its downloads are named in torch hub's folder; a file
``NAME_features.pth`` of the convolutions alone will do, too."""


class Backbone(nn.Module):
    """A chain ``features`` whose maps are read on the way."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.features = nn.Sequential(*layers)

    def maps(self, pixels: Tensor, indices: Sequence[int]) -> Iterator[Tensor]:
        """Normalised ``(B, 3, H, W)`` -> the maps after the layers of these indices, in order."""
        for index, layer in zip(range(max(indices) + 1), self.features, strict=False):
            pixels = layer(pixels)
            if index in indices:
                yield pixels


def alexnet() -> Backbone:
    """Krizhevsky's "one weird trick" AlexNet (2014); ReLUs at 1, 4, 7, 9, 11; 2,469,696 numbers."""
    return Backbone(
        [
            *(nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2)),
        ]
    )


def vgg16() -> Backbone:
    """VGG16 (Simonyan and Zisserman 2015); relu1_2 3, 2_2 8, 3_3 15, 4_3 22, 5_3 29."""
    layers: list[nn.Module] = []
    inputs = 3
    for channels, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.ReLU()]
            inputs = channels
        layers.append(nn.MaxPool2d(2))
    return Backbone(layers)


class Fire(nn.Module):
    """SqueezeNet's module: 1x1 convolutions that squeeze, 1x1 and 3x3 ones that expand."""

    def __init__(self, inputs: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """``(B, inputs, H, W)`` -> ``(B, 2 expanded, H, W)``."""
        narrow = self.squeeze(maps).relu()
        return torch.cat([self.expand1x1(narrow), self.expand3x3(narrow)], dim=1).relu()


def squeezenet1_1() -> Backbone:
    """SqueezeNet 1.1 (Iandola et al. 2016); Fire at 3, 4, 6, 7, 9 ... 12; 722,496 numbers."""

    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    return Backbone(
        [
            *(nn.Conv2d(3, 64, 3, stride=2), nn.ReLU(), pool()),
            *(Fire(64, 16, 64), Fire(128, 16, 64), pool()),
            *(Fire(128, 32, 128), Fire(256, 32, 128), pool()),
            *(Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256)),
        ]
    )


NETWORKS: dict[str, Callable[[], Backbone | VGG19Features]] = {
    "alexnet": alexnet,
    "vgg16": vgg16,
    "vgg19": VGG19Features,
    "squeezenet1_1": squeezenet1_1,
}


def weights_folders() -> list[Path]:
    """Where files of weights are looked for: the folder that the environment variable
    ``DDRIQA_WEIGHTS`` names, and torch hub's (``TORCH_HOME``)."""
    named = os.environ.get(WEIGHTS_FOLDER)
    return [*([Path(named)] if named else []), Path(torch.hub.get_dir()) / "checkpoints"]


def weights_of(*names: str) -> Path | None:
    """The first file of these names in one of ``weights_folders``, None where none has it."""
    paths = (folder / name for folder in weights_folders() for name in names)
    return next((path for path in paths if path.is_file()), None)


def where_to_put(name: str) -> str:
    """The end of a message: how a file is found."""
    return f"Save it as {name} in the folder that {WEIGHTS_FOLDER} names, or in torch hub's"


def all_loaded(*loads: Callable[[], Any]) -> list[Any]:
    """What each of them gives.

    Raises:
        WeightsError: naming everything that is absent or wrong, not the first alone.
        SeveralErrors: where something else is wrong, too.
    """
    try:
        return all_of(*loads)
    except SeveralErrors as several:
        weights = [fault for fault in several.faults if isinstance(fault, WeightsError)]
        if len(weights) < len(several.faults):
            raise
        raise SeveralWeights([p for f in weights for p in getattr(f, "parts", [f])]) from None


class SeveralWeights(WeightsError):
    """Weights of several networks in one sentence; ``parts`` has an error for each."""

    def __init__(self, parts: Sequence[WeightsError]) -> None:
        self.parts = list({str(part): part for part in parts}.values())
        subjects: dict[str, list[str]] = {}
        for part in self.parts:
            subjects.setdefault(part.reason, []).append(part.subject)
        reason = "; ".join(f"{', '.join(those)}: {why}" for why, those in subjects.items())
        super().__init__("", reason, ". ".join(part.next_step for part in self.parts))


def load_backbone(name: str, file: str | Path | None = None) -> Backbone | VGG19Features:
    """A network with its ImageNet weights, frozen.

    Args:
        name: a key of ``NETWORKS``.
        file: torchvision's file, or one of its ``features`` alone; by default torchvision's own
            download, or ``NAME_features.pth``, where one of ``weights_folders`` has it. Nothing is
            downloaded.

    Raises:
        WeightsError: no file, or one that doesn't fit.
    """
    network = NETWORKS[name]()
    download = FILES[name]
    path = file or weights_of(download, f"{name}_features.pth")
    source = (
        f"torchvision's file https://download.pytorch.org/models/{download} holds them. "
        f"{where_to_put(download)}"
    )
    try:
        load_weights(network, path, name=name, source=source, unused="classifier.")
    except WeightsError as error:
        try:
            load_weights(network.features, path, name=name, source=source)
        except WeightsError:
            raise error from None
    return network
