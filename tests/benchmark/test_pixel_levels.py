"""The pixel-domain protocol: levels, order, direction, and pictures that can't be read."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import spearmanr

from ddriqa import Scorer, load_encoder
from ddriqa.benchmark.datasets.base import Rated, RatedSet
from ddriqa.benchmark.pixel_levels import BLUR_LEVELS, PixelProtocol, responses, summary
from ddriqa.degradations import catalogue, degrade
from ddriqa.errors import UsageError
from ddriqa.metrics.ddr_pixel import pixel_response

TEA = Path(__file__).parents[1] / "photos" / "tea_gardens.jpg"


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("toy")


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    """Six pictures, the more blurred the worse, and one that is none."""
    folder = tmp_path_factory.mktemp("rated")
    sharp = np.asarray(Image.open(TEA).convert("RGB").resize((96, 64)))
    pictures = []
    for number in range(6):
        path = folder / f"{number}.png"
        Image.fromarray(degrade(sharp, "gaussian_blur", number / 6, seed=0)).save(path)
        pictures.append(Rated(path.name, path, 100 - 10 * number))
    broken = folder / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    pictures.insert(2, Rated("broken.png", broken, 50))
    return RatedSet(None, "official", None, folder, pictures)


@pytest.fixture(scope="module")
def answers(rated, encoder):
    return list(responses(rated.pictures, encoder))


def test_levels_are_the_sigmas_that_their_names_say():
    blur = catalogue.get("gaussian_blur")
    sigmas = {name: blur.parameters(level)["sigma"] for name, level in BLUR_LEVELS.items()}
    assert sigmas == pytest.approx({f"sigma {s:g}": s for s in (0.5, 1, 2, 4)}, abs=1e-9)


def test_responses_are_those_of_the_functions_they_name(rated, encoder, answers):
    assert [answer.name for answer in answers] == [picture.name for picture in rated.pictures]
    pixels = np.array(Image.open(rated.pictures[1].path))
    scored = Scorer(encoder="toy", types=["blur"]).score(rated.pictures[1].path)
    assert answers[1].values["adaptive"] == pytest.approx(scored.scores["ddr"], abs=1e-6)
    for name, level in BLUR_LEVELS.items():
        expected = pixel_response(encoder, pixels, "gaussian_blur", level)
        assert answers[1].values[name] == expected


def test_summary_agrees_with_scipy_and_names_the_tuned_level(answers):
    found = summary(answers, labels_higher_is_better=True, rounds=50)
    good = [answer for answer in answers if answer.error is None]
    labels = [answer.label for answer in good]
    for name in BLUR_LEVELS:
        expected = spearmanr([answer.values[name] for answer in good], labels).statistic
        assert found["levels"][name]["srcc"] == pytest.approx(expected, abs=1e-12)
    best = max(cell["srcc"] for cell in found["levels"].values())
    assert found["levels"][found["best"]]["srcc"] == best
    assert [name for name, cell in found["levels"].items() if cell["tuned"]] == [found["best"]]
    assert "tuned" not in found["adaptive"]
    assert best > 0.9  # a sharper picture moves further under blur
    json.dumps(found)


def test_a_picture_that_cannot_be_read_is_counted_and_named(answers):
    found = summary(answers, labels_higher_is_better=True, rounds=10)
    assert (found["n"], found["n_failed"]) == (6, 1)
    assert list(found["failed"]) == ["broken.png"]
    assert found["failed"]["broken.png"]
    assert found["adaptive"]["n"] == 6


def test_dmos_is_turned(answers):
    up = summary(answers, labels_higher_is_better=True, rounds=10)
    down = summary(answers, labels_higher_is_better=False, rounds=10)
    for name in BLUR_LEVELS:
        assert down["levels"][name]["srcc"] == -up["levels"][name]["srcc"]


def test_without_pictures_there_are_no_figures(answers):
    found = summary([answers[2]], labels_higher_is_better=True, rounds=10)
    assert found["best"] is None
    assert found["adaptive"] == {"srcc": None, "low": None, "high": None, "n": 0, "quartiles": None}


def test_another_degradation_and_type(rated, encoder):
    protocol = PixelProtocol("gaussian_noise", {"low": 0.2, "high": 1.0}, type="noise", seed=3)
    answers = list(responses(rated.pictures, encoder, protocol))
    pixels = np.array(Image.open(rated.pictures[0].path))
    expected = pixel_response(encoder, pixels, "gaussian_noise", 1.0, seed=3)
    assert answers[0].values["high"] == expected
    found = summary(answers, protocol, labels_higher_is_better=True, rounds=10)
    assert list(found["levels"]) == ["low", "high"]
    assert found["protocol"]["degradation"] == "gaussian_noise"


@pytest.mark.parametrize(
    "protocol",
    [
        PixelProtocol("blurr"),
        PixelProtocol(levels={"far": 1.5}),
        PixelProtocol(levels={}),
        PixelProtocol(levels={"adaptive": 0.5}),
        PixelProtocol(type="sharpness"),
        PixelProtocol(geometry="round"),
    ],
)
def test_wrong_use_says_so(rated, encoder, protocol):
    with pytest.raises(UsageError):
        list(responses(rated.pictures, encoder, protocol))
