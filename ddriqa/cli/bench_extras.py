"""``ddriqa bench --characteristics`` and ``--pixel-levels``: what a response measures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ddriqa.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import SimpleNamespace

    from ddriqa.benchmark.datasets.base import Rated, RatedSet
    from ddriqa.benchmark.run import Scored
    from ddriqa.encoders import Encoder
    from ddriqa.scoring import Scorer

METRICS = ("colourfulness", "cpbd", "edge_density", "stage_statistics")
"""What is measured beside the metrics that were asked for."""

INSTEAD = {"edge_density": "ic9600"}
"""A substitute -> the real thing, which makes it superfluous."""

LAYERS = ("stage_statistics", "vgg_statistics")


def check_extras(given: SimpleNamespace, scorer: Scorer) -> None:
    """Refuse what couldn't be had after hours of scoring.

    Raises:
        UsageError: ``--characteristics`` of something else than ``ddr``, ``--pixel-levels`` without
            an encoder.
    """
    first = scorer.metrics[0]
    if given.characteristics and first.partition("+")[0] != "ddr":
        raise UsageError("--characteristics", f"are those of ddr, and {first} comes first")
    if given.pixel_levels and not scorer.needing_encoder:
        raise UsageError("--pixel-levels", "needs an encoder", "Add --metric ddr")


def with_characteristics(metrics: Sequence[str]) -> list[str]:
    """The metrics, and those of ``METRICS`` that aren't among them."""
    named = {metric.partition("=")[0] for metric in metrics}
    wanted = [name for name in METRICS if not {name, INSTEAD.get(name)} & named]
    return [*metrics, *wanted]


def characteristics(scored: Scored, *, rounds: int, seed: int) -> dict[str, Any]:
    """SRCC of every column of the first metric with characteristics, label and layers.

    Returns:
        ``table_2``: see ``benchmark.characteristics.table_2``; ``layers``: column -> layer's
        statistic -> figures, see ``correlations``.
    """
    import pandas as pd

    from ddriqa.benchmark.characteristics import CHARACTERISTICS, correlations, table_2

    first = scored.outcomes[0].metric
    columns = {outcome.column: outcome.scores for outcome in scored.outcomes}
    table = pd.DataFrame({**columns, "label": scored.labels})
    types = {
        o.column.removeprefix(f"{first}_"): o.column for o in scored.outcomes if o.metric == first
    }
    measured = [name for name in CHARACTERISTICS if name in columns]
    layers = [o.column for o in scored.outcomes if o.metric in LAYERS]
    higher = scored.rated.dataset.higher_is_better
    rows = table_2(
        table,
        types,
        measured,
        "label",
        labels_higher_is_better=higher,
        rounds=rounds,
        seed=seed,
    )
    by_layer = correlations(table, list(types.values()), layers, rounds=rounds, seed=seed)
    return {"table_2": rows, "layers": by_layer}


def show_characteristics(found: dict[str, Any], *, to_stderr: bool) -> None:
    """Both tables."""
    console = Console(stderr=to_stderr, highlight=False)
    rows = found["table_2"]
    heads = list(dict.fromkeys((row["characteristic"], row["note"]) for row in rows))
    table = _table("SRCC with", [name + (" *" if note else "") for name, note in heads])
    for kind in dict.fromkeys(row["type"] for row in rows):
        own = [row for row in rows if row["type"] == kind]
        table.add_row(kind, *(_beside(row["srcc"], row["published"]) for row in own))
    console.print(Text("\nWhat the responses have to do with the picture", style="bold"))
    console.print(table)
    for _, note in heads:
        if note:
            console.print(Text(f"* {note}", style="dim"))
    if any(row["published"] is not None for row in rows):
        text = "in brackets: the paper's, on CSIQ with CLIP ViT-B/32; no target for other pictures"
        console.print(Text(text, style="dim"))
    layers = found["layers"]
    names = list(dict.fromkeys(name for own in layers.values() for name in own))
    if names:
        table = _table("SRCC with", list(layers))
        for name in names:
            table.add_row(name, *(_number(own[name]["srcc"]) for own in layers.values()))
        console.print(Text("\n... and with deep features, layer by layer", style="bold"))
        console.print(table)


def pixel_levels(
    rated: RatedSet,
    encoder: Encoder,
    *,
    rounds: int,
    seed: int,
    progress: Callable[[int, int], None],
    until: Callable[[Iterable[Rated]], Iterable[Rated]],
) -> dict[str, Any]:
    """Blur done to the pixels, level by level; see ``benchmark.pixel_levels.summary``."""
    from ddriqa.benchmark.pixel_levels import responses, summary

    answers = []
    progress(0, len(rated.pictures))
    for answer in responses(until(rated.pictures), encoder):
        answers.append(answer)
        progress(len(answers), len(rated.pictures))
    return summary(
        answers,
        labels_higher_is_better=rated.dataset.higher_is_better,
        rounds=rounds,
        seed=seed,
    )


def show_pixel_levels(found: dict[str, Any], *, to_stderr: bool) -> None:
    """A line a level."""
    console = Console(stderr=to_stderr, highlight=False)
    heads = ["SRCC", "95 % interval", "median", "quartiles"]
    table = _table("Gaussian blur of the pixels", heads)
    for name, cell in found["levels"].items():
        mark = " *" if cell["tuned"] else ""
        _add_level(table, name + mark, cell)
    _add_level(table, "adaptive (features)", found["adaptive"])
    console.print()
    console.print(table)
    console.print(Text("* tuned on these labels, and no fair figure therefore", style="dim"))
    if found["n_failed"]:
        console.print(Text(f"{found['n_failed']} failed: {', '.join(found['failed'])}"))


def _add_level(table: Table, name: str, cell: dict[str, Any]) -> None:
    _, low, median, high, _ = cell["quartiles"] or [math.nan] * 5
    spread = (f"{median:.3g}", f"{low:.3g} to {high:.3g}")
    table.add_row(name, _number(cell["srcc"]), _interval(cell), *spread)


def _table(first: str, others: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", overflow="fold")
    return table


def _beside(value: float | None, published: float | None) -> str:
    return _number(value) + (f" ({published:.3f})" if published is not None else "")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _interval(cell: dict[str, Any]) -> str:
    return "" if cell["low"] is None else f"[{cell['low']:.3f}, {cell['high']:.3f}]"
