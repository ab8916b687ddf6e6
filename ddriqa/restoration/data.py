"""Pairs of a degraded picture and its ground truth, for training and for tests.

Every data set here is endless: passes over the pictures follow one another, and what is drawn for
sample n depends on the seed and n alone. So a picture is cut and damaged anew in every pass, and
neither the number of workers nor that of machines nor a resumed run changes what a network sees.
For tests the picture's name takes the place of n (``Pairs.by_name``).
"""

from __future__ import annotations

import csv
import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from ddriqa.errors import DatasetError, UsageError
from ddriqa.images.find import PICTURE_EXTENSIONS, extension, natural
from ddriqa.restoration.patches import (
    at_least,
    cut,
    random_patch,
    random_symmetry,
    whole_multiple,
)
from ddriqa.restoration.pictures import Pictures
from ddriqa.restoration.synthesis import Damage, synthesis

Pixels = npt.NDArray[np.float32]
Levels = npt.NDArray[np.uint8]
Sample = dict[str, Any]
"""``lq`` (3, h, w) and ``gt`` (3, s·h, s·w), float32 RGB in [0, 1]; ``name``; ``task`` of mixes.

``lq`` leaves [0, 1] where a specification of its damage says ``clip = false``.
"""

EXAMPLES = 3


class PathPair(Protocol):
    """The files of a pair, as ``layouts.pairs`` gives them; sets of clean pictures have no lq."""

    @property
    def lq(self) -> Path | None: ...
    @property
    def gt(self) -> Path: ...
    @property
    def name(self) -> str: ...


class Pairs(Dataset[Sample]):
    """Samples by their number, from 0 without end; its length is that of one pass.

    Sample ``turn * length + place`` is the picture at ``place`` with the chances of that pass, so
    a sampler that mixes the order within its passes must go on counting from pass to pass.

    Args:
        seed: of everything drawn.

    Attributes:
        by_name: chances depend on the seed, the pass and the picture's name instead of its number,
            so that it is damaged alike in a set and in a part of it.
    """

    scale: int = 1
    by_name: bool = False

    def __init__(self, seed: int = 0) -> None:
        if seed < 0:
            raise UsageError("seed", f"must not be negative, got {seed}")
        self.seed = seed

    @abstractmethod
    def __len__(self) -> int:
        """The number of samples in one pass."""

    @abstractmethod
    def sample(self, place: int, rng: np.random.Generator) -> Sample:
        """The sample at a place of the pass, all chances drawn from ``rng``."""

    @abstractmethod
    def name_of(self, place: int) -> str:
        """The ``name`` of the sample at a place of the pass; nothing is read for it."""

    def __getitem__(self, number: int) -> Sample:
        """Sample ``number``, which may exceed the length.

        Raises:
            DatasetError: a picture can't be read, or the two of a pair don't fit.
        """
        if number < 0:
            raise IndexError(number)
        turn, place = divmod(number, len(self))
        # The third number keeps these streams apart from that of the order of a pass.
        chances = [self.seed, number, 1]
        if self.by_name:
            chances = [self.seed, turn, 2, _stable_hash(self.name_of(place))]
        return self.sample(place, np.random.default_rng(chances))

    def __iter__(self) -> Iterator[Sample]:
        """The first pass, which ends."""
        return (self[number] for number in range(len(self)))


class PairedFolder(Pairs):
    """Pairs of pictures on the disk.

    Args:
        source: a folder that holds ``lq/`` and ``gt/`` with equal names (endings may differ); a
            CSV file with the columns ``lq`` and ``gt`` and perhaps ``name``, paths relative to it;
            or pairs of ``layouts.pairs``.
        scale: how many times larger ``gt`` is than ``lq``.
        crop: the side of a random patch of ``gt``, a multiple of ``scale``; None for whole
            pictures. Smaller pictures are continued by their mirror image.
        flips, rotations: mirrored left to right in half of the cases; turned by 0 to 3 quarters.
        cache: bytes of decoded pictures to keep, in each worker process.

    Raises:
        UsageError: a crop that isn't a multiple of the scale.
        DatasetError: no pairs, a missing partner, a CSV file that isn't one.
    """

    def __init__(
        self,
        source: str | Path | Sequence[PathPair],
        *,
        scale: int = 1,
        crop: int | None = None,
        flips: bool = False,
        rotations: bool = False,
        seed: int = 0,
        cache: int = 0,
    ) -> None:
        super().__init__(seed)
        self.files = _listed(source)
        self.scale, self.crop = scale, _checked(crop, scale)
        self.flips, self.rotations = flips, rotations
        self._pictures = Pictures(cache)

    def __len__(self) -> int:
        return len(self.files)

    def name_of(self, place: int) -> str:
        return self.files[place][2]

    def sample(self, place: int, rng: np.random.Generator) -> Sample:
        lq_path, gt_path, name = self.files[place]
        lq, gt = self._pictures.read(lq_path), self._pictures.read(gt_path)
        if gt.shape != (lq.shape[0] * self.scale, lq.shape[1] * self.scale, 3):
            raise _unequal(lq_path, lq, gt, self.scale)
        if self.crop:
            lq, gt = random_patch(lq, gt, self.crop, self.scale, rng)
        symmetry = random_symmetry(rng, self.flips, self.rotations)
        return _tensors(_floats(symmetry.apply(lq)), _floats(symmetry.apply(gt)), name)


class CleanFolder(Pairs):
    """Clean pictures that are damaged on the fly.

    A picture is cut, turned and damaged in this order, so that rain falls as it does in the
    specification. Patches smaller than ``crop`` are continued by their mirror image.

    Args:
        source: a folder (searched below, too), paths of pictures, or pairs of ``layouts.pairs``,
            of which the ground truth is taken.
        damage: a specification; see ``synthesis``.
        crop: the side of a random patch of ``gt``, a multiple of the damage's scale; None for
            whole pictures without the rows and columns that exceed such a multiple.
        context: the side of the patch that is damaged before ``crop`` is cut out of it, so that
            the borders of blurs don't show; None for ``crop`` itself. Real-ESRGAN takes 400.
        flips, rotations, seed, cache: as for ``PairedFolder``.

    Raises:
        UsageError: a wrong specification, or sides that don't go together.
        DatasetError: no picture.
    """

    def __init__(
        self,
        source: str | Path | Sequence[str | Path | PathPair],
        damage: Damage | Mapping[str, Any] | Sequence[Any],
        *,
        crop: int | None = None,
        context: int | None = None,
        flips: bool = False,
        rotations: bool = False,
        seed: int = 0,
        cache: int = 0,
    ) -> None:
        super().__init__(seed)
        self.files = _clean_files(source)
        self.damage = damage if isinstance(damage, Damage) else synthesis(damage)
        self.scale = self.damage.scale
        self.crop = _checked(crop, self.scale)
        if context is not None and (crop is None or context < crop):
            raise UsageError("context", f"must be at least the crop, got {context} and {crop}")
        self.context = _checked(context, self.scale, "context") or self.crop
        self.flips, self.rotations = flips, rotations
        self._pictures = Pictures(cache)

    def __len__(self) -> int:
        return len(self.files)

    def name_of(self, place: int) -> str:
        return self.files[place][1]

    def sample(self, place: int, rng: np.random.Generator) -> Sample:
        path, name = self.files[place]
        patch = self._cut(self._pictures.read(path), rng)
        symmetry = random_symmetry(rng, self.flips, self.rotations)
        # Turning whole pictures into floats would take longer than the patch is worth.
        gt = _floats(symmetry.apply(patch))
        lq = self.damage(gt, rng)
        if self.crop and self.context != self.crop:
            lq, gt = random_patch(lq, gt, self.crop, self.scale, rng)
        return _tensors(lq, gt, name)

    def _cut(self, image: Levels, rng: np.random.Generator) -> Levels:
        side = self.context
        if side is None:
            # A picture smaller than the scale keeps one pixel of low resolution.
            return whole_multiple(at_least(image, self.scale, self.scale), self.scale)
        image = at_least(image, side, side)
        top = int(rng.integers(image.shape[0] - side + 1))
        return cut(image, top, int(rng.integers(image.shape[1] - side + 1)), side)


class Tasks(Pairs):
    """Several data sets in one, each repeated so many times in a pass.

    Args:
        tasks: name -> (its pairs, how often each of them comes in a pass). Their own seeds
            don't matter here.
        seed: as for ``Pairs``.

    Samples carry the name of their task as ``task``.

    Raises:
        UsageError: no task, a repetition below 1, or different scales.
    """

    def __init__(self, tasks: Mapping[str, tuple[Pairs, int]], seed: int = 0) -> None:
        super().__init__(seed)
        if not tasks:
            raise UsageError("tasks", "there is none")
        for name, (_, repeat) in tasks.items():
            if repeat < 1:
                raise UsageError(f"task {name}", f"must be repeated once at least, got {repeat}")
        if len({pairs.scale for pairs, _ in tasks.values()}) > 1:
            raise UsageError("tasks", "change the size by different scales")
        self.names = tuple(tasks)
        self.members = tuple(pairs for pairs, _ in tasks.values())
        self.scale = self.members[0].scale
        sizes = [len(pairs) * repeat for pairs, repeat in tasks.values()]
        self.ends = np.cumsum(sizes)

    def __len__(self) -> int:
        return int(self.ends[-1])

    def name_of(self, place: int) -> str:
        which, inside = self._member(place)
        return f"{self.names[which]}/{self.members[which].name_of(inside)}"

    def sample(self, place: int, rng: np.random.Generator) -> Sample:
        which, inside = self._member(place)
        return self.members[which].sample(inside, rng) | {"task": self.names[which]}

    def _member(self, place: int) -> tuple[int, int]:
        """The number of the task, and the place in its own pass."""
        which = int(np.searchsorted(self.ends, place, side="right"))
        begin = int(self.ends[which - 1]) if which else 0
        return which, (place - begin) % len(self.members[which])


# --- details


def _stable_hash(name: str) -> int:
    """The same in every process and on every machine, unlike ``hash``."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big")


def _checked(side: int | None, scale: int, option: str = "crop") -> int | None:
    if side is not None and (side < scale or side % scale):
        raise UsageError(option, f"must be a multiple of the scale {scale}, got {side}")
    return side


def _floats(levels: Levels) -> Pixels:
    return np.ascontiguousarray(levels, dtype=np.float32) / np.float32(255)


def _tensors(lq: Pixels, gt: Pixels, name: str) -> Sample:
    return {"lq": _tensor(lq), "gt": _tensor(gt), "name": name}


def _tensor(image: Pixels) -> torch.Tensor:
    return torch.from_numpy(np.array(image.transpose(2, 0, 1), dtype=np.float32, order="C"))


def _unequal(path: Path, lq: Levels, gt: Levels, scale: int) -> DatasetError:
    sizes = f"{lq.shape[1]}x{lq.shape[0]} and {gt.shape[1]}x{gt.shape[0]}"
    wanted = f"{scale} times as large" if scale > 1 else "of equal size"
    return DatasetError(str(path), f"it and its ground truth have {sizes}, which isn't {wanted}")


def _listed(source: str | Path | Sequence[PathPair]) -> list[tuple[Path, Path, str]]:
    if isinstance(source, (str, Path)):
        source = Path(source)
        files = _from_table(source) if source.suffix.lower() == ".csv" else _from_folders(source)
    else:
        files = [(pair.lq, pair.gt, pair.name) for pair in source if pair.lq is not None]
        if len(files) < len(source):
            raise DatasetError(source[0].name, "has no degraded picture", "Use it as clean data")
    if not files:
        raise DatasetError(str(source), "holds no pairs", _PAIRED)
    return files


_PAIRED = "A folder needs lq/ and gt/ with equal names, a CSV file the columns lq and gt"


def _from_folders(folder: Path) -> list[tuple[Path, Path, str]]:
    _check_folder(folder)
    lq, gt = _by_name(folder / "lq"), _by_name(folder / "gt")
    for found, others, side in ((lq, gt, "gt"), (gt, lq, "lq")):
        if alone := [name for name in found if name not in others]:
            shown = ", ".join(alone[:EXAMPLES])
            reason = f"{len(alone)} of {len(found)} pictures have no partner in {side}/: {shown}"
            raise DatasetError(str(folder), reason, _PAIRED)
    return [(path, gt[name], name) for name, path in lq.items()]


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise DatasetError(str(folder), "there is no such folder")


def _by_name(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DatasetError(str(folder.parent), f"has no folder {folder.name}/", _PAIRED)
    found: dict[str, Path] = {}
    for path in _pictures_below(folder):
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in found:
            raise DatasetError(str(folder), f"{found[name].name} and {path.name} share a name")
        found[name] = path
    return found


def _pictures_below(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if extension(path.name) in PICTURE_EXTENSIONS)
    shown = [path for path in found if not path.name.startswith(".") and path.is_file()]
    return sorted(shown, key=lambda path: natural(path.relative_to(folder).as_posix()))


def _from_table(table: Path) -> list[tuple[Path, Path, str]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise DatasetError(str(table), f"can't be read: {fault}") from fault
    if rows and not {"lq", "gt"} <= rows[0].keys():
        raise DatasetError(str(table), "lacks the columns lq and gt", _PAIRED)
    files = []
    for line, row in enumerate(rows, start=2):
        if not row["lq"] or not row["gt"]:
            raise DatasetError(str(table), f"line {line} names no pair", _PAIRED)
        lq, gt = table.parent / row["lq"], table.parent / row["gt"]
        for path in (lq, gt):
            if not path.is_file():
                raise DatasetError(str(table), f"line {line}: there is no {path}")
        files.append((lq, gt, row.get("name") or Path(row["lq"]).with_suffix("").as_posix()))
    return files


def _clean_files(source: str | Path | Sequence[str | Path | PathPair]) -> list[tuple[Path, str]]:
    if isinstance(source, (str, Path)):
        folder = Path(source)
        _check_folder(folder)
        names = _by_relative_name(folder)
    else:
        names = [
            (Path(one), Path(one).stem) if isinstance(one, (str, Path)) else (one.gt, one.name)
            for one in source
        ]
    if not names:
        raise DatasetError(str(source), "holds no pictures")
    return names


def _by_relative_name(folder: Path) -> list[tuple[Path, str]]:
    paths = _pictures_below(folder)
    return [(path, path.relative_to(folder).with_suffix("").as_posix()) for path in paths]
