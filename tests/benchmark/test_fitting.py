"""The mappings find known curves, agree with scipy's curve_fit, and say when they can't."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from ddriqa.benchmark.correlation import plcc
from ddriqa.benchmark.fitting import FITS, FitError, fit_cubic, fit_logistic4, fit_logistic5


def logistic4(x, b1, b2, b3, b4):
    """VQEG's form, written out."""
    return (b1 - b2) / (1 + np.exp(-(x - b3) / b4)) + b2


def logistic5(x, b1, b2, b3, b4, b5):
    """Sheikh's form, written out."""
    return b1 * (0.5 - 1 / (1 + np.exp(b2 * (x - b3)))) + b4 * x + b5


def cubic(x, b1, b2, b3, b4):
    return b1 + b2 * x + b3 * x**2 + b4 * x**3


WRITTEN_OUT = {
    "logistic4": (logistic4, (4.5, 1.2, 0.3, 0.4)),
    "logistic5": (logistic5, (2.5, 3.0, 0.2, 0.3, 3.0)),
    "cubic": (cubic, (3.0, 0.8, -0.2, 0.1)),
}


def noisy(name, noise, count=400):
    """Scores of mean about 0 and deviation about 1, and labels on the known curve."""
    generator = np.random.default_rng(11)
    scores = generator.normal(size=count)
    curve, parameters = WRITTEN_OUT[name]
    return scores, curve(scores, *parameters) + noise * generator.normal(size=count)


@pytest.mark.parametrize("name", FITS)
def test_the_known_curve_is_found(name):
    scores, labels = noisy(name, noise=0)
    fit = FITS[name](scores, labels)
    curve, parameters = WRITTEN_OUT[name]
    new = np.linspace(-3, 3, 50)
    np.testing.assert_allclose(fit.predict(new), curve(new, *parameters), atol=1e-5)
    assert fit.name == name
    assert fit.plcc == pytest.approx(1, abs=1e-9)
    assert fit.rmse < 1e-6


@pytest.mark.parametrize("name", FITS)
def test_parameters_are_those_of_the_written_formula(name):
    scores, labels = noisy(name, noise=0.3)
    fit = FITS[name](scores, labels)
    assert (fit.centre, fit.scale) == (pytest.approx(scores.mean()), pytest.approx(scores.std()))
    curve, _ = WRITTEN_OUT[name]
    standard = (scores - fit.centre) / fit.scale
    np.testing.assert_allclose(fit.predict(scores), curve(standard, *fit.parameters), rtol=1e-9)


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("noise", [0.05, 0.5])
def test_equal_to_curve_fit_started_at_the_truth(name, noise):
    """An independent fit, of raw scores, from the parameters the data were made with."""
    scores, labels = noisy(name, noise)
    curve, parameters = WRITTEN_OUT[name]
    theirs = curve(scores, *curve_fit(curve, scores, labels, p0=parameters)[0])
    fit = FITS[name](scores, labels)
    np.testing.assert_allclose(fit.predict(scores), theirs, atol=2e-3)
    assert fit.plcc == pytest.approx(np.corrcoef(theirs, labels)[0, 1], abs=1e-6)
    assert fit.rmse == pytest.approx(np.sqrt(np.mean((theirs - labels) ** 2)), rel=1e-6)


def test_the_cubic_is_numpys():
    scores, labels = noisy("cubic", noise=0.5)
    theirs = np.polynomial.Polynomial.fit(scores, labels, 3)
    np.testing.assert_allclose(fit_cubic(scores, labels).predict(scores), theirs(scores))


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize(
    ("factor", "shift"),
    [(0.01, 0.28), (1e-6, 0), (250.0, 1400.0), (-1.0, 0), (-0.01, 0.28), (1e6, -1e7)],
)
def test_a_change_of_unit_or_direction_changes_nothing(name, factor, shift):
    """A range like .25 to .31, Elo points, a distance instead of a quality."""
    scores, labels = noisy(name, noise=0.3)
    plain, changed = FITS[name](scores, labels), FITS[name](factor * scores + shift, labels)
    assert changed.plcc == pytest.approx(plain.plcc, abs=1e-7)
    assert changed.rmse == pytest.approx(plain.rmse, rel=1e-6)
    np.testing.assert_allclose(
        changed.predict(factor * scores + shift), plain.predict(scores), atol=1e-3
    )


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize(("factor", "shift"), [(0.01, 0), (100, 1400), (-20, 100)])
def test_a_change_of_the_labels_changes_only_the_unit(name, factor, shift):
    scores, labels = noisy(name, noise=0.3)
    plain, changed = FITS[name](scores, labels), FITS[name](scores, factor * labels + shift)
    assert changed.plcc == pytest.approx(plain.plcc, abs=1e-7)
    assert changed.rmse == pytest.approx(abs(factor) * plain.rmse, rel=1e-6)


@pytest.mark.parametrize("name", FITS)
def test_the_mapped_plcc_has_no_sign_and_is_not_below_the_raw_one(name):
    scores, labels = noisy("logistic4", noise=0.5)
    assert plcc(-scores, labels) < 0
    assert FITS[name](-scores, labels).plcc >= abs(plcc(scores, labels))


def test_five_parameters_are_not_worse_than_a_line():
    scores = np.random.default_rng(2).normal(size=100)
    fit = fit_logistic5(scores, 3 - 2 * scores)
    assert fit.rmse < 1e-6
    assert fit.predict(10.0) == pytest.approx(-17, abs=1e-3)


def test_predict_keeps_the_shape_and_bears_extremes():
    fit = fit_logistic4(*noisy("logistic4", noise=0.1))
    assert fit.predict(np.zeros((2, 3))).shape == (2, 3)
    ends = fit.predict([-1e9, 1e9])
    assert ends == pytest.approx([1.2, 4.5], abs=0.1)


@pytest.mark.parametrize(("name", "count"), [("logistic4", 4), ("logistic5", 5), ("cubic", 4)])
def test_too_few_images(name, count):
    scores, labels = noisy(name, noise=0.1)
    with pytest.raises(FitError, match=f"{count} images are too few for {count} parameters"):
        FITS[name](scores[:count], labels[:count])


@pytest.mark.parametrize("name", FITS)
def test_too_few_different_scores(name):
    scores, labels = noisy(name, noise=0.1)
    with pytest.raises(FitError, match="3 different scores are too few"):
        FITS[name](np.digitize(scores, [-1, 1]), labels)
    with pytest.raises(FitError, match="1 different scores are too few"):
        FITS[name](np.full(len(labels), 0.1), labels)


@pytest.mark.parametrize("name", FITS)
def test_scores_that_hardly_differ(name):
    scores, labels = noisy(name, noise=0.1)
    with pytest.raises(FitError, match="differ by less than numbers can show"):
        FITS[name](scores * 1e-300, labels)


def test_a_cubic_needs_four_scores_that_are_apart():
    with pytest.raises(FitError, match="too few different ones for a cubic"):
        fit_cubic([0, 1, 2, 2 + 4e-16, 1, 0], [1, 2, 3, 4, 5, 6])


@pytest.mark.parametrize("name", FITS)
def test_constant_labels(name):
    scores, _ = noisy(name, noise=0.1)
    with pytest.raises(FitError, match="all labels are the same"):
        FITS[name](scores, np.full(len(scores), 0.1))


def test_no_convergence_is_said(monkeypatch):
    monkeypatch.setattr("ddriqa.benchmark.fitting.MAX_EVALUATIONS", 2)
    with pytest.raises(FitError, match="no convergence within 2 evaluations"):
        fit_logistic5(*noisy("logistic5", noise=0.5))


@pytest.mark.parametrize("name", FITS)
def test_what_cannot_be_correlated_is_refused(name):
    with pytest.raises(ValueError, match="scores must be finite"):
        FITS[name]([1, 2, 3, 4, 5, np.nan], [1, 2, 3, 4, 5, 6])
    with pytest.raises(ValueError, match="6 scores but 5 labels"):
        FITS[name]([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5])
