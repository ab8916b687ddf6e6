"""Linear read-outs of pooled statistics: how much damage of each kind, and what is in the picture.

No human score enters. Severity is made comparable across kinds of damage by a full-reference
distance: how far the damage moves the statistics of its own photograph.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ddriqa.encoder_training.statistics import Statistics

NEAR = 0.1  # distances well below this are no damage
DETAIL = {"blur", "noise", "compression"}  # kinds that destroy detail: they make ``quality``


@dataclass(frozen=True)
class Linear:
    """``values @ weight + bias``: weight ``(features, outputs)``, bias ``(outputs,)``."""

    weight: np.ndarray
    bias: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return values @ self.weight + self.bias


def severity(statistics: Statistics) -> np.ndarray:
    """log(0.1 + mean |z - z of the untouched photograph|), z standardised by clean ones: (N,)."""
    z = standardise(statistics)
    clean = z[_untouched(statistics)]
    distance = np.abs(z - clean[statistics.photo]).mean(1)
    return np.log(NEAR + distance)


def standardise(statistics: Statistics) -> np.ndarray:
    """Statistics in units of their deviation over the untouched photographs."""
    mean, deviation = clean_moments(statistics)
    return (statistics.values - mean) / deviation


def clean_moments(statistics: Statistics) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation over the untouched photographs, ``(2368,)`` each."""
    clean = statistics.values[_untouched(statistics)]
    return clean.mean(0), clean.std(0) + 1e-3


def _untouched(statistics: Statistics) -> np.ndarray:
    return np.flatnonzero([not variant.steps for variant in statistics.variants])


def fit_responses(
    statistics: Statistics, names: list[str], quality_strength: float, type_strength: float
) -> Linear:
    """One calibrated read-out per response, in units of its deviation over all variants.

    ``quality`` learns the severity of damage that destroys detail, whatever its kind, from
    variants with nothing else. Any other response learns the severity of its own kind, and that
    variants without it have none, so that it reacts to its kind rather than to any.
    """
    z, target = standardise(statistics), severity(statistics)
    kinds = [set(variant.responses) for variant in statistics.variants]
    none = np.log(NEAR)
    columns = []
    for name in names:
        if name == "quality":
            rows = np.array([kind <= DETAIL for kind in kinds])
            columns.append(ridge(z[rows], target[rows], quality_strength))
        else:
            own = np.where([name in kind for kind in kinds], target, none)
            columns.append(ridge(z, own, type_strength))
    joined = Linear(
        np.stack([c.weight for c in columns], axis=1), np.array([c.bias for c in columns])
    )
    return unfold(calibrate(joined, z), *clean_moments(statistics))


def ridge(z: np.ndarray, target: np.ndarray, strength: float) -> Linear:
    """Least squares with the penalty ``strength`` * rows * |weight|^2, bias unpenalised."""
    mean, level = z.mean(0), target.mean()
    centred = (z - mean).astype(np.float64)
    gram = centred.T @ centred
    gram[np.diag_indices_from(gram)] += strength * len(z)
    weight = np.linalg.solve(gram, centred.T @ (target - level))
    return Linear(weight, level - mean @ weight)


def calibrate(linear: Linear, z: np.ndarray) -> Linear:
    """The same read-outs with mean 0 and deviation 1 over ``z``."""
    values = linear(z)
    deviation = values.std(0)
    return Linear(linear.weight / deviation, (linear.bias - values.mean(0)) / deviation)


def unfold(linear: Linear, mean: np.ndarray, deviation: np.ndarray) -> Linear:
    """A read-out of standardised statistics as one of the plain statistics."""
    weight = linear.weight / deviation[:, None]
    return Linear(weight, linear.bias - mean @ weight)


def fit_content(statistics: Statistics, count: int) -> Linear:
    """The ``count`` directions that tell photographs apart whatever their damage.

    Linear discriminants of Fisher (1936): between-photograph against within-photograph scatter,
    the latter shrunk by half towards a multiple of the identity; centred on the photographs' mean.
    """
    from scipy.linalg import eigh

    z = standardise(statistics).astype(np.float64)
    photos = np.unique(statistics.photo)
    means = np.stack([z[statistics.photo == p].mean(0) for p in photos])
    within = z - means[np.searchsorted(photos, statistics.photo)]
    scatter = within.T @ within / len(z)
    shrunk = 0.5 * scatter + 0.5 * np.trace(scatter) / len(scatter) * np.eye(len(scatter))
    spread = means - means.mean(0)
    between = spread.T @ spread / len(photos)
    last = len(between) - 1
    _, directions = eigh(between, shrunk, subset_by_index=[last - count + 1, last])
    weight = directions[:, ::-1]
    return unfold(Linear(weight, -means.mean(0) @ weight), *clean_moments(statistics))
