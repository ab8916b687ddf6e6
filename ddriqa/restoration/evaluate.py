"""How near restored pictures come to the truth: measures over pairs, and their means."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from ddriqa.errors import DatasetError, ImageError, UsageError
from ddriqa.restoration.infer import OVERLAP, TILE, restore
from ddriqa.restoration.measures.planes import eight_bit

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ddriqa.restoration.data import Pairs

PROBE = 64  # pixels


@dataclass(frozen=True)
class Evaluated:
    """One pair.

    Attributes:
        values: measure -> value; NaN where it has none.
        error: why a measure has none, or None: the picture can't be read, or not be measured.
    """

    name: str
    values: dict[str, float]
    error: str | None = None


def evaluate(
    pairs: Pairs,
    measures: Mapping[str, Callable[..., Any]],
    network: nn.Module | None = None,
    *,
    rounded: bool = True,
    tile: int = TILE,
    watch: Callable[[Tensor, Tensor], None] | None = None,
) -> Iterator[Evaluated]:
    """The measures of each pair, in order; see ``evaluate_one``."""
    options: Any = {"rounded": rounded, "tile": tile, "watch": watch}
    for place in range(len(pairs)):
        yield evaluate_one(pairs, place, measures, network, **options)


def evaluate_one(
    pairs: Pairs,
    place: int,
    measures: Mapping[str, Callable[..., Any]],
    network: nn.Module | None = None,
    *,
    rounded: bool = True,
    tile: int = TILE,
    watch: Callable[[Tensor, Tensor], None] | None = None,
) -> Evaluated:
    """The measures of one pair.

    Args:
        pairs: ``lq`` and ``gt``; without a network the measures are those of ``lq`` itself.
        place: of the pair in a pass.
        measures: name -> a function of output and target ``(1, 3, H, W)`` in [0, 1] -> ``(1,)``.
        rounded: whether the output is cut to [0, 1] and rounded to 8 bit first, as a saved file
            would be.
        tile: see ``infer.restore``.
        watch: is shown every output and its target, ``(3, H, W)``, for what is of whole sets.

    A picture that can't be read is watched by nobody and has no values.
    """
    values = dict.fromkeys(measures, math.nan)
    try:
        sample = pairs[place]
    except DatasetError as fault:
        return Evaluated(pairs.name_of(place), values, f"{fault.subject}: {fault.reason}")
    output = sample["lq"]
    if network is not None:
        output = restore(network, output, tile=tile, overlap=OVERLAP)
    output = eight_bit(output) if rounded else output
    if watch is not None:
        watch(output, sample["gt"])
    faults: dict[str, list[str]] = {}
    for name, measure in measures.items():
        try:
            values[name] = _value(measure, output, sample["gt"])
        except (ImageError, UsageError) as fault:
            faults.setdefault(fault.reason, []).append(name)
    return Evaluated(sample["name"], values, _in_words(faults) or None)


@torch.no_grad()
def _value(measure: Callable[..., Any], output: Tensor, target: Tensor) -> float:
    value = float(measure(output[None], target[None])[0])
    if math.isnan(value):
        raise ImageError("", "the output isn't finite")
    return value


def _in_words(faults: Mapping[str, list[str]]) -> str:
    """Each reason once, with the measures that it keeps from a value."""
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in faults.items())


def scale_of(network: nn.Module | None) -> int:
    """How many times a network enlarges; 1 where there is none."""
    if network is None:
        return 1
    return restore(network, torch.zeros(3, PROBE, PROBE)).shape[-1] // PROBE


def means(results: list[Evaluated]) -> dict[str, float]:
    """Measure -> the mean over the pairs that have it; NaN where none has."""
    names = results[0].values if results else {}
    known = {n: [r.values[n] for r in results if not math.isnan(r.values[n])] for n in names}
    return {name: sum(v) / len(v) if v else math.nan for name, v in known.items()}
