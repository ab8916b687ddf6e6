"""What a person reads after ``ddriqa bench``: the figures as tables on the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ddriqa.benchmark.assess import FEWEST
from ddriqa.cli.streams import readable
from ddriqa.cli.talk import counted

if TYPE_CHECKING:
    from pathlib import Path

    from ddriqa.benchmark.assess import Assessment, Pair
    from ddriqa.benchmark.report import Result

FAILURES_SHOWN = 10
DEVELOPMENT = (
    "development set: settings were chosen in view of it, so these figures "
    "aren't those of unseen data"
)


def show_result(result: Result, *, to_stderr: bool) -> None:
    """The figures of one data set."""
    console = Console(stderr=to_stderr, highlight=False)
    scored = result.scored
    rated, dataset = scored.rated, scored.rated.dataset
    protocol = dataset.protocols[rated.protocol]
    console.print(Text(f"\n{dataset.title}", style="bold"), soft_wrap=True)
    if dataset.development:
        console.print(Text(DEVELOPMENT, style="yellow"), soft_wrap=True)
    parts = [
        f"protocol {rated.protocol} ({protocol.about})",
        f"label {protocol.label}" + ("" if dataset.higher_is_better else " (lower is better)"),
        *([f"split {rated.split}"] if rated.split else []),
        counted(len(rated.pictures), "picture")
        + (f" of {len(rated.pictures) + len(rated.missing)}" if rated.missing else ""),
        *([f"{len(rated.missing)} missing"] if rated.missing else []),
        f"encoder {scored.facts['encoder']['name']}",
    ]
    console.print(Text("; ".join(parts), style="dim"), soft_wrap=True)
    console.print(_figures(result))
    _show_notes(console, result.assessments)
    _show_parts(console, result.assessments)
    by_reference = any(picture.reference for picture in rated.pictures)
    _show_groups(console, result.assessments, dataset.groups, by_reference)
    _show_pairs(console, result.pairs)
    _show_failures(console, result)


def _figures(result: Result) -> Table:
    found = _scores(result.assessments)
    published = any(_published(result, one)[0] for one in found)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("metric", overflow="fold")
    names = ["SRCC", "95 % interval", "KRCC", "PLCC", "fitted"]
    for name in [*names, *(["published", "diff."] if published else []), "n"]:
        table.add_column(name, justify="right", overflow="fold")
    for one in found:
        table.add_row(
            _with_mark(one.metric, one.higher_is_better),
            _number(one.figures["srcc"]),
            _interval(one.intervals.get("srcc")),
            _number(one.figures["krcc"]),
            _number(one.figures["plcc"]),
            _fitted(one),
            *(_published(result, one) if published else ()),
            str(one.n) + (f" of {one.n + one.failed}" if one.failed else ""),
        )
    return table


def _with_mark(metric: str, higher_is_better: bool | None) -> str:
    return metric + {True: "", False: " ↓", None: " ·"}[higher_is_better]


def _show_notes(console: Console, assessments: list[Assessment]) -> None:
    found = _scores(assessments)
    notes = ["fitted: PLCC after the logistic with five parameters"]
    if any(one.higher_is_better is False for one in found):
        notes.append("↓ lower is better, so negative figures are agreement")
    if any(one.higher_is_better is None for one in found):
        notes.append("· a characteristic, which has no better and no worse")
    for one in found:
        if math.isnan(one.figures["srcc"]):
            few = "too few pictures" if one.n < FEWEST else "scores or labels are all the same"
            notes.append(f"{one.metric} has no figures: {few}")
        fit = one.fits.get("logistic5")
        if isinstance(fit, str):
            notes.append(f"{one.metric} isn't fitted: {fit}")
    console.print(Text("\n".join(notes), style="dim"), soft_wrap=True)


def _scores(assessments: list[Assessment]) -> list[Assessment]:
    return [a for a in assessments if a.group is None and a.column == a.metric]


def _fitted(found: Assessment) -> str:
    """PLCC after the logistic with five parameters."""
    fit = found.fits.get("logistic5")
    return _number(fit.plcc) if fit is not None and not isinstance(fit, str) else "none"


def _published(result: Result, found: Assessment) -> tuple[str, str]:
    known = [row.srcc for row in result.published.get(found.column, ()) if row.srcc is not None]
    if not known:
        return "", ""
    return _number(known[0]), f"{found.agreement - known[0]:+.3f}"


def _show_parts(console: Console, assessments: list[Assessment]) -> None:
    parts = [
        a
        for a in assessments
        if a.group is None and a.column != a.metric and a.higher_is_better is not None
    ]
    if parts:
        words = [f"{a.column} {_number(a.figures['srcc']) or '–'}" for a in parts]
        console.print(Text("\nSRCC of parts", style="bold"))
        console.print(Text(", ".join(words), style="dim"))


def _show_groups(
    console: Console, assessments: list[Assessment], what: str, by_reference: bool
) -> None:
    groups = list(dict.fromkeys(a.group for a in assessments if a.group is not None))
    metrics = [a.metric for a in _scores(assessments)]
    if not groups:
        return
    by = {(a.group, a.metric): a for a in assessments if a.group is not None}
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(what or "group", no_wrap=True)
    table.add_column("n", justify="right")
    for one in _scores(assessments):
        name = _with_mark(one.metric, one.higher_is_better)
        table.add_column(name, justify="right", overflow="fold")
    for group in groups:
        row = [by[group, metric] for metric in metrics]
        table.add_row(
            Text(group), str(row[0].n + row[0].failed), *(_number(a.figures["srcc"]) for a in row)
        )
    within = [a.within for a in _scores(assessments)]
    of = "references" if by_reference else "groups"
    if any(within):
        table.add_row(
            Text(f"mean within {of}", style="dim"),
            "",
            *(_number(w.mean) if w else "" for w in within),
        )
    console.print(Text("\nSRCC by group", style="bold"))
    console.print(table)


def _show_pairs(console: Console, pairs: list[Pair]) -> None:
    if not pairs:
        return
    console.print(Text(f"\nSRCC of {pairs[0].a} less that of the others", style="bold"))
    console.print(_pair_table([(pair.b, pair) for pair in pairs], "srcc"))


def _pair_table(rows: list[tuple[str, Pair]], *statistics: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for name in ("difference", "95 % interval", "in favour", "n"):
        table.add_column(name, justify="right", overflow="fold")
    for name, pair in rows:
        for statistic in statistics:
            found = pair.statistics[statistic]
            table.add_row(
                Text(name),
                f"{found.difference:+.3f}",
                _interval((found.low, found.high)),
                f"{100 * found.share_a_better:.1f} %",
                str(pair.n),
            )
    return table


def _show_failures(console: Console, result: Result) -> None:
    errors = result.scored.errors
    if not errors:
        return
    console.print(Text("\nFailed", style="bold"))
    for name, error in list(errors.items())[:FAILURES_SHOWN]:
        console.print(Text(f"{readable(name)}: {error}"), soft_wrap=True)
    if len(errors) > FAILURES_SHOWN:
        console.print(Text(f"and {len(errors) - FAILURES_SHOWN} more"))


def show_comparison(pair: Pair, a: str, b: str, *, left_out: tuple[int, int]) -> None:
    """Two tables of scores against each other."""
    console = Console(highlight=False)
    console.print(Text(f"A: {pair.a} of {a}\nB: {pair.b} of {b}", style="bold"), soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("agreement with people", no_wrap=True)
    for name in ("A", "B", "A - B", "95 % interval", "in favour of A"):
        table.add_column(name, justify="right", overflow="fold")
    for name, found in pair.statistics.items():
        known = not math.isnan(found.low)
        table.add_row(
            name.upper(),
            _number(found.a),
            _number(found.b),
            f"{found.difference:+.3f}",
            _interval((found.low, found.high)),
            f"{100 * found.share_a_better:.1f} %" if known else "",
        )
    console.print(table)
    console.print(Text(f"{counted(pair.n, 'picture')} with both scores", style="dim"))
    if any(left_out):
        text = f"left out: {left_out[0]} of A, {left_out[1]} of B"
        console.print(Text(text, style="dim"))


def show_datasets(root: Path | None) -> None:
    """The data sets that are known, and which of them are there."""
    from ddriqa.benchmark.datasets import DATASETS, dataset
    from ddriqa.benchmark.datasets.base import folder_of

    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("name", "data set", "pictures", "splits", "protocols"):
        table.add_column(name, justify="right" if name == "pictures" else "left")
    if root:
        table.add_column("folder")
    for name in DATASETS:
        known: Any = dataset(name)
        there = [("yes" if folder_of(root, name) else "no")] if root else []
        protocols = ", ".join(known.protocols)
        table.add_row(
            name, known.title, str(known.count), ", ".join(known.splits), protocols, *there
        )
    table.add_row("csv:FILE", "a table of your own", "", "", "official")
    console.print(table)
    text = "ddriqa bench --dataset NAME --root DIR says what is missing, and who has it"
    console.print(Text(text, style="dim"), soft_wrap=True)


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"


def _interval(ends: tuple[float, float] | None) -> str:
    return f"[{ends[0]:.3f}, {ends[1]:.3f}]" if ends and not math.isnan(ends[0]) else ""
