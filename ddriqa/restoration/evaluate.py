"""How near restored pictures come to the truth: measures over pairs, and their means."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from ddriqa.errors import ImageError
from ddriqa.restoration.infer import OVERLAP, TILE, restore
from ddriqa.restoration.measures.planes import eight_bit

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ddriqa.restoration.data import Pairs


@dataclass(frozen=True)
class Evaluated:
    """One pair.

    Attributes:
        values: measure -> value; NaN where it has none.
        error: why a measure has none, or None.
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
    """The measures of each pair, in order.

    Args:
        pairs: ``lq`` and ``gt``; without a network the measures are those of ``lq`` itself.
        measures: name -> a function of output and target ``(1, 3, H, W)`` in [0, 1] -> ``(1,)``.
        rounded: whether the output is cut to [0, 1] and rounded to 8 bit first, as a saved file
            would be.
        tile: see ``infer.restore``.
        watch: is shown every output and its target, ``(3, H, W)``, for what is of whole sets.

    Raises:
        DatasetError: a picture can't be read.
    """
    for sample in pairs:
        output = sample["lq"]
        if network is not None:
            output = restore(network, output, tile=tile, overlap=OVERLAP)
        output = eight_bit(output) if rounded else output
        if watch is not None:
            watch(output, sample["gt"])
        values, faults = {}, []
        for name, measure in measures.items():
            try:
                with torch.no_grad():
                    values[name] = float(measure(output[None], sample["gt"][None])[0])
            except ImageError as fault:
                values[name] = math.nan
                faults.append(f"{name}: {fault.reason}")
        yield Evaluated(sample["name"], values, "; ".join(faults) or None)


def means(results: list[Evaluated]) -> dict[str, float]:
    """Measure -> the mean over the pairs that have it; NaN where none has."""
    names = results[0].values if results else {}
    known = {n: [r.values[n] for r in results if not math.isnan(r.values[n])] for n in names}
    return {name: sum(v) / len(v) if v else math.nan for name, v in known.items()}
