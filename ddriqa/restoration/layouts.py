"""The data sets of the restoration papers in their owners' own layouts: one table, one function.

``layouts.toml`` holds the table. Nothing is downloaded: ``pairs`` finds the files of a copy, pairs
them by the set's rule, and says what is missing and where to ask for it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from ddriqa.errors import DatasetError, UsageError
from ddriqa.images.find import PICTURE_EXTENSIONS, extension, natural

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

EXAMPLES = 3


@dataclass(frozen=True)
class Pair:
    """A degraded picture (None in sets of clean ones), its ground truth, and a name for both."""

    lq: Path | None
    gt: Path
    name: str


@dataclass(frozen=True)
class Form:
    """One way in which copies of a split lie on the disk.

    Attributes:
        lq: globs of the degraded pictures, below the root; empty in sets of clean pictures.
        gt: globs of the ground truth.
        keys: regular expressions for the paths of ``lq`` and ``gt``; pictures whose groups are
            equal belong together. None: by their place in natural order.
        list_file: a text file whose lines name ground truth and degraded picture instead.
    """

    lq: tuple[str, ...]
    gt: tuple[str, ...]
    keys: tuple[str, str] | None
    list_file: str | None = None

    def __str__(self) -> str:
        if self.list_file:
            return f"{self.list_file} and what it names"
        return " + ".join(" ".join(globs) for globs in (self.lq, self.gt) if globs)


@dataclass(frozen=True)
class Split:
    """A split: how many pairs a whole copy has (None: not known), the scale, the layouts."""

    counts: tuple[int, ...] | None
    scale: int
    forms: tuple[Form, ...]


@dataclass(frozen=True)
class Layout:
    """A data set: its title, what it is for, where to ask for it, its licence, its splits."""

    name: str
    title: str
    task: str
    source: str
    licence: str
    splits: Mapping[str, Split]


def pairs(name: str, split: str, root: str | Path, *, complete: bool = True) -> list[Pair]:
    """The pairs of a split of a data set, in natural order.

    Args:
        name: of the data set; see ``layouts``.
        split: of the owners, or of the papers where the owners have none.
        root: the folder that holds the layout.
        complete: refuse a copy with another number of pairs than the owners', or in which
            pictures lack their partners; otherwise what is there is taken.

    Raises:
        UsageError: an unknown data set or split.
        DatasetError: an absent or a partial copy; it says what is missing, what layouts are
            understood, and where to ask.
    """
    layout, folder = layout_of(name), Path(root)
    if split not in layout.splits:
        known = ", ".join(layout.splits)
        raise UsageError(name, f"has no split {split!r}", f"Its splits: {known}")
    wanted = layout.splits[split]
    found, alone = _first_fitting(folder, wanted.forms)
    if not found and not alone:
        raise _absent(layout, split, folder)
    if complete and alone:
        shown = ", ".join(alone[:EXAMPLES])
        raise _partial(layout, split, folder, f"{len(alone)} files lack their partners: {shown}")
    if not found:
        raise _partial(layout, split, folder, f"no file has its partner, such as {alone[0]}")
    if complete and wanted.counts and len(found) not in wanted.counts:
        expected = " or ".join(map(str, wanted.counts))
        raise _partial(layout, split, folder, f"holds {len(found)} of {expected} pictures")
    return found


def layout_of(name: str) -> Layout:
    """A row of the table. Raises ``UsageError`` for an unknown name, with the near ones."""
    if name not in layouts():
        near = get_close_matches(name.lower(), layouts(), n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(layouts())}"
        raise UsageError("data set", f"unknown name {name!r}", hint)
    return layouts()[name]


@cache
def layouts() -> dict[str, Layout]:
    """The table: name -> layout."""
    table = tomllib.loads(Path(__file__).with_name("layouts.toml").read_text(encoding="utf-8"))
    rules = table.pop("rules")
    return {name: _layout(name, row, rules) for name, row in table.items()}


# --- the table


def _layout(name: str, row: Mapping[str, Any], rules: Mapping[str, Sequence[str]]) -> Layout:
    splits: dict[str, Split] = {}
    for title, facts in row["splits"].items():
        # One row may stand for several scales.
        for scale in facts.get("scales", [facts.get("scale", 1)]):
            counts = facts.get("count")
            splits[title.replace("{scale}", str(scale))] = Split(
                None if counts is None else tuple(counts if isinstance(counts, list) else [counts]),
                # Pairs whose degraded side was enlarged already are of equal size.
                1 if facts.get("equal_size") else scale,
                tuple(_form(form, rules, scale) for form in facts["forms"]),
            )
    return Layout(name, row["title"], row["task"], row["source"], row["licence"], splits)


def _form(form: Mapping[str, Any], rules: Mapping[str, Sequence[str]], scale: int) -> Form:
    def globs(side: str) -> tuple[str, ...]:
        given = form.get(side, [])
        return tuple(
            glob.replace("{scale}", str(scale))
            for glob in ([given] if isinstance(given, str) else given)
        )

    rule = form.get("pair", "stem")
    keys = None if rule == "order" else (rules[rule][0], rules[rule][1])
    return Form(globs("lq"), globs("gt"), keys, form.get("list"))


# --- the files


def _first_fitting(root: Path, forms: Sequence[Form]) -> tuple[list[Pair], list[str]]:
    """What the first form that pairs anything finds: pairs, and files without their partners."""
    without: list[str] = []
    for form in forms:
        found, alone = _listed(root, form) if form.list_file else _matched(root, form)
        if found:
            return found, alone
        without = without or alone
    return [], without


def _matched(root: Path, form: Form) -> tuple[list[Pair], list[str]]:
    """The pairs, and the degraded pictures (or ground truths) without a partner."""
    lq, gt = _files(root, form.lq), _files(root, form.gt)
    if not form.lq:
        return _named([(None, path) for path in gt]), []
    if not lq:
        return [], []
    if form.keys is None:
        longer = lq if len(lq) > len(gt) else gt
        beyond = [str(path.relative_to(root)) for path in longer[min(len(lq), len(gt)) :]]
        # Beyond a gap every pair would be wrong, so a partial copy has no pairs by order.
        return ([], beyond) if beyond else (_named(list(zip(lq, gt, strict=True))), [])
    truths: dict[tuple[str, ...] | None, Path] = {}
    for path in gt:
        key = _key(form.keys[1], path.relative_to(root))
        if key and truths.setdefault(key, path) != path:
            raise DatasetError(str(root), f"{truths[key].name} and {path.name} are the same one")
    partners = [truths.get(_key(form.keys[0], path.relative_to(root))) for path in lq]
    both = list(zip(lq, partners, strict=True))
    alone = [str(path.relative_to(root)) for path, truth in both if truth is None]
    return _named([(path, truth) for path, truth in both if truth is not None]), alone


def _files(root: Path, globs: Sequence[str]) -> list[Path]:
    found = {path for glob in globs for path in root.glob(glob)}
    pictures = [
        path
        for path in found
        if extension(path.name) in PICTURE_EXTENSIONS and not path.name.startswith(".")
    ]
    return sorted(pictures, key=lambda path: natural(path.relative_to(root).as_posix()))


def _key(pattern: str, path: Path) -> tuple[str, ...] | None:
    match = re.search(pattern, path.as_posix())
    return match.groups() if match else None


def _listed(root: Path, form: Form) -> tuple[list[Pair], list[str]]:
    """The pairs of a text file: a ground truth and a degraded picture on each line."""
    try:
        text = (root / str(form.list_file)).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return [], []
    named = [line.split() for line in text.split("\n") if line.strip()]
    if any(len(words) < 2 for words in named):
        raise DatasetError(str(root / str(form.list_file)), "a line doesn't name two files")
    files = [(root / words[1], root / words[0]) for words in named]
    there = [pair for pair in files if pair[0].is_file() and pair[1].is_file()]
    gone = [str(path) for pair in files for path in pair if not path.is_file()]
    return _named(list(there)), gone


def _named(files: Sequence[tuple[Path | None, Path]]) -> list[Pair]:
    """Pairs with the shortest names that tell them apart: paths below what all have in common."""
    paths = [str((lq or gt).with_suffix("")) for lq, gt in files]
    common = os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""
    names = [Path(path).relative_to(common).as_posix() for path in paths]
    return [Pair(lq, gt, name) for (lq, gt), name in zip(files, names, strict=True)]


# --- what to say


def _absent(layout: Layout, split: str, root: Path) -> DatasetError:
    there = "there is no such folder" if not root.is_dir() else "none of its files lie here"
    return DatasetError(str(root), f"{layout.title}, {split}: {there}", _help(layout, split))


def _partial(layout: Layout, split: str, root: Path, reason: str) -> DatasetError:
    advice = "complete = false takes what is there (ddriqa evaluate: --incomplete)"
    advice = f"{advice}. {_help(layout, split)}"
    return DatasetError(str(root), f"{layout.title}, {split}: {reason}", advice)


def _help(layout: Layout, split: str) -> str:
    forms = "; or ".join(_lines(layout.splits[split]))
    return f"Layouts, below that folder: {forms}. Where to ask: {layout.source}"


def _lines(split: Split) -> Iterator[str]:
    for form in split.forms:
        yield str(form)
