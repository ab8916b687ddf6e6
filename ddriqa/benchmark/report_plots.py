"""What the scripts of a benchmark's page draw: points, groups, fitted curves, links."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ddriqa.benchmark.fitting import Fit
from ddriqa.scoring.report_data import link
from ddriqa.scoring.table import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ddriqa.benchmark.assess import Assessment
    from ddriqa.benchmark.report import Result
    from ddriqa.benchmark.run import Outcome

CURVES = ("logistic5", "logistic4")
"""The first one that could be fitted is drawn."""
STEPS = 120


def plots_of(result: Result, folder: Path, thumbnails: Mapping[int, str]) -> dict[str, Any]:
    """The points of a data set for every metric, plain values; what there isn't is None.

    Args:
        folder: of the page; links lead from there.
        thumbnails: picture's index -> file.

    Returns:
        ``names``, ``links`` (without ``base``, with which they all begin), ``labels`` (as
        printed), ``group`` (a place in ``groups``) of each picture; ``thumbnails``; ``label``:
        its name; ``metrics``: ``name``, ``scores`` and ``curve`` (scores and labels) of each.
    """
    rated = result.scored.rated
    pictures = rated.pictures
    groups = sorted({picture.group for picture in pictures if picture.group is not None})
    places = {group: place for place, group in enumerate(groups)}
    links = [link(str(picture.path), folder) for picture in pictures]
    base = os.path.commonprefix([address for address in links if address is not None])
    return {
        "names": [printable(picture.name) for picture in pictures],
        "base": base,
        "links": [address and address[len(base) :] for address in links],
        "labels": [_rounded(picture.label) for picture in pictures],
        "label": rated.dataset.protocols[rated.protocol].label,
        "groups": [printable(group) for group in groups],
        "group": [None if p.group is None else places[p.group] for p in pictures],
        "thumbnails": thumbnails,
        "metrics": [_metric(outcome, result) for outcome in result.scores],
    }


def curve_of(assessment: Assessment) -> Fit | None:
    """The fitted curve that is drawn."""
    found = (assessment.fits.get(name) for name in CURVES)
    return next((fit for fit in found if isinstance(fit, Fit)), None)


def _metric(outcome: Outcome, result: Result) -> dict[str, Any]:
    scores = outcome.scores
    return {
        "name": outcome.metric,
        "scores": [_rounded(score) if np.isfinite(score) else None for score in scores],
        "curve": _points(curve_of(result.whole[outcome.metric]), outcome, result),
    }


def _points(fit: Fit | None, outcome: Outcome, result: Result) -> list[list[float]] | None:
    """The curve over all scores; it was fitted to labels turned so that more is better."""
    if fit is None:
        return None
    known = outcome.scores[np.isfinite(outcome.scores)]
    scores = np.linspace(known.min(), known.max(), STEPS)
    sign = 1 if result.scored.rated.dataset.higher_is_better else -1
    return [list(map(_rounded, values)) for values in (scores, sign * fit.predict(scores))]


def _rounded(value: float) -> float:
    """Six digits: a plot has no more."""
    return float(f"{value:.6g}")
