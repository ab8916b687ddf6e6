"""A page on how far metrics agree with people, to be looked at: tables, plots, disagreements.

It is made like the gallery of a scoring run: one file that loads nothing but the thumbnails beside
it. Those are of pictures that may not be redistributable, so the folder tells git to ignore it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddriqa import __version__
from ddriqa.benchmark.assess import oriented
from ddriqa.benchmark.disagreements import disagreements
from ddriqa.benchmark.report_plots import curve_of, plots_of
from ddriqa.benchmark.report_tables import number, tables_of
from ddriqa.benchmark.tables import protocol_of
from ddriqa.scoring.page import (
    PAGE,
    SHARED,
    THUMBNAILS,
    Parts,
    check_report_folder,
    render_page,
    write_page,
)
from ddriqa.scoring.table import Record, printable, write_failure
from ddriqa.scoring.thumbnails import make_thumbnails, remove_others

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ddriqa.benchmark.assess import Assessment, Pair
    from ddriqa.benchmark.disagreements import Disagreement
    from ddriqa.benchmark.published import Published
    from ddriqa.benchmark.run import Outcome, Scored

_OWN = Path(__file__).with_name("report_page")
_UPLOT = SHARED / "vendor" / "uplot"
_PARTS = Parts(
    template=_OWN / "bench.html.jinja",
    styles=(
        _UPLOT / "uPlot.min.css",
        *(SHARED / name for name in ("page.css", "facts.css")),
        *(_OWN / name for name in ("sections.css", "tables.css", "plots.css", "cards.css")),
    ),
    scripts=(
        (_UPLOT / "uPlot.iife.min.js",),
        (SHARED / "elements.js", *(_OWN / name for name in ("scatter.js", "tip.js", "bench.js"))),
    ),
    licences={"uPlot": _UPLOT / "LICENSE"},
)


@dataclass
class Result:
    """Everything that is known of a data set.

    Attributes:
        scored: its pictures, labels and scores.
        assessments: of ``assess``.
        pairs: the first metric against each other one.
        published: metric -> published rows that the same measurement should reproduce.
        rounds, seed: of the bootstrap that gave the intervals.
    """

    scored: Scored
    assessments: list[Assessment]
    pairs: list[Pair]
    published: Mapping[str, Sequence[Published]] = field(default_factory=dict)
    rounds: int = 0
    seed: int = 0

    @property
    def scores(self) -> list[Outcome]:
        """The metrics' scores, without their parts."""
        return [outcome for outcome in self.scored.outcomes if outcome.is_score]

    @property
    def whole(self) -> dict[str, Assessment]:
        """Column -> its assessment over all pictures."""
        return {a.column: a for a in self.assessments if a.group is None}

    @cached_property
    def disagreements(self) -> dict[str, tuple[list[Disagreement], list[Disagreement]]]:
        """Metric -> where it is too kind and where it is too harsh; none without a direction."""
        labels = oriented(self.scored)
        return {
            outcome.metric: disagreements(
                outcome.scores if outcome.higher_is_better else -outcome.scores, labels
            )
            for outcome in self.scores
            if outcome.higher_is_better is not None
        }


def write_bench_report(
    folder: Path,
    results: Sequence[Result],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write ``index.html``, ``thumbnails/`` and ``.gitignore`` into a folder.

    An older report is replaced: its page last and whole, so that it stays as it is until then. A
    ``.gitignore`` that is there is left alone.

    Args:
        folder: new, empty, or an older report's.
        results: one for each data set, in the order of the page.
        progress: called with how many thumbnails of how many are there.

    Returns:
        The path of the page.

    Raises:
        OutputError: the folder holds somebody's files, or can't be written.
    """
    check_report_folder(folder)
    thumbnails = folder / THUMBNAILS
    try:
        thumbnails.mkdir(parents=True, exist_ok=True)
        if not (folder / ".gitignore").exists():
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        made = _thumbnails(results, thumbnails, progress)
        write_page(folder / PAGE, _page(folder, results, made))
        remove_others(thumbnails, {name for names in made for name in names.values()})
    except OSError as fault:
        raise write_failure(fault.filename or folder, fault) from fault
    return folder / PAGE


def _thumbnails(
    results: Sequence[Result], folder: Path, progress: Callable[[int, int], None]
) -> list[dict[int, str]]:
    """For each result: a picture's index -> the file of its thumbnail; of disagreements only."""
    wanted = [
        (place, index)
        for place, result in enumerate(results)
        for index in sorted(
            {d.index for both in result.disagreements.values() for d in sum(both, [])}
        )
    ]
    records = [
        Record(str(results[place].scored.rated.pictures[index].path)) for place, index in wanted
    ]
    made: list[dict[int, str]] = [{} for _ in results]
    for (place, index), name in zip(
        wanted, make_thumbnails(records, folder, progress), strict=True
    ):
        if name is not None:
            made[place][index] = name
    return made


def _page(folder: Path, results: Sequence[Result], thumbnails: Sequence[dict[int, str]]) -> str:
    plots = [
        plots_of(result, folder, names) for result, names in zip(results, thumbnails, strict=True)
    ]
    sets = [_set(result, plot) for result, plot in zip(results, plots, strict=True)]
    return render_page(_PARTS, {"sets": plots}, sets=sets, version=__version__)


def _set(result: Result, plots: Mapping[str, Any]) -> dict[str, Any]:
    """What the template shows of a data set."""
    scored = result.scored
    rated, dataset = scored.rated, scored.rated.dataset
    protocol = dataset.protocols[rated.protocol]
    facts = protocol_of(scored)
    if result.rounds:
        facts["bootstrap"] = {"rounds": result.rounds, "seed": result.seed, "interval": "95 %"}
    return {
        "dataset": dataset,
        "title": printable(dataset.title),
        "protocol": rated.protocol,
        "about": protocol.about,
        "label": protocol.label,
        "split": rated.split,
        "pictures": len(rated.pictures),
        "warnings": rated.warnings,
        "errors": {printable(name): reason for name, reason in scored.errors.items()},
        "missing": [printable(name) for name in rated.missing],
        "facts": facts | {"missing": len(rated.missing), "failed": len(scored.errors)},
        "tables": tables_of(result),
        "plots": [_plot(outcome, result) for outcome in result.scores],
        "disagreements": [
            {"metric": metric, "kinds": [_cards(found, metric, result, plots) for found in both]}
            for metric, both in result.disagreements.items()
        ],
    }


def _plot(outcome: Outcome, result: Result) -> dict[str, Any]:
    """The words around a plot."""
    assessment = result.whole[outcome.metric]
    curve = curve_of(assessment)
    return {
        "name": outcome.metric,
        "lower": outcome.higher_is_better is False,
        "n": assessment.n,
        "srcc": number(assessment.figures["srcc"]),
        "curve": curve and {"parameters": len(curve.parameters), "plcc": number(curve.plcc)},
    }


def _cards(
    found: Sequence[Disagreement], metric: str, result: Result, plots: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Pictures on which a metric and people disagree."""
    scores = next(outcome.scores for outcome in result.scores if outcome.metric == metric)
    cards = []
    for one in found:
        address = plots["links"][one.index]
        cards.append(
            {
                "name": plots["names"][one.index],
                "link": None if address is None else plots["base"] + address,
                "thumbnail": plots["thumbnails"].get(one.index),
                "label": f"{plots['labels'][one.index]:.4g}",
                "score": f"{scores[one.index]:.4g}",
                "people": _ordinal(one.people),
                "metric": _ordinal(one.metric),
                "of": one.of,
            }
        )
    return cards


def _ordinal(place: float) -> str:
    """1st, 22nd, 113th: a place, rounded up where several share it."""
    whole = math.ceil(place)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(whole % 10, "th")
    return f"{whole:,}{'th' if whole % 100 in (11, 12, 13) else ending}"
