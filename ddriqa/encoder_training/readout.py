"""Linear read-outs of statistics: how much damage of each kind, and how bad it is altogether.

No human score enters. Severity is made comparable across kinds of damage by a full-reference
distance: how far the damage moves the tower's statistics of its own photograph.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ddriqa.encoder_training.damage import CLIPPING, DAMAGE, DETAIL, Variant
from ddriqa.encoder_training.sentences import RESPONSES
from ddriqa.encoder_training.statistics import Statistics
from ddriqa.encoders.builtin import POOLED

NEAR = 0.1  # distances well below this are no damage
LIMIT = 8.0  # of standardised statistics: what is farther out is foreign, not worse
TYPE_STRENGTH = 1.0
QUALITY_STRENGTHS = (10.0, 30.0, 100.0)
PIXEL_SHARES = (0.1, 0.3)  # the pixels' statistics beside the tower's, in ``quality``
CLIPPING_WEIGHT = 0.5
VOTES = ("compression", "overexposure", "underexposure", "haze")
VOTE = 0.07  # of each, in deviations, beside the read-out of lost detail
FAST_STRENGTH = 1.0


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

    ``z`` are the statistics in units of their deviation over untouched photographs, within
    ``LIMIT``; ``moved`` how far each variant is from its own photograph, ``severity`` the
    logarithm of 0.1 plus the mean size of that over the tower's statistics.
    """

    z: np.ndarray
    moved: np.ndarray
    severity: np.ndarray
    variants: list[Variant]
    mean: np.ndarray
    deviation: np.ndarray


def prepare(statistics: Statistics, graded: np.ndarray) -> Prepared:
    """Standardise by the untouched photographs among the graded rows, and measure severity.

    ``graded`` tells which rows are of plain photographs, sharp all over, ``(N,)`` booleans.
    """
    untouched = np.array([not variant.steps for variant in statistics.variants])
    clean = statistics.values[untouched & graded]
    mean, deviation = clean.mean(0), clean.std(0) + 1e-3
    z = np.clip((statistics.values - mean) / deviation, -LIMIT, LIMIT)
    moved = z - z[untouched][statistics.photo]
    severity = np.log(NEAR + np.abs(moved[:, :POOLED]).mean(1))
    return Prepared(z, moved, severity, statistics.variants, mean, deviation)


def fit_facets(data: Prepared, graded: np.ndarray) -> tuple[Linear, list[int]]:
    """The read-outs behind every response, calibrated, and how many each response has.

    Every facet but that of ``quality`` learns the level of its own kinds of damage, and that
    other damage has none. ``graded`` tells which rows teach ``quality``, ``(N,)`` booleans.
    """
    facets = [facet for response in RESPONSES[1:] for facet in DAMAGE[response]]
    levels = np.array([[v.level(facet) for facet in facets] for v in data.variants])
    typed = calibrate(ridge(data.z, levels, TYPE_STRENGTH, data.moved, levels), data.z)
    quality = fit_quality(data, graded)
    for index, facet in enumerate(facets):
        if any(facet in DAMAGE[response] for response in VOTES):
            quality = quality + VOTE * typed.weight[:, index]
    weight = np.column_stack([quality, typed.weight])
    counts = [1, *(len(DAMAGE[response]) for response in RESPONSES[1:])]
    return calibrate(Linear(weight, np.zeros(weight.shape[1])), data.z), counts


def fit_quality(data: Prepared, graded: np.ndarray) -> np.ndarray:
    """Weights ``(F,)`` of the severity of damage to detail, between and within photographs.

    The mean of ridge read-outs of several strengths, each of deviation 1. The pixels' statistics
    take part with a smaller scale than the tower's: they tell kinds of damage apart, but what they
    learn of severity carries over to other pictures less well. Over-exposure, which loses
    detail in the lights, joins within photographs only: between photographs it is told by
    brightness, which is no fault.
    """
    kinds = [variant.names for variant in data.variants]
    detail = graded & np.array([names <= frozenset(DETAIL) for names in kinds])
    clipped = graded & np.array([names == {CLIPPING} for names in kinds])
    row = np.sqrt(detail + CLIPPING_WEIGHT * clipped)
    within = row > 0
    moved = data.moved[within] * row[within, None]
    steps = ((data.severity - np.log(NEAR)) * row)[within]
    total = np.zeros(data.z.shape[1])
    for share in PIXEL_SHARES:
        scale = np.where(np.arange(data.z.shape[1]) < POOLED, 1, share)
        gram = Gram(data.z[detail] * scale, data.severity[detail], moved * scale, steps)
        for strength in QUALITY_STRENGTHS:
            weight = gram.solve(strength).weight * scale
            total += weight / (data.z @ weight).std()
    return total / (data.z @ total).std()


class Gram:
    """The normal equations of a ridge regression, to be solved at several strengths.

    Args:
        z: ``(rows, features)``; target ``(rows,)`` or ``(rows, outputs)``.
        moved, steps: further rows and their targets, which have no bias: how far a variant is
            from its photograph, and how much worse.
    """

    def __init__(
        self,
        z: np.ndarray,
        target: np.ndarray,
        moved: np.ndarray | None = None,
        steps: np.ndarray | None = None,
    ) -> None:
        self.rows, self.centre, self.level = len(z), z.mean(0), target.mean(0)
        centred = z - self.centre
        self.gram = (centred.T @ centred).astype(np.float64)
        self.product = centred.T @ (target - self.level)
        if moved is not None and steps is not None:
            self.gram += moved.T @ moved
            self.product = self.product + moved.T @ steps

    def solve(self, strength: float) -> Linear:
        """Least squares with the penalty ``strength`` * rows * |weight|^2, bias unpenalised."""
        from scipy.linalg import solve

        penalised = self.gram.copy()
        penalised[np.diag_indices_from(penalised)] += strength * self.rows
        weight = solve(penalised, self.product, assume_a="pos" if strength else "gen")
        return Linear(weight, self.level - self.centre @ weight)


def ridge(
    z: np.ndarray,
    target: np.ndarray,
    strength: float,
    moved: np.ndarray | None = None,
    steps: np.ndarray | None = None,
) -> Linear:
    """The ridge regression of ``Gram`` at one strength."""
    return Gram(z, target, moved, steps).solve(strength)


def fit_like(data: Prepared, outputs: np.ndarray) -> Linear:
    """Read-outs of other statistics of the same variants that give nearly the same outputs.

    Args:
        data: of the fast view.
        outputs: of the default's read-outs, ``(N, outputs)``.
    """
    first = np.array([not variant.steps for variant in data.variants])
    own = np.cumsum(first) - 1
    steps = outputs - outputs[first][own]
    return ridge(data.z, outputs, FAST_STRENGTH, data.moved, steps)


def calibrate(linear: Linear, z: np.ndarray) -> Linear:
    """The same read-outs with mean 0 and deviation 1 over ``z``."""
    values = linear(z)
    deviation = values.std(0)
    return Linear(linear.weight / deviation, (linear.bias - values.mean(0)) / deviation)


def on_standardised(linear: Linear, data: Prepared, columns: slice) -> Linear:
    """A read-out of some plain statistics as one of all the standardised ones."""
    weight = np.zeros((len(data.mean), linear.weight.shape[1]))
    weight[columns] = linear.weight * data.deviation[columns, None]
    return Linear(weight, linear.bias + data.mean[columns] @ linear.weight)
