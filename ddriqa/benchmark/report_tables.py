"""The tables of a benchmark's page: figures as text, and where their bars begin and end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ddriqa.benchmark.assess import FITS
from ddriqa.benchmark.fitting import Fit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ddriqa.benchmark.assess import Assessment, Pair
    from ddriqa.benchmark.published import Published
    from ddriqa.benchmark.report import Result

ABSENT = "–"


def tables_of(result: Result) -> dict[str, Any]:
    """What the template shows of a data set's figures.

    Returns:
        ``metrics``: a row each; ``parts``: of metrics, a row each; ``groups``: a row each with a
        cell for each metric; ``sources``: of published numbers, to which rows refer by their place
        from 1; ``axis``: the least agreement that bars show (the greatest is 1).
    """
    whole = [a for a in result.assessments if a.group is None]
    least = _least(whole)
    sources: list[str] = []
    pairs = {pair.b: pair for pair in result.pairs}
    scores = [a for a in whole if a.column == a.metric]
    return {
        "metrics": [
            _row(a, least)
            | _fitted(a)
            | _within(a)
            | _difference(pairs.get(a.metric))
            | {"published": _published(a, result.published.get(a.metric, ()), sources)}
            for a in scores
        ],
        "first": result.pairs[0].a if result.pairs else None,
        "parts": [_row(a, least) for a in whole if a.column != a.metric],
        "groups": _groups(result.assessments, [a.metric for a in scores]),
        "sources": sources,
        "axis": least,
    }


def number(value: float | None, form: str = ".3f") -> str:
    """Three decimals; a dash where there is no number."""
    return ABSENT if value is None or math.isnan(value) else format(value, form)


def _row(assessment: Assessment, least: float) -> dict[str, Any]:
    return {
        "name": assessment.column,
        "lower": assessment.higher_is_better is False,
        "undirected": assessment.higher_is_better is None,
        **{name: number(value) for name, value in assessment.figures.items()},
        "interval": _interval(assessment.intervals.get("srcc")),
        "bar": _bar(assessment, least),
        "n": assessment.n,
        "failed": assessment.failed,
    }


def _interval(ends: tuple[float, float] | None, form: str = ".3f") -> str:
    if ends is None or math.isnan(ends[0]):
        return ""
    return f"{number(ends[0], form)} to {number(ends[1], form)}"


def _fitted(assessment: Assessment) -> dict[str, Any]:
    """For each curve its PLCC, or why there is none."""
    cells = []
    for name in FITS:
        fit = assessment.fits.get(name)
        if isinstance(fit, Fit):
            cells.append({"plcc": number(fit.plcc), "reason": ""})
        else:
            cells.append({"plcc": "", "reason": fit or "too few scores"})
    return {"fits": cells}


def _within(assessment: Assessment) -> dict[str, Any]:
    within = assessment.within
    return {
        "within": number(within.mean) if within else ABSENT,
        "within_groups": within.groups if within else 0,
    }


def _difference(pair: Pair | None) -> dict[str, Any]:
    """How much more a metric agrees with people than the first one does."""
    if pair is None:
        return {"difference": ABSENT, "difference_interval": "", "certain": False}
    found = pair.statistics["srcc"]
    return {
        "difference": number(-found.difference, "+.3f"),
        "difference_interval": _interval((-found.high, -found.low), "+.3f"),
        "certain": found.low > 0 or found.high < 0,
    }


def _published(
    assessment: Assessment, rows: Sequence[Published], sources: list[str]
) -> list[dict[str, Any]]:
    """Published SRCC, which are magnitudes, and what ours is more; sources are added."""
    found = []
    for row in rows:
        if row.srcc is None:
            continue
        source = f"{row.method}: {row.source}"
        if source not in sources:
            sources.append(source)
        found.append(
            {
                "srcc": number(abs(row.srcc)),
                "difference": number(assessment.agreement - abs(row.srcc), "+.3f"),
                "source": sources.index(source) + 1,
            }
        )
    return found


def _groups(assessments: Sequence[Assessment], metrics: Sequence[str]) -> list[dict[str, Any]]:
    by = {(a.group, a.metric): a for a in assessments if a.group is not None}
    rows = []
    for group in dict.fromkeys(group for group, _ in by):
        found = [by[group, metric] for metric in metrics]
        pictures = found[0].n + found[0].failed
        rows.append(
            {"name": group, "pictures": pictures, "cells": [_cell(a, pictures) for a in found]}
        )
    return rows


def _cell(assessment: Assessment, pictures: int) -> dict[str, Any]:
    agreement = assessment.agreement
    return {
        "srcc": number(assessment.figures["srcc"]),
        "interval": _interval(assessment.intervals.get("srcc"), ".2f"),
        "n": assessment.n if assessment.n != pictures else None,
        "share": 0.0 if math.isnan(agreement) else round(abs(agreement), 3),
        "against": agreement < 0,
    }


def _least(assessments: Sequence[Assessment]) -> float:
    """0, or in quarters as far below as a figure or an interval goes."""
    values = [value for a in assessments for value in (a.agreement, *_ends(a)) if value < 0]
    return math.floor(4 * min(values, default=0.0)) / 4


def _ends(assessment: Assessment) -> tuple[float, float]:
    """The interval of the agreement."""
    low, high = assessment.intervals.get("srcc", (math.nan, math.nan))
    return (-high, -low) if assessment.higher_is_better is False else (low, high)


def _bar(assessment: Assessment, least: float) -> dict[str, float] | None:
    """Places in percent of the bar's width; None where there is nothing to draw."""
    if math.isnan(assessment.agreement):
        return None
    place = _scale(least)
    zero, end = place(0.0), place(assessment.agreement)
    bar = {"zero": zero, "start": min(zero, end), "width": round(abs(end - zero), 2)}
    low, high = _ends(assessment)
    if not math.isnan(low):
        bar |= {"low": place(low), "whisker": round(place(high) - place(low), 2)}
    return bar


def _scale(least: float) -> Callable[[float], float]:
    return lambda value: round(100 * (value - least) / (1 - least), 2)
