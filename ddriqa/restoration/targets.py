"""Where restored pictures go: names that stay where they can, and never meet."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from ddriqa.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

FORMATS = {
    **dict.fromkeys((".jpg", ".jpeg"), "JPEG"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    ".png": "PNG",
    ".webp": "WEBP",
}
"""Endings that are written as they are; every other picture becomes a PNG."""


@dataclass(frozen=True)
class Target:
    """Where the restored picture of ``source`` goes, and its comparison."""

    source: Path
    picture: Path
    pair: Path | None = None


def targets(
    found: Iterable[Path],
    folders: Sequence[Path],
    output: Path,
    compare: Path | None = None,
    *,
    force: bool = False,
) -> list[Target]:
    """The places of all pictures, in order; one that is found twice has one.

    A picture keeps its name and its place below the one of ``folders`` that it is from. Where two
    would have the same, each keeps the name of its folder too. Where another ending brings two
    together, that picture keeps its own before the new one: ``a.bmp.png`` beside ``a.png``.

    Raises:
        OutputError: one of them exists and ``force`` isn't given, or is one of the pictures.
    """
    sources = list({source.parent.resolve() / source.name: source for source in found}.values())
    names = _names(sources, folders)
    taken: set[str] = set()
    pictures = _placed(names, output, FORMATS, taken)
    pairs = _placed(names, compare, {".png"}, taken) if compare else {}
    places = [Target(source, pictures[source], pairs.get(source)) for source in sources]
    read = {source.resolve() for source in sources}
    for place in places:
        for path in filter(None, (place.picture, place.pair)):
            _check(path, read, force)
    return places


def _check(path: Path, sources: set[Path], force: bool) -> None:
    if path.resolve() in sources:
        raise OutputError(str(path), "is one of the pictures", "Name another folder")
    if path.exists() and not force:
        raise OutputError(str(path), "exists already", "Add --force to overwrite it")


def _names(sources: Sequence[Path], folders: Sequence[Path]) -> dict[Path, Path]:
    """Source -> its path in the new folder, yet with its own ending; each is there once."""
    bases = {source: _base(source, folders) for source in sources}
    names = {source: source.relative_to(base) for source, base in bases.items()}
    above = {source: bases[source].resolve() for source in sources}
    while more := [source for source in _meeting(names) if above[source].name]:
        for source in more:
            names[source] = above[source].name / names[source]
            above[source] = above[source].parent
    return names


def _base(source: Path, folders: Sequence[Path]) -> Path:
    """The first of the folders that it lies in, else its own."""
    within = (folder for folder in folders if source.is_relative_to(folder))
    return next((f for f in within if ".." not in source.relative_to(f).parts), source.parent)


def _meeting(names: Mapping[Path, Path]) -> list[Path]:
    often = Counter(map(_key, names.values()))
    return [source for source, name in names.items() if often[_key(name)] > 1]


def _placed(
    names: Mapping[Path, Path], folder: Path, endings: Collection[str], taken: set[str]
) -> dict[Path, Path]:
    """Source -> its place in ``folder``, as a PNG if it has none of ``endings``.

    Those that keep their names take them first. ``taken`` grows by the places that are given.
    """
    kept = {source for source, name in names.items() if name.suffix.lower() in endings}
    plain = Counter(_key(name.with_suffix(".png")) for s, name in names.items() if s not in kept)
    places: dict[Path, Path] = {}
    for source in sorted(names, key=lambda source: source not in kept):
        name = names[source]
        wanted = [name] if source in kept else [name.with_name(name.name + ".png")]
        if source not in kept and plain[_key(name.with_suffix(".png"))] == 1:
            wanted.insert(0, name.with_suffix(".png"))
        choices = (folder / choice for choice in _choices(wanted))
        places[source] = next(choice for choice in choices if _key(choice) not in taken)
        taken.add(_key(places[source]))
    return places


def _choices(wanted: list[Path]) -> Iterator[Path]:
    """And numbers where none of them is free: ``a-2.png``."""
    yield from wanted
    last = wanted[-1]
    yield from (last.with_name(f"{last.stem}-{number}{last.suffix}") for number in count(2))


def _key(path: Path) -> str:
    """Equal for paths that are one file, also where a system doesn't tell a from A."""
    return os.path.normcase(path)
