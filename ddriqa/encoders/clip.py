"""CLIP's towers through open_clip: ``ViT-B-32``, ``MODEL:TAG``, ``MODEL:/path`` and the like.

Which activation a model takes is part of its weights: OpenAI's were trained with QuickGELU, and
with plain GELU the model runs and is silently another one. It is chosen by the tag's record in
open_clip, by the sha256 of OpenAI's files, or by their format (a TorchScript archive is always
OpenAI's kind). A state dict doesn't tell: ``ViT-B-32:/path`` takes it as plain GELU, and
``ViT-B-32-quickgelu:/path`` as QuickGELU.
"""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ddriqa.encoders.base import Encoder, EncoderCard
from ddriqa.encoders.clip_files import (
    DEFAULT_TAG,
    LOCAL_DIR,
    QUICK_GELU,
    Origin,
    locate,
    one_line,
)
from ddriqa.encoders.clip_native import native_features, resnet_features
from ddriqa.encoders.clip_weights import fit_weights, fitting_model, read_weights, weights_sha256
from ddriqa.encoders.openai_archive import is_archive
from ddriqa.errors import UsageError, WeightsError
from ddriqa.images.views import CentreCrop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import ModuleType

OPENAI_DATA = "400 million pictures with texts from the web (not published)"
RESNET_STAGES = (1, 2, 3, 4)  # of open_clip's list: the stem, then layer1 to layer4

_torchvision_operators: list[torch.library.Library] = []


def load(spec: str) -> ClipEncoder:
    """A CLIP encoder in float32 on the CPU, by open_clip's name, a file, a folder or the hub.

    Raises:
        UsageError: unknown model or tag, no such file.
        WeightsError: the weights are absent, damaged, or of another model.
    """
    open_clip = import_open_clip()
    origin = locate(spec)
    archive = is_archive(origin.file.path)
    quick_gelu = origin.quick_gelu or archive
    tensors = read_weights(origin.file.path)
    model = _build(open_clip, origin, quick_gelu)
    fit_weights(model, tensors, origin.file.path, origin.model, archive)
    with _by_open_clip(origin):
        tokenizer = open_clip.get_tokenizer(origin.tokenizer)
    return ClipEncoder(model, tokenizer, _architecture(origin, tensors, quick_gelu), origin)


def _architecture(origin: Origin, tensors: Mapping[str, Tensor], quick_gelu: bool) -> str:
    """open_clip's name of the model, ending in ``-quickgelu`` where that is the activation."""
    name = origin.model
    if name.startswith(LOCAL_DIR):
        name = fitting_model(tensors) or "CLIP"
    if quick_gelu and not name.endswith(QUICK_GELU):
        name += QUICK_GELU
    return name


class ClipEncoder(Encoder):
    """A CLIP model of open_clip, frozen.

    Attributes:
        model: the open_clip model.
        tokenizer: texts -> token ids ``(N, context)``.
        architecture: open_clip's name, with ``-quickgelu`` where that is the activation.

    ``stages`` of a ResNet are its four stages (strides 4 to 32); of a ViT the patch tokens after
    each quarter of its blocks, as maps at the stride of the patches. ``view`` is OpenAI's (short
    side to the model's size, middle square) for every model. ``encode_native`` does without the
    positions of a ResNet and resizes those of a ViT (``ddriqa.encoders.clip_native``); towers of
    timm take one size.
    """

    def __init__(self, model: Any, tokenizer: Any, architecture: str, origin: Origin) -> None:
        preprocess = model.visual.preprocess_cfg
        super().__init__(preprocess["mean"], preprocess["std"])
        self.model = model
        self.tokenizer = tokenizer
        self.architecture = architecture
        self._plan = _plan_stages(model.visual)
        side = _side(origin.spec, model.visual.image_size)
        self.view = CentreCrop(side)
        self.card = _card(model, origin, self._plan, side)
        self._native = native_features(model.visual)
        self.any_size = self._native is not None
        self.prefers_native = self._native is resnet_features
        self.freeze()

    @cached_property
    def fingerprint(self) -> str:  # type: ignore[override]
        """``architecture:sha256`` over all weights by value, with ``mean`` and ``std``.

        The same weights have the same one whatever file they came from.
        """
        tensors = {**self.model.state_dict(), "mean": self.mean, "std": self.std}
        kept = {name: t for name, t in tensors.items() if not name.endswith("num_batches_tracked")}
        return f"{self.architecture}:{weights_sha256(kept)}"

    def encode_image(self, pixels: Tensor) -> Tensor:
        return self.model.encode_image(self.normalise(pixels), normalize=False).float()

    def encode_native(self, pixels: Tensor) -> Tensor:
        if self._native is None:
            return super().encode_native(pixels)
        return self._native(self.model.visual, self.normalise(pixels)).float()

    @property
    def image_tower(self) -> nn.Module:
        return self.model.visual

    def encode_text(self, texts: list[str]) -> Tensor:
        tokens = self.tokenizer(texts).to(self.mean.device)
        return self.model.encode_text(tokens, normalize=False)

    def stages(self, pixels: Tensor) -> list[Tensor]:
        if not self._plan.indices:
            raise UsageError(
                self.card.name,
                f"its tower, {type(self.model.visual).__name__}, gives no middle features",
                "Take a ResNet or ViT of open_clip's own, such as RN50 or ViT-B-32",
            )
        maps = self.model.visual.forward_intermediates(
            self.normalise(pixels), indices=list(self._plan.indices), intermediates_only=True
        )["image_intermediates"]
        return [stage.float() for stage in maps]


class _Plan(NamedTuple):
    """Which of the tower's steps are stages, and what comes out of them."""

    indices: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()


def _plan_stages(visual: Any) -> _Plan:
    from open_clip.modified_resnet import ModifiedResNet
    from open_clip.transformer import VisionTransformer

    if isinstance(visual, ModifiedResNet):
        layers = (visual.layer1, visual.layer2, visual.layer3, visual.layer4)
        channels = tuple(layer[-1].conv3.out_channels for layer in layers)
        return _Plan(RESNET_STAGES, channels, (4, 8, 16, 32))
    if isinstance(visual, VisionTransformer):
        indices = _quarters(len(visual.transformer.resblocks))
        width, patch = visual.conv1.out_channels, visual.patch_size[0]
        return _Plan(indices, (width,) * len(indices), (patch,) * len(indices))
    return _Plan()


def _quarters(blocks: int) -> tuple[int, ...]:
    """The last block of each quarter: 12 -> 2, 5, 8, 11."""
    return tuple(sorted({max(0, quarter * blocks // 4 - 1) for quarter in (1, 2, 3, 4)}))


def _side(spec: str, size: int | Sequence[int]) -> int:
    height, width = (size, size) if isinstance(size, int) else size
    if height != width:
        raise UsageError(spec, f"its images are {height} x {width}, and only squares are supported")
    return height


def _card(model: Any, origin: Origin, plan: _Plan, side: int) -> EncoderCard:
    from open_clip import get_model_config

    openai = origin.tag == DEFAULT_TAG
    return EncoderCard(
        name=_name(origin),
        source=origin.source,
        licence="MIT" if openai else "as its publisher says",
        data=OPENAI_DATA if openai else origin.tag,
        dim=get_model_config(origin.model)["embed_dim"],
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        stage_channels=plan.channels,
        stage_strides=plan.strides,
        side=side,
        geometry="crops",
        numbers={
            "file_sha256": origin.file.sha256,
            "logit_scale": float(model.logit_scale.detach().exp()),
        },
    )


def _name(origin: Origin) -> str:
    """What a person would call it; no path of this machine in it."""
    if origin.model.startswith(LOCAL_DIR):
        return origin.source
    return f"{origin.model}:{origin.tag or origin.file.path.name}"


def _build(open_clip: ModuleType, origin: Origin, quick_gelu: bool) -> nn.Module:
    """The model without weights: whatever the file doesn't give stays uninitialised."""
    with _by_open_clip(origin), _SkipInitialisation():
        return open_clip.create_model(
            origin.model,
            load_weights=False,
            pretrained_text=False,
            force_quick_gelu=quick_gelu,
            force_preprocess_cfg=origin.preprocess,
        )


class _SkipInitialisation(TorchFunctionMode):
    """Leave weights that are about to be replaced as they are: 2 s less for ViT-B-32."""

    _random = (Tensor.normal_, Tensor.uniform_)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in self._random or getattr(func, "__module__", "") == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


@contextmanager
def _by_open_clip(origin: Origin) -> Iterator[None]:
    """What open_clip can't do becomes one line, and the root logger gets no handler from it."""
    handler = logging.NullHandler()  # open_clip speaks through the root logger, which adds one
    logging.root.addHandler(handler)
    try:
        yield
    except Exception as error:  # a config can ask for anything, also for packages not installed
        reason = f"open_clip can't build it ({one_line(error)})"
        raise WeightsError(origin.spec, reason) from error
    finally:
        logging.root.removeHandler(handler)


def import_open_clip() -> ModuleType:
    """open_clip, also beside a torchvision whose compiled part doesn't fit this torch.

    A torchvision built for another torch (CUDA beside a CPU torch is common) fails while it is
    imported, since it describes operators that its compiled part never declared. open_clip needs
    none of them, so they are declared here, without an implementation.

    Raises:
        WeightsError: open_clip or something it needs isn't installed.
    """
    try:
        return import_module("open_clip")
    except ImportError as error:
        raise WeightsError(
            "open_clip", f"can't be imported ({one_line(error)})", "pip install open_clip_torch"
        ) from error
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
    for name in list(sys.modules):  # what the failed import left behind
        if name.split(".")[0] in ("torchvision", "open_clip"):
            del sys.modules[name]
    _declare_torchvision_operators()
    return import_module("open_clip")


def _declare_torchvision_operators() -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _torchvision_operators.append(library)  # its end would take the declarations back
