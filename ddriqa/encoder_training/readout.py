"""Linear read-outs of statistics: how much damage of each kind, and what is in the picture.

No human score enters. Severity is made comparable across kinds of damage by a full-reference
distance: how far the damage moves the statistics of its own photograph.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from ddriqa.encoder_training.damage import DAMAGE, DETAIL
from ddriqa.encoder_training.statistics import Statistics

NEAR = 0.1  # distances well below this are no damage
QUALITY_STRENGTH, TYPE_STRENGTH = 10.0, 10.0
CLIPPING_WEIGHT = 0.5


@dataclass(frozen=True)
class Linear:
    """``values @ weight + bias``: weight ``(features, outputs)``, bias ``(outputs,)``."""

    weight: np.ndarray
    bias: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return values @ self.weight + self.bias


@dataclass(frozen=True)
class Prepared:
    """Statistics ready to be fitted.

    ``z`` are the statistics in units of their deviation over the untouched photographs,
    ``moved`` how far each variant is from its own photograph, ``severity`` the logarithm of
    0.1 plus the mean size of that, ``names`` the kinds of damage of each row.
    """

    z: np.ndarray
    moved: np.ndarray
    severity: np.ndarray
    names: list[frozenset[str]]
    photo: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray


def prepare(statistics: Statistics) -> Prepared:
    """Standardise by the untouched photographs and measure severity."""
    names = [variant.names for variant in statistics.variants]
    untouched = statistics.values[[not kinds for kinds in names]]
    mean, deviation = untouched.mean(0), untouched.std(0) + 1e-3
    z = (statistics.values - mean) / deviation
    moved = z - ((untouched - mean) / deviation)[statistics.photo]
    severity = np.log(NEAR + np.abs(moved).mean(1))
    return Prepared(z, moved, severity, names, statistics.photo, mean, deviation)


def fit_facets(data: Prepared, responses: Collection[str]) -> tuple[Linear, list[int]]:
    """The read-outs behind every response, calibrated, and how many each response has.

    ``quality`` learns the severity of damage that destroys detail, whatever its kind. A facet
    of another response learns the severity of its own kinds, and that variants without them have
    none, so that it reacts to its kind rather than to any.
    """
    columns, counts = [], []
    for name in responses:
        fitted = [fit_quality(data)] if name == "quality" else _fit_kind(data, name)
        columns += fitted
        counts.append(len(fitted))
    joined = Linear(
        np.stack([c.weight for c in columns], axis=1), np.array([c.bias for c in columns])
    )
    return calibrate(joined, data.z), counts


def fit_quality(data: Prepared) -> Linear:
    """Severity of damage to detail, between and within photographs.

    Over-exposure, which loses detail in the lights, joins within photographs only, at half weight:
    between photographs it is told by brightness, which is no fault.
    """
    detail = np.array([names <= frozenset(DETAIL) for names in data.names])
    clipped = np.array([names == {"overexpose"} for names in data.names])
    weight = np.sqrt(detail + CLIPPING_WEIGHT * clipped)
    within = weight > 0
    moved = data.moved[within] * weight[within, None]
    steps = (data.severity - np.log(NEAR))[within] * weight[within]
    return ridge(data.z[detail], data.severity[detail], QUALITY_STRENGTH, moved, steps)


def _fit_kind(data: Prepared, response: str) -> list[Linear]:
    readouts = []
    for facet in DAMAGE[response]:
        own = np.array([bool(names & frozenset(facet)) for names in data.names])
        target = np.where(own, data.severity, np.log(NEAR))
        readouts.append(ridge(data.z, target, TYPE_STRENGTH))
    return readouts


def ridge(
    z: np.ndarray,
    target: np.ndarray,
    strength: float,
    moved: np.ndarray | None = None,
    steps: np.ndarray | None = None,
) -> Linear:
    """Least squares with the penalty ``strength`` * rows * |weight|^2, bias unpenalised.

    Args:
        z: ``(rows, features)``; target ``(rows,)``.
        moved, steps: further rows and their targets, which have no bias: how far a variant is
            from its photograph, and how much worse.
    """
    centre, level = z.mean(0), target.mean()
    centred = z - centre
    gram = centred.T @ centred
    product = centred.T @ (target - level)
    if moved is not None and steps is not None:
        gram, product = gram + moved.T @ moved, product + moved.T @ steps
    gram[np.diag_indices_from(gram)] += strength * len(z)
    weight = np.linalg.solve(gram.astype(np.float64), product)
    return Linear(weight, level - centre @ weight)


def calibrate(linear: Linear, z: np.ndarray) -> Linear:
    """The same read-outs with mean 0 and deviation 1 over ``z``."""
    values = linear(z)
    deviation = values.std(0)
    return Linear(linear.weight / deviation, (linear.bias - values.mean(0)) / deviation)


def on_statistics(linear: Linear, data: Prepared) -> Linear:
    """A read-out of standardised statistics as one of the plain statistics."""
    weight = linear.weight / data.deviation[:, None]
    return Linear(weight, linear.bias - data.mean @ weight)


def fit_content(data: Prepared, count: int) -> Linear:
    """The ``count`` directions that tell photographs apart whatever their damage.

    Linear discriminants of Fisher (1936): between-photograph against within-photograph scatter,
    the latter shrunk by half towards a multiple of the identity; centred on the photographs' mean.
    """
    from scipy.linalg import eigh

    z = data.z.astype(np.float64)
    photos = np.unique(data.photo)
    means = np.stack([z[data.photo == p].mean(0) for p in photos])
    within = z - means[np.searchsorted(photos, data.photo)]
    scatter = within.T @ within / len(z)
    shrunk = 0.5 * scatter + 0.5 * np.trace(scatter) / len(scatter) * np.eye(len(scatter))
    spread = means - means.mean(0)
    between = spread.T @ spread / len(photos)
    last = len(between) - 1
    _, directions = eigh(between, shrunk, subset_by_index=[last - count + 1, last])
    weight = directions[:, ::-1]
    return Linear(weight, -means.mean(0) @ weight)
