"""Curves from scores to labels, fitted by least squares, for the field's mapped PLCC and RMSE.

Video Quality Experts Group, Final report on the validation of objective models of video quality
assessment, 2000 (four-parameter logistic) and 2003 (cubic polynomial among others); Sheikh, Sabir
and Bovik, A statistical evaluation of recent full reference image quality assessment algorithms,
IEEE TIP 15 (2006) 3440 (five parameters: a logistic and a straight line).

Scores are brought to mean 0 and deviation 1 before anything else, so that a range of .25 to .31
converges like one of 0 to 100, and a fit doesn't change with the unit or the sign of the scores.
The logistics go from the usual start to an optimum, as in the field's scripts, the one with five
parameters also from the best place of a coarse grid, and stop at a relative change of 1e-8, the
default of scipy's ``curve_fit`` and of MATLAB's ``nlinfit``. Where a logistic degenerates (labels
nearly a line or a parabola of the scores) its parameters grow without bound while its predictions
settle: then predictions, PLCC and RMSE mean something, parameters do not.

A mapped PLCC has no sign: the curve takes the direction of the data. It can't show that a scorer is
upside down; the raw PLCC and SRCC do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares
from scipy.special import expit

from ddriqa.benchmark.correlation import Floats, paired, pearson

Curve = Callable[..., Floats]

MAX_EVALUATIONS = 3_000
TOLERANCE = 1e-8
STEEPNESS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
PLACES = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
"""Of the grid of ``_coarse_start5``; places are quantiles of the scores."""


class FitError(Exception):
    """A curve can't be fitted to these scores and labels; the text says why."""


@dataclass(frozen=True)
class Fit:
    """A fitted curve.

    Attributes:
        name: ``logistic4``, ``logistic5`` or ``cubic``.
        parameters: of the curve of ``(score - centre) / scale``, in the order of the formula in
            the function that fits it.
        centre: the mean of the scores.
        scale: their standard deviation.
        plcc: Pearson's correlation of predictions with labels, sign-free: in [0, 1].
        rmse: the root mean squared error of the predictions, in the unit of the labels.
    """

    name: str
    parameters: tuple[float, ...]
    centre: float
    scale: float
    plcc: float
    rmse: float

    def predict(self, scores: ArrayLike) -> Floats:
        """The labels that the curve gives for scores of any shape, in the unit of the labels."""
        standard = (np.asarray(scores, np.float64) - self.centre) / self.scale
        return _CURVES[self.name](standard, *self.parameters)


def fit_logistic4(scores: ArrayLike, labels: ArrayLike) -> Fit:
    """VQEG's logistic: ``(b1 - b2) / (1 + exp(-(z - b3) / b4)) + b2`` of the standard score z.

    It starts from b1 and b2 at the largest and smallest label (the other way round where scores
    rise as labels fall), b3 at the mean score and b4 at a quarter of the deviation.

    Args:
        scores: (n,) raw scores, in any unit and direction.
        labels: (n,) opinions.

    Raises:
        FitError: no more images than parameters, fewer different scores than parameters, constant
            labels, no convergence, or a curve that is flat or not finite.
        ValueError: as ``srcc``.
    """
    scores, labels = paired(scores, labels)
    low, high = float(labels.min()), float(labels.max())
    ends = (high, low) if _rising(scores, labels) else (low, high)
    return _fit_logistic("logistic4", scores, labels, (*ends, 0.0, 0.25))


def fit_logistic5(scores: ArrayLike, labels: ArrayLike) -> Fit:
    """Sheikh's: ``b1 (1/2 - 1 / (1 + exp(b2 (z - b3)))) + b4 z + b5`` of the standard score z.

    It starts from b1 at the range of the labels, b2 at 1 (-1 where scores rise as labels fall), b3
    at the mean score, b4 at 0 and b5 at the mean label. Arguments and errors are those of
    ``fit_logistic4``. The curve need not be monotone.
    """
    scores, labels = paired(scores, labels)
    steepness = 1.0 if _rising(scores, labels) else -1.0
    start = (float(np.ptp(labels)), steepness, 0.0, 0.0, float(labels.mean()))
    return _fit_logistic("logistic5", scores, labels, start, _coarse_start5)


def fit_cubic(scores: ArrayLike, labels: ArrayLike) -> Fit:
    """The polynomial ``b1 + b2 z + b3 z² + b4 z³`` of the standard score z.

    Linear least squares, so there is one solution and no start. Arguments and errors are those of
    ``fit_logistic4``. The curve need not be monotone.
    """
    scores, labels = paired(scores, labels)
    centre, scale = _standard(scores, labels, count=4)
    powers = np.vander((scores - centre) / scale, 4, increasing=True)
    solution, _, rank, _ = np.linalg.lstsq(powers, labels, rcond=None)
    if rank < 4:
        raise FitError("the scores are too few different ones for a cubic")
    return _finished("cubic", solution, centre, scale, scores, labels)


FITS: dict[str, Callable[[ArrayLike, ArrayLike], Fit]] = {
    "logistic4": fit_logistic4,
    "logistic5": fit_logistic5,
    "cubic": fit_cubic,
}


def _logistic4(z: Floats, b1: float, b2: float, b3: float, b4: float) -> Floats:
    return (b1 - b2) * expit((z - b3) / b4) + b2


def _logistic5(z: Floats, b1: float, b2: float, b3: float, b4: float, b5: float) -> Floats:
    return b1 * (expit(b2 * (z - b3)) - 0.5) + b4 * z + b5


def _cubic(z: Floats, b1: float, b2: float, b3: float, b4: float) -> Floats:
    return b1 + z * (b2 + z * (b3 + z * b4))


_CURVES: dict[str, Curve] = {"logistic4": _logistic4, "logistic5": _logistic5, "cubic": _cubic}


def _fit_logistic(
    name: str,
    scores: Floats,
    labels: Floats,
    start: tuple[float, ...],
    another: Callable[[Floats, Floats], tuple[float, ...]] | None = None,
) -> Fit:
    """Levenberg and Marquardt's method from one start or two; the smaller error counts."""
    centre, scale = _standard(scores, labels, count=len(start))
    standard, curve = (scores - centre) / scale, _CURVES[name]
    starts = [start, *([another(standard, labels)] if another else [])]
    with np.errstate(all="ignore"):
        results = [_minimise(curve, standard, labels, one) for one in starts]
    converged = [result for result in results if result.success]
    if not converged:
        raise FitError(f"no convergence within {MAX_EVALUATIONS} evaluations")
    best = min(converged, key=lambda result: result.cost)
    return _finished(name, best.x, centre, scale, scores, labels)


def _minimise(curve: Curve, z: Floats, labels: Floats, start: tuple[float, ...]) -> Any:
    return least_squares(
        lambda parameters: curve(z, *parameters) - labels,
        start,
        method="lm",
        x_scale="jac",
        ftol=TOLERANCE,
        xtol=TOLERANCE,
        gtol=TOLERANCE,
        max_nfev=MAX_EVALUATIONS,
    )


def _coarse_start5(z: Floats, labels: Floats) -> tuple[float, ...]:
    """The best of a grid of steepness and place; the other three parameters are linear."""
    best, least = (0.0,) * 5, np.inf
    for steepness in STEEPNESS:
        for place in np.quantile(z, PLACES):
            step = expit(steepness * (z - place)) - 0.5
            columns = np.stack([step, z, np.ones_like(z)], axis=1)
            linear, *_ = np.linalg.lstsq(columns, labels, rcond=None)
            error = float(np.square(columns @ linear - labels).sum())
            if error < least:
                best, least = (linear[0], steepness, place, linear[1], linear[2]), error
    return tuple(float(value) for value in best)


def _standard(scores: Floats, labels: Floats, count: int) -> tuple[float, float]:
    """Mean and standard deviation of the scores, if ``count`` parameters can be fitted to them."""
    if len(scores) <= count:
        raise FitError(f"{len(scores)} images are too few for {count} parameters")
    different = len(np.unique(scores))
    if different < count:
        raise FitError(f"{different} different scores are too few for {count} parameters")
    if np.ptp(labels) == 0:
        raise FitError("all labels are the same")
    scale = float(scores.std())
    if scale == 0:
        raise FitError("the scores differ by less than numbers can show")
    return float(scores.mean()), scale


def _rising(scores: Floats, labels: Floats) -> bool:
    return not pearson(scores, labels) < 0


def _finished(
    name: str, parameters: NDArray[Any], centre: float, scale: float, scores: Floats, labels: Floats
) -> Fit:
    """The fit with its figures, if they are numbers."""
    values = tuple(float(value) for value in parameters)
    predicted = _CURVES[name]((scores - centre) / scale, *values)
    if not (np.isfinite(values).all() and np.isfinite(predicted).all()):
        raise FitError("the parameters are not finite")
    agreement = pearson(predicted, labels)
    if np.isnan(agreement):
        raise FitError("the fitted curve is flat")
    rmse = float(np.sqrt(np.mean((predicted - labels) ** 2)))
    return Fit(name, values, centre, scale, agreement, rmse)
