"""The encoder that ships with the package: small, offline, made without human scores.

An EfficientNet-Lite0 whose stages are pooled to means and deviations, beside statistics of the
pixels; linear read-outs of these say how much of each kind of damage there is and what is in the
picture; both are laid along fixed orthonormal directions of one embedding, so that DDR works on it
exactly as on CLIP. ``ddriqa.encoder_training`` makes it. One file holds two operating points, the
default and ``fast``, which share the tower and the text and differ in view and read-outs.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ddriqa.encoders.base import Encoder, EncoderCard
from ddriqa.encoders.efficientnet import HEAD, TAP_CHANNELS, TAP_STRIDES, EfficientNetLite0
from ddriqa.encoders.pixel_statistics import PIXELS, pixel_statistics
from ddriqa.encoders.text_tower import CONTEXT, TextTower
from ddriqa.encoders.tone import TONE, tone_statistics
from ddriqa.errors import UsageError, WeightsError
from ddriqa.images.views import WholePicture

if TYPE_CHECKING:
    from collections.abc import Mapping

WEIGHTS = Path(__file__).with_name("weights") / "builtin@2.safetensors"
MEAN, STD = 127 / 255, 128 / 255  # EfficientNet-Lite0: (x - 127) / 128 for x in 0...255
POOLED = 2 * sum(TAP_CHANNELS) + HEAD
OF_PIXELS = {"tone": (tone_statistics, TONE), "pixels": (pixel_statistics, PIXELS)}
"""Name of a set of pixel statistics -> function, and how many: version 1's, version 2's."""
BATCH = 2  # larger ones leave the processor's cache, and few pictures share one shape
FAST = "fast."  # begins the names of the weights that are the fast operating point's own
OWN = ("facets", "content", "response_", "statistics_")  # what an operating point doesn't share
SHARPNESS = 2.0  # of the soft maximum over a response's facets
VARIANCE_FLOOR = 1e-6  # keeps the deviation's gradient finite on flat pictures


def statistics(tower: EfficientNetLite0, pixels: Tensor, of_pixels: str) -> Tensor:
    """What the read-outs read: ``(B, 3, H, W)`` in [0, 1] -> ``(B, 2368 + those of the pixels)``.

    Mean and deviation over space of each tap of the tower, the head's mean, and the statistics
    of the pixels that ``OF_PIXELS`` names so. For those, values outside [0, 1] (a network's
    output has some) count as the ends: ratios and logarithms have their poles there.
    """
    normal = ((pixels - MEAN) / STD).to(tower.stem.weight.dtype)
    maps = [tap.float() for tap in tower(normal)]
    parts = []
    for tap in maps[:-1]:
        mean = tap.mean((2, 3))  # var_mean is several times slower where channels come last
        variance = (tap - mean[..., None, None]).square().mean((2, 3))
        parts += [mean, (variance + VARIANCE_FLOOR).sqrt()]
    measure, _ = OF_PIXELS[of_pixels]
    return torch.cat([*parts, maps[-1].mean((2, 3)), measure(pixels.clamp(0, 1))], dim=1)


class BuiltinEncoder(Encoder):
    """``F = basis @ [responses(z), norm * content(z) / |content(z)|]``, z standardised statistics.

    A response is the soft maximum of its facets (warm and cool casts, say), each a linear
    read-out of z, in units of its deviation over damaged photographs. ``basis`` has orthonormal
    columns, each of mean zero, so that DDR's correlation with a text direction is the cosine in
    the space of responses and content.

    Args:
        settings: the shapes, as stored with the weights: ``responses`` (name -> number of
            facets), ``content``, ``dim``, ``content_norm``, ``view_side``, ``batch``,
            ``of_pixels`` (see ``OF_PIXELS``), ``limit`` (of z), ``text`` (width, layers, heads)
            and ``card``.
        vocabulary: see ``TextTower``.
    """

    basis: Tensor
    response_mean: Tensor
    response_scale: Tensor
    statistics_mean: Tensor
    statistics_scale: Tensor
    any_size = True

    def __init__(self, settings: Mapping[str, Any], vocabulary: Tensor) -> None:
        super().__init__(mean=(MEAN,) * 3, std=(STD,) * 3)
        responses, content, dim = len(settings["responses"]), settings["content"], settings["dim"]
        self.settings = dict(settings)
        self.content_norm: float = settings["content_norm"]
        self.tower = EfficientNetLite0()
        self.counts = list(settings["responses"].values())
        self.of_pixels: str = settings.get("of_pixels", "tone")
        self.limit: float = settings.get("limit", float("inf"))
        count = POOLED + OF_PIXELS[self.of_pixels][1]
        self.register_buffer("statistics_mean", torch.zeros(count))
        self.register_buffer("statistics_scale", torch.ones(count))
        self.facets = nn.Linear(count, sum(self.counts))
        self.register_buffer("response_mean", torch.zeros(responses))
        self.register_buffer("response_scale", torch.ones(responses))
        self.content = nn.Linear(count, content)
        self.register_buffer("basis", zero_mean_basis(dim, responses + content), persistent=False)
        self.text = TextTower(vocabulary, dim=responses + content, **settings["text"])
        self.view = WholePicture(settings["view_side"])
        self.fingerprint = "builtin:unsaved"
        self.card = EncoderCard(
            **settings["card"],
            dim=dim,
            parameters=sum(p.numel() for p in self.parameters()),
            stage_channels=TAP_CHANNELS,
            stage_strides=TAP_STRIDES,
            side=settings["view_side"],
            geometry="view",
            batch=settings.get("batch", BATCH),
        )
        self.freeze()

    def stages(self, pixels: Tensor) -> list[Tensor]:
        return [tap.float() for tap in self.tower(self.normalise(pixels))[:-1]]

    @property
    def image_tower(self) -> EfficientNetLite0:
        return self.tower

    def encode_image(self, pixels: Tensor) -> Tensor:
        values = statistics(self.tower, pixels, self.of_pixels)
        # one by one: on some processors a matrix product's last digits depend on the row's place
        return torch.cat([self.embed(row.clone()) for row in values.split(1)])

    def encode_native(self, pixels: Tensor) -> Tensor:
        return self.encode_image(pixels)

    def embed(self, values: Tensor) -> Tensor:
        """Statistics ``(B, S)`` -> features ``(B, D)``."""
        z = self.standardise(values)
        content = F.normalize(self.content(z), dim=-1) * self.content_norm
        return torch.cat([self.responses(z), content], dim=-1) @ self.basis.T

    def standardise(self, values: Tensor) -> Tensor:
        """In units of their deviation over clean photographs, held within the limit: ``(B, S)``."""
        z = (values - self.statistics_mean) / self.statistics_scale
        return z.clamp(-self.limit, self.limit)

    def responses(self, z: Tensor) -> Tensor:
        """Standardised statistics ``(B, S)`` -> how much of each damage ``(B, R)``."""
        facets = self.facets(z).split(self.counts, dim=-1)
        largest = [(SHARPNESS * group).logsumexp(-1) / SHARPNESS for group in facets]
        return (torch.stack(largest, dim=-1) - self.response_mean) / self.response_scale

    def encode_text(self, texts: list[str]) -> Tensor:
        return self.text(tokenize(texts).to(self.basis.device)) @ self.basis.T


def zero_mean_basis(dim: int, count: int) -> Tensor:
    """The first ``count`` non-constant cosines of length ``dim``, orthonormal: ``(D, count)``."""
    position = (torch.arange(dim, dtype=torch.float64) + 0.5) * (torch.pi / dim)
    waves = torch.cos(position[:, None] * torch.arange(1, count + 1))
    return (waves * (2 / dim) ** 0.5).float()


def tokenize(texts: list[str]) -> Tensor:
    """CLIP's byte-pair tokens ``(N, 32)``; imports open_clip."""
    from ddriqa.encoders.clip import import_open_clip

    return import_open_clip().tokenizer.SimpleTokenizer(context_length=CONTEXT)(texts)


def load(path: str | Path = WEIGHTS) -> BuiltinEncoder:
    """The default operating point of a safetensors file of ``ddriqa train-encoder``.

    Raises:
        UsageError: no such file.
        WeightsError: a damaged file, or one of another version.
    """
    return _load(path, "builtin")


def load_fast(path: str | Path = WEIGHTS) -> BuiltinEncoder:
    """The fast operating point; raises what ``load`` raises, also for a file without it."""
    return _load(path, "builtin-fast")


def load_first() -> BuiltinEncoder:
    """Version 1, as it shipped."""
    return _load(WEIGHTS.with_name("builtin@1.safetensors"), "builtin")


def _load(path: str | Path, name: str) -> BuiltinEncoder:
    from safetensors import SafetensorError, safe_open

    path = Path(path).expanduser()
    if not path.is_file():
        raise UsageError("--encoder", f"no such file: {path}")
    try:
        with safe_open(path, framework="pt") as file:
            settings = json.loads(file.metadata()["settings"])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        reason = f"not an encoder of ddriqa train-encoder ({error})"
        raise WeightsError(str(path), reason) from error
    fast = name == "builtin-fast"
    if fast and "fast" not in settings:
        raise WeightsError(str(path), "has no fast operating point", f"Use it as builtin:{path}")
    try:
        settings, weights = _operating_point(settings, weights, fast)
        encoder = _assemble(settings, weights)
    except (RuntimeError, KeyError, TypeError, AttributeError) as error:
        reason, hint = (
            "was made by another version of ddriqa",
            "Make it again: ddriqa train-encoder",
        )
        raise WeightsError(str(path), reason, hint) from error
    encoder.fingerprint = f"{name}:" + hashlib.sha256(path.read_bytes()).hexdigest()
    return encoder


def _operating_point(
    settings: dict[str, Any], weights: dict[str, Tensor], fast: bool
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Settings and weights of one of the two points: shared ones, and its own."""
    of_fast = {n.removeprefix(FAST): w for n, w in weights.items() if n.startswith(FAST)}
    weights = {name: weight for name, weight in weights.items() if not name.startswith(FAST)}
    changed = settings.pop("fast", None)
    return ({**settings, **changed}, weights | of_fast) if fast else (settings, weights)


def _assemble(settings: dict[str, Any], weights: dict[str, Tensor]) -> BuiltinEncoder:
    stored = weights.pop("prompt_features")
    encoder = BuiltinEncoder(settings, weights["text.vocabulary"])
    for name in ("statistics_mean", "statistics_scale"):  # version 1 reads statistics as they are
        weights.setdefault(name, getattr(encoder, name))
    encoder.load_state_dict({name: _single(tensor) for name, tensor in weights.items()})
    encoder.prompt_features = dict(zip(settings["prompts"], stored, strict=True))
    return encoder


def save(encoder: BuiltinEncoder, fast: BuiltinEncoder, path: str | Path) -> None:
    """Write both operating points: the tower and text in half precision, the rest in single.

    ``prompt_features`` are stored as they are: what the saved weights give, or what learned tokens
    make of the prompts; see ``encoder_training``.
    """
    from safetensors.torch import save as to_bytes

    weights = {
        name: tensor.half() if stored_in_half(name, tensor) else tensor
        for name, tensor in encoder.state_dict().items()
    }
    weights |= {FAST + n: w for n, w in fast.state_dict().items() if n.startswith(OWN)}
    prompts = list(encoder.prompt_features)
    weights["prompt_features"] = torch.stack([encoder.prompt_features[p] for p in prompts])
    changed = {k: v for k, v in fast.settings.items() if v != encoder.settings[k]}
    settings = {**encoder.settings, "prompts": prompts, "fast": changed}
    temporary = Path(f"{path}.partial")
    try:
        temporary.write_bytes(to_bytes(weights, metadata={"settings": json.dumps(settings)}))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def stored_in_half(name: str, tensor: Tensor) -> bool:
    """Whether a weight is kept in half precision in the file."""
    return tensor.is_floating_point() and name.startswith(("tower.", "text."))


def _single(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
