"""The shipped encoder: what it is, what it reads, and that it knows damage when it sees it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ddriqa import Scorer, ddr, load_encoder
from ddriqa.degradations import degrade
from ddriqa.encoder_training.sentences import UNDIRECTED
from ddriqa.encoders import builtin
from ddriqa.encoders.builtin import zero_mean_basis
from ddriqa.encoders.tone import soft_histogram, tone_statistics
from ddriqa.errors import UsageError, WeightsError
from ddriqa.metrics.ddr import directions
from ddriqa.metrics.prompts import select_pairs

PHOTOS = Path(__file__).parent.parent / "photos"
PAIRS = {  # damaged copy -> its clean photograph, and the kind of damage
    "colosseum_noisy": ("colosseum", "noise"),
    "lake_blurred": ("lake", "blur"),
    "osprey_out_of_focus": ("osprey", "blur"),
    "otters_compressed": ("otters", "blur"),
    "tea_gardens_dark": ("tea_gardens", "exposure"),
}


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("builtin")


@pytest.fixture(scope="module")
def scores():
    records = Scorer().score(sorted(PHOTOS.glob("*.jpg")))
    return {Path(record.path).stem: record.scores for record in records}


def test_fits_in_the_wheel():
    files = builtin.WEIGHTS.parent.glob("*.safetensors")
    assert sum(file.stat().st_size for file in files) < 30e6


@pytest.mark.parametrize("damaged", PAIRS)
def test_damaged_copies_score_lower(scores, damaged):
    clean, kind = PAIRS[damaged]
    assert scores[damaged]["ddr"] < scores[clean]["ddr"]
    assert scores[damaged][f"ddr_{kind}"] < scores[clean][f"ddr_{kind}"]


@pytest.mark.parametrize("name", ["gaussian_blur", "gaussian_noise", "jpeg", "underexpose"])
def test_scores_fall_along_ladders(name):
    clean = np.asarray(Image.open(PHOTOS / "otters.jpg").convert("RGB"))
    ladder = [degrade(clean, name, level, seed=0) for level in (0.0, 0.4, 0.7, 1.0)]
    values = [record.scores["ddr"] for record in Scorer().score(ladder)]
    assert values == sorted(values, reverse=True)


def test_stored_prompts_equal_the_text_tower(encoder):
    prompts = list(encoder.prompt_features)
    torch.testing.assert_close(
        encoder.encode_text(prompts), encoder.text_features(prompts), atol=1e-5, rtol=0
    )


def test_published_directions_mean_their_damage(encoder):
    """Along each direction, quality counts, and beside it the type's own responses alone."""
    names = list(encoder.settings["responses"])
    pairs = select_pairs()
    coordinates = directions(encoder, pairs) @ encoder.basis
    for pair, row in zip(pairs, coordinates, strict=True):
        amounts = dict(zip(names, row.tolist(), strict=False))
        assert amounts.pop("quality") > 1
        own = set(UNDIRECTED.get(pair.name, (pair.name,)))
        largest = sorted(amounts, key=lambda name: -amounts[name])
        assert set(largest[: len(own)]) == own
        assert all(amounts[name] < 0.1 for name in amounts.keys() - own)


def test_the_first_version_still_gives_its_scores():
    """As it shipped; the photographs' scores are those of README at that time."""
    first = {"colosseum": 0.401, "osprey": 0.387, "lake": 0.409, "lake_blurred": 0.284}
    scorer = Scorer(encoder="builtin@1")
    assert scorer.describe()["encoder"]["fingerprint"].startswith("builtin:c16971dc972d")
    for name, ddr_then in first.items():
        record = scorer.score(PHOTOS / f"{name}.jpg")
        assert record.scores["ddr"] == pytest.approx(ddr_then, abs=6e-4)


def test_the_fast_point_agrees_with_the_default(scores):
    scorer = Scorer(encoder="builtin-fast")
    for damaged, (clean, _) in PAIRS.items():
        one, other = (scorer.score(PHOTOS / f"{n}.jpg").scores["ddr"] for n in (damaged, clean))
        assert one < other
    assert scorer.describe()["encoder"]["fingerprint"].startswith("builtin-fast:")


def test_a_users_own_words_find_their_damage(encoder):
    clean = np.asarray(Image.open(PHOTOS / "osprey.jpg").convert("RGB"))
    blurred = degrade(clean, "gaussian_blur", 0.8, seed=0)
    own = {"soft": ("A crisp picture.", "A very blurry picture.")}
    records = Scorer(prompts=own).score([clean, blurred])
    assert records[0].scores["ddr_soft"] > records[1].scores["ddr_soft"]


def test_gradient_reaches_the_pixels(encoder):
    pixels = torch.rand(1, 3, 64, 96, requires_grad=True)
    ddr(encoder.encode_image(pixels), directions(encoder, select_pairs())).mean().backward()
    assert torch.isfinite(pixels.grad).all()
    assert pixels.grad.abs().sum() > 0


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_flat_pictures_have_finite_gradients(encoder, value):
    pixels = torch.full((1, 3, 64, 64), value, requires_grad=True)
    encoder.encode_image(pixels).sum().backward()
    assert torch.isfinite(pixels.grad).all()


def test_basis_is_orthonormal_and_has_mean_zero():
    basis = zero_mean_basis(128, 71).double()
    torch.testing.assert_close(
        basis.T @ basis, torch.eye(71, dtype=torch.float64), atol=1e-5, rtol=0
    )
    assert basis.mean(0).abs().max() < 1e-6


def test_histograms_are_shares():
    values = torch.rand(3, 500)
    shares = soft_histogram(values)
    torch.testing.assert_close(shares.sum(-1), torch.ones(3))
    centres = torch.linspace(0, 1, 16)
    torch.testing.assert_close((shares * centres).sum(-1), values.mean(-1))
    grey = tone_statistics(torch.full((1, 3, 8, 8), 0.5))
    assert grey[0, 32] == pytest.approx(1, abs=1e-4)  # all in the first bin


def test_damaged_file_says_so(tmp_path):
    file = tmp_path / "weights.safetensors"
    with pytest.raises(UsageError, match="no such file"):
        builtin.load(file)
    file.write_bytes(b"not weights")
    with pytest.raises(WeightsError, match="not an encoder"):
        builtin.load(file)


def test_scoring_imports_nothing_heavy():
    code = (
        "import sys; from ddriqa import Scorer; Scorer().score(sys.argv[1]); "
        "print([m for m in ('open_clip', 'torchvision', 'timm', 'scipy', 'pandas') "
        "if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(PHOTOS / "lake.jpg")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_first_version_has_no_fast_point_and_says_so():
    with pytest.raises(WeightsError, match="no fast operating point"):
        builtin.load_fast(builtin.WEIGHTS.with_name("builtin@1.safetensors"))
