"""The figures of a data set as flat rows: for CSV, for JSON, for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ddriqa.benchmark.published import matching

if TYPE_CHECKING:
    from ddriqa.benchmark.published import Published
    from ddriqa.benchmark.report import Result
    from ddriqa.benchmark.run import Scored

AS_PUBLISHED = {"crops", "unadapted", "color", "noise", "blur", "exposure", "content", "five"}
"""Options under which a metric still is the published one, or a published variant of it."""


def published_for(scored: Scored) -> dict[str, list[Published]]:
    """Metric -> published rows of the same method on the same pictures, with the same encoder."""
    found = {}
    for metric in scored.facts["metrics"]:
        name, *options = metric["name"].split("+")
        if set(options) <= AS_PUBLISHED:
            found[metric["name"]] = matching(
                "pyiqa:clipiqa" if (name, *options) == ("clip_iqa", "five") else name,
                scored.facts["encoder"]["name"] if scored.facts["encoder"]["fingerprint"] else None,
                scored.rated.dataset.name,
                protocol=scored.rated.protocol,
                split=scored.rated.split,
                types=list(metric["types"]) if name == "ddr" else None,
                adaptation=metric.get("adaptation", True),
            )
    return found


def figure_rows(result: Result) -> list[dict[str, Any]]:
    """A row for each column over all pictures, and for each metric over each group."""
    rated = result.scored.rated
    encoder = result.scored.facts["encoder"]
    about = {
        "dataset": rated.dataset.name,
        "development_set": rated.dataset.development,
        "protocol": rated.protocol,
        "split": rated.split,
        "encoder": encoder["name"],
        "fingerprint": encoder["fingerprint"],
    }
    rows = []
    for assessment in result.assessments:
        row = {**about, **assessment.as_row(), "n_missing": len(rated.missing)}
        published = result.published.get(assessment.column, ())
        best = published[0] if published and assessment.group is None else None
        row["published_srcc"] = best and best.srcc
        row["difference"] = (
            assessment.agreement - best.srcc if best and best.srcc is not None else None
        )
        row["published_source"] = best and best.source
        rows.append(row)
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
            "difference": found.difference,
            "low": found.low,
            "high": found.high,
            "share_a_better": found.share_a_better,
        }
        for pair in result.pairs
        for name, found in pair.statistics.items()
    ]
