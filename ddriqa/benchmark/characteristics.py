"""What a response measures: its correlation with image characteristics and with deep features.

DDR's Table 2 (colourfulness, complexity, sharpness, quality) and Fig. 7 (mean and deviation of
deep features, layer by layer), on a table that a run has made.
"""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

CHARACTERISTICS = {
    "ic9600": "complexity",
    "edge_density": "complexity",
    "colourfulness": "colourfulness",
    "cpbd": "sharpness",
}
"""Column of a metric -> what Table 2 calls it."""

SUBSTITUTES = {"edge_density": "edge density, a substitute for IC9600's complexity"}

TABLE_2 = {
    "color": {"complexity": -0.223, "colourfulness": 0.757, "sharpness": 0.715, "quality": 0.790},
    "noise": {"complexity": -0.444, "colourfulness": 0.673, "sharpness": 0.600, "quality": 0.694},
    "blur": {"complexity": -0.206, "colourfulness": 0.612, "sharpness": 0.732, "quality": 0.756},
    "exposure": {
        "complexity": -0.435,
        "colourfulness": 0.684,
        "sharpness": 0.699,
        "quality": 0.770,
    },
    "content": {"complexity": -0.357, "colourfulness": 0.612, "sharpness": 0.561, "quality": 0.642},
}
"""DDR, Table 2: SRCC on CSIQ with CLIP ViT-B/32; quality is turned so that more is better."""

Correlation = dict[str, Any]


def correlations(
    table: pd.DataFrame,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    rounds: int = 1000,
    seed: int = 0,
) -> dict[str, dict[str, Correlation]]:
    """SRCC of each of ``rows`` with each of ``columns``, with its 95 % bootstrap interval.

    Fig. 7 is this with the columns of ``vgg_statistics`` or ``stage_statistics``.

    Args:
        table: a row a picture.
        rows: columns of the table that hold responses (``ddr_color``).
        columns: columns of the table that they are correlated with.
        rounds: of the bootstrap, 0 for no intervals; the same pictures are drawn for all rows.
        seed: of the draws.

    Returns:
        Row -> column -> ``srcc``, ``low``, ``high``, ``n``. n counts the pictures that have a
        finite number in the column and in all of the rows. The figures are None where they
        don't exist: fewer than two pictures, or a constant.

    Raises:
        KeyError: a name isn't a column of the table.
    """
    found: dict[str, dict[str, Correlation]] = {row: {} for row in rows}
    for column in columns:
        numbers = table[[*rows, column]].to_numpy(np.float64).T
        complete = numbers[:, np.isfinite(numbers).all(0)]
        cells = srcc_with_interval(complete[:-1], complete[-1], rounds=rounds, seed=seed)
        for row, cell in zip(rows, cells, strict=True):
            found[row][column] = cell
    return found


def srcc_with_interval(
    scores: np.ndarray, values: np.ndarray, *, rounds: int, seed: int
) -> list[Correlation]:
    """SRCC of each row of finite ``scores (M, n)`` with finite ``values (n,)``.

    Returns:
        M times ``srcc``, ``low``, ``high``, ``n``, as ``correlations`` has them.
    """
    from ddriqa.benchmark.bootstrap import bootstrap, interval
    from ddriqa.benchmark.correlation import MIN_IMAGES, srcc

    count = len(values)
    if count < MIN_IMAGES:
        return [{"srcc": None, "low": None, "high": None, "n": count} for _ in scores]
    ends: Any = np.full((2, len(scores)), np.nan)
    if rounds:
        drawn = bootstrap(scores, values, rounds=rounds, seed=seed, statistics=["srcc"])["srcc"]
        ends = interval(drawn)
    return [
        {
            "srcc": _plain(srcc(row, values)),
            "low": _plain(low),
            "high": _plain(high),
            "n": count,
        }
        for row, low, high in zip(scores, *ends, strict=True)
    ]


def table_2(
    table: pd.DataFrame,
    types: Mapping[str, str],
    characteristics: Sequence[str],
    label: str,
    *,
    labels_higher_is_better: bool,
    rounds: int = 1000,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Table 2 of this table's pictures, beside the paper's.

    The paper's pictures are CSIQ's: on others its numbers are no target.

    Args:
        table: a row a picture.
        types: type of response -> its column (``{"color": "ddr_color"}``).
        characteristics: columns of the table, names of ``CHARACTERISTICS``.
        label: the column of opinions.
        labels_higher_is_better: false for DMOS; it is turned, so that quality is what is compared.
        rounds, seed: of the bootstrap.

    Returns:
        For each type and characteristic, quality last: ``type``, ``characteristic``, ``column``,
        ``srcc``, ``low``, ``high``, ``n``, ``published`` (None where the paper has none or the
        column is a substitute) and ``note``.

    Raises:
        KeyError: a name isn't a column of the table.
    """
    numbers = table[[*types.values(), *characteristics, label]].copy()
    if not labels_higher_is_better:
        numbers[label] = -numbers[label]
    columns = [*characteristics, label]
    found = correlations(numbers, list(types.values()), columns, rounds=rounds, seed=seed)
    return [
        _row(kind, column, "quality" if column == label else CHARACTERISTICS[column], cell)
        for kind, own in types.items()
        for column, cell in found[own].items()
    ]


def _row(kind: str, column: str, characteristic: str, cell: Correlation) -> dict[str, Any]:
    note = SUBSTITUTES.get(column, "")
    published = None if note else TABLE_2.get(kind, {}).get(characteristic)
    names = {"type": kind, "characteristic": characteristic, "column": column}
    return {**names, **cell, "published": published, "note": note}


def _plain(value: float) -> float | None:
    return None if isnan(value) else float(value)
