"""The figures of a data set as flat rows: for CSV, for JSON, for other programs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ddriqa.benchmark.assess import plain
from ddriqa.benchmark.datasets.base import EDITED
from ddriqa.benchmark.published import matching
from ddriqa.metrics.prompts import published_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ddriqa.benchmark.published import Published
    from ddriqa.benchmark.report import Result
    from ddriqa.benchmark.run import Scored

AS_PUBLISHED = {"crops", "unadapted", "color", "noise", "blur", "exposure", "content"}
"""Options of ``ddr`` under which it still is the published one, or a published variant of it."""


def published_for(scored: Scored) -> dict[str, list[Published]]:
    """Metric -> published rows of the same method on the same pictures, with the same encoder.

    Nothing where anything is known to differ: geometry, prompts, arithmetic, size of the pictures,
    pictures that are missing; nor for a table of one's own, whatever its name.
    """
    rated, facts = scored.rated, scored.facts
    usual = facts["precision"] == "fp32" and not facts["draft"] and not rated.missing
    if any(EDITED in warning for warning in rated.warnings):
        return {}
    if rated.dataset.own or not usual or facts["short_side"] != rated.dataset.short_side:
        return {}
    return {metric["name"]: _published(scored, metric) for metric in facts["metrics"]}


def _published(scored: Scored, metric: Mapping[str, Any]) -> list[Published]:
    name, *options = metric["name"].split("+")
    rated, method = scored.rated, name
    encoder = scored.facts["encoder"]["name"] if "view" in metric else None
    if name == "ddr" and not _is_published_ddr(metric, options):
        return []
    if name == "clip_iqa":
        if metric["view"]["geometry"] != "native" or encoder is None or "RN" not in encoder:
            return []
        method = "pyiqa:clipiqa" if "five" in options else name
    rows = matching(
        method,
        encoder,
        rated.dataset.name,
        protocol=rated.protocol,
        split=rated.split,
        types=list(metric["types"]) if name == "ddr" else None,
        adaptation=metric.get("adaptation", True),
    )
    if rated.dataset.short_side:  # the papers don't say what size they took
        rows = [replace(row, source=f"{row.source}; size of pictures not stated") for row in rows]
    return rows


def _is_published_ddr(metric: Mapping[str, Any], options: Sequence[str]) -> bool:
    pairs = {name: [pair.clean, pair.degraded] for name, pair in published_pairs().items()}
    return (
        set(options) <= AS_PUBLISHED
        and metric["view"]["geometry"] == "crops"
        and metric["disparity"] == "cosine"
        and metric["types"].items() <= pairs.items()
    )


def figure_rows(result: Result) -> list[dict[str, Any]]:
    """A row for each column over all pictures, and for each metric over each group."""
    rated = result.scored.rated
    encoder = result.scored.facts["encoder"]
    seeing = {m["name"] for m in result.scored.facts["metrics"] if "view" in m}
    about = {
        "dataset": rated.dataset.name,
        "development_set": rated.dataset.development,
        "protocol": rated.protocol,
        "split": rated.split,
    }
    rows = []
    for assessment in result.assessments:
        own = encoder if assessment.metric in seeing else {"name": None, "fingerprint": None}
        row = {**about, "encoder": own["name"], "fingerprint": own["fingerprint"]}
        row = {**row, **assessment.as_row(), "n_missing": len(rated.missing)}
        published = result.published.get(assessment.column, ())
        best = published[0] if published and assessment.group is None else None
        row["published_srcc"] = best and best.srcc
        row["difference"] = (
            assessment.agreement - best.srcc if best and best.srcc is not None else None
        )
        row["published_source"] = best and best.source
        rows.append({key: plain(value) for key, value in row.items()})
    return rows


def pair_rows(result: Result) -> list[dict[str, Any]]:
    """A row for each pair of metrics and each statistic: the difference and its interval."""
    return [
        {
            "dataset": result.scored.rated.dataset.name,
            "a": pair.a,
            "b": pair.b,
            "n": pair.n,
            "statistic": name,
            "difference": plain(found.difference),
            "low": plain(found.low),
            "high": plain(found.high),
            "share_a_better": plain(found.share_a_better),
        }
        for pair in result.pairs
        for name, found in pair.statistics.items()
    ]
