"""DDR with damage done to the pixels, level by level, beside the feature-domain response.

The protocol of DDR's Table 1 (LIVE's blurred pictures) and Fig. 2 (low, optimal and high level
against the adaptive form). The paper gives neither levels nor kernels; ``BLUR_LEVELS`` are ours.
A level chosen by its agreement with these very labels is tuned on them, and said to be.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ddriqa.errors import UsageError
from ddriqa.images.decode import decode
from ddriqa.metrics.ddr import DDR
from ddriqa.metrics.ddr_pixel import pixel_response

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ddriqa.benchmark.datasets.base import Rated
    from ddriqa.encoders import Encoder

BLUR_LEVELS = {
    "sigma 0.5": 0.2 * 0.5 / 0.6,
    "sigma 1": 0.4,
    "sigma 2": 0.6 + 0.2 * (2 - 1.7) / (2.8 - 1.7),
    "sigma 4": 0.8 + 0.2 * (4 - 2.8) / (4.5 - 2.8),
}
"""Name -> level of ``gaussian_blur`` that has this sigma in px."""

ADAPTIVE = "adaptive"


@dataclass(frozen=True)
class PixelProtocol:
    """What is done to each picture.

    Attributes:
        degradation: a name of ``ddriqa.degradations``.
        levels: name -> level in [0, 1].
        type: the prompt pair of the adaptive response that stands beside them.
        geometry: ``crops``, ``view``, or None for the encoder's own.
        seed: of what is random in the damage.
    """

    degradation: str = "gaussian_blur"
    levels: Mapping[str, float] = field(default_factory=lambda: dict(BLUR_LEVELS))
    type: str = "blur"
    geometry: str | None = None
    seed: int = 0


@dataclass(frozen=True)
class Response:
    """One picture.

    Attributes:
        name, label: of the rated picture.
        values: ``adaptive`` and each level's name -> response, higher is better; empty after a
            failure.
        error: why there are none, or None.
    """

    name: str
    label: float
    values: Mapping[str, float]
    error: str | None = None


def responses(
    pictures: Iterable[Rated], encoder: Encoder, protocol: PixelProtocol | None = None
) -> Iterator[Response]:
    """The responses of rated pictures, one after the other, in order.

    Pictures are taken at their own size, also where the field shrinks those of the set.

    Raises:
        UsageError: an unknown degradation, type or geometry, a level outside [0, 1], no level, or
            one named ``adaptive``.
    """
    protocol = protocol or PixelProtocol()
    if not protocol.levels or ADAPTIVE in protocol.levels:
        raise UsageError("levels", f"needs at least one, and none named {ADAPTIVE}")
    metric = DDR(encoder, types=[protocol.type], geometry=protocol.geometry)
    for picture in pictures:
        decoded = decode(picture.path)
        if decoded.pixels is None:
            yield Response(picture.name, picture.label, {}, decoded.error)
            continue
        values = _respond(decoded.pixels, encoder, metric, protocol)
        finite = all(np.isfinite(list(values.values())))
        error = None if finite else "its features give no finite response"
        yield Response(picture.name, picture.label, values if finite else {}, error)


def _respond(
    pixels: np.ndarray, encoder: Encoder, metric: DDR, protocol: PixelProtocol
) -> dict[str, float]:
    with torch.inference_mode():
        view = metric.view(pixels).to(encoder.mean.device)
        view = view if view.is_floating_point() else view.float() / 255
        adaptive = float(metric.score(encoder.encode_image(view))["ddr"].mean())
    return {ADAPTIVE: adaptive} | {
        name: pixel_response(
            encoder,
            pixels,
            protocol.degradation,
            level,
            geometry=protocol.geometry,
            seed=protocol.seed,
        )
        for name, level in protocol.levels.items()
    }


def summary(
    answers: Sequence[Response],
    protocol: PixelProtocol | None = None,
    *,
    labels_higher_is_better: bool,
    rounds: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """How each level and the adaptive response agree with people, in plain values.

    Args:
        answers: of ``responses`` with the same protocol.
        labels_higher_is_better: false for DMOS; a positive SRCC means agreement either way.
        rounds, seed: of the bootstrap of the 95 % interval.

    Returns:
        ``levels``: name -> ``level``, ``srcc``, ``low``, ``high``, ``n``, ``tuned`` (true for the
        level that agrees best: it is *tuned on these labels*), ``quartiles`` (least, first,
        median, third, greatest response: the distribution of Fig. 2); ``adaptive``: the same
        figures of the feature-domain response, to which nothing is tuned; ``best``: the tuned
        level's name, or None; ``n``; ``n_failed``; ``failed``: picture -> reason; ``protocol``.
        Figures are None where they don't exist: fewer than two pictures, or a constant.
    """
    from ddriqa.benchmark.characteristics import srcc_with_interval

    protocol = protocol or PixelProtocol()
    good = [answer for answer in answers if answer.error is None]
    failed = {answer.name: answer.error for answer in answers if answer.error is not None}
    names = [ADAPTIVE, *protocol.levels]
    scores = np.array([[answer.values[name] for answer in good] for name in names])
    quality = np.array([answer.label for answer in good])
    quality = quality if labels_higher_is_better else -quality
    found = srcc_with_interval(scores, quality, rounds=rounds, seed=seed)
    cells = dict(zip(names, found, strict=True))
    known = {n: cells[n]["srcc"] for n in protocol.levels if cells[n]["srcc"] is not None}
    best = max(known, key=lambda name: known[name]) if known else None
    return {
        "levels": {
            name: {
                "level": level,
                **cells[name],
                "tuned": name == best,
                "quartiles": _quartiles(scores[index]),
            }
            for index, (name, level) in enumerate(protocol.levels.items(), start=1)
        },
        "adaptive": {**cells[ADAPTIVE], "quartiles": _quartiles(scores[0])},
        "best": best,
        "n": len(good),
        "n_failed": len(failed),
        "failed": failed,
        "protocol": asdict(protocol),
    }


def _quartiles(values: np.ndarray) -> list[float] | None:
    return [float(v) for v in np.quantile(values, [0, 0.25, 0.5, 0.75, 1])] if len(values) else None
