"""Which samples are in which batch: a function of the seed and the step, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset, Sampler
from torch.utils.data import default_collate as collate

from ddriqa.errors import DdriqaError


@dataclass(frozen=True)
class Share:
    """A process's part of every batch: it is cut into ``world`` × ``parts`` equal pieces."""

    batch: int
    parts: int = 1
    rank: int = 0
    world: int = 1


class Batches(Sampler[list[int]]):
    """The indices of each piece of each batch, from one step up to another.

    Every sample comes once in a pass over the data, in a new order each pass; a batch may reach
    over the end of one.

    Args:
        length: of the data set.
        seed: of the orders.
        share: what of each batch.
        first, last: the first step and the one after the last, counted from 0.
        endless: the data set has other samples in each pass, as ``data.Pairs``: index ``turn *
            length + place``. If not, a pass has the same ones as another.
    """

    def __init__(
        self, length: int, seed: int, share: Share, first: int, last: int, *, endless: bool
    ) -> None:
        self._length, self._seed, self._share = length, seed, share
        self._first, self._last, self._endless = first, last, endless

    def __iter__(self) -> Iterator[list[int]]:
        share = self._share
        piece = share.batch // (share.world * share.parts)
        for step in range(self._first, self._last):
            for part in range(share.parts):
                begin = step * share.batch + (part * share.world + share.rank) * piece
                yield [self._sample(place) for place in range(begin, begin + piece)]

    def __len__(self) -> int:
        return (self._last - self._first) * self._share.parts

    def _sample(self, place: int) -> int:
        turn, offset = divmod(place, self._length)
        begin = turn * self._length if self._endless else 0
        return begin + int(_order(self._length, self._seed, turn)[offset])


@lru_cache(maxsize=4)
def _order(length: int, seed: int, turn: int) -> npt.NDArray[np.intp]:
    return np.random.default_rng((seed, turn)).permutation(length)


def loader(
    dataset: Dataset[Any], batches: Iterable[list[int]], workers: int, *, pin: bool = False
) -> Iterator[Any]:
    """The samples of those batches, in order. It leaves torch's own generator alone.

    Raises:
        DdriqaError: what the data set raises, as itself also where a worker has read.
    """
    found = DataLoader(
        _Told(dataset),
        batch_sampler=batches,
        num_workers=workers,
        pin_memory=pin,
        collate_fn=_collated,
        generator=torch.Generator().manual_seed(0),
    )
    for batch in found:
        if isinstance(batch, DdriqaError):
            raise batch
        yield batch


class _Told(Dataset[Any]):
    """A data set whose failures are samples: torch would make RuntimeErrors of a worker's."""

    def __init__(self, dataset: Dataset[Any]) -> None:
        self._dataset = dataset

    def __getitem__(self, index: int) -> Any:
        try:
            return self._dataset[index]
        except DdriqaError as fault:
            return fault


def _collated(samples: list[Any]) -> Any:
    faults = [sample for sample in samples if isinstance(sample, DdriqaError)]
    return faults[0] if faults else collate(samples)
