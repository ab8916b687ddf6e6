"""The whole training at a small size: photographs in, a file that scores out."""

import csv

import numpy as np
import pytest
import torch
from PIL import Image

from ddriqa import Scorer, load_encoder
from ddriqa.encoder_training import train
from ddriqa.encoder_training.damage import Variant
from ddriqa.encoder_training.train import Recipe, train_encoder_file
from ddriqa.encoders.efficientnet import EfficientNetLite0
from ddriqa.errors import OutputError, UsageError

TINY = Recipe(
    view_side=32,
    content=2,
    dim=32,
    text_width=16,
    text_layers=1,
    text_heads=2,
    text_steps=3,
)


def random_tower():
    torch.manual_seed(0)
    return EfficientNetLite0().eval()


@pytest.fixture
def few_variants(monkeypatch):
    """A random tower and five variants a photograph: seconds instead of minutes."""
    variants = [Variant(()), *(Variant(((name, 0.7),)) for name in SOME)]
    monkeypatch.setattr(train, "imagenet_tower", random_tower)
    monkeypatch.setattr(
        "ddriqa.encoder_training.statistics.draw_variants", lambda photo, seed: variants
    )
    monkeypatch.setattr("ddriqa.encoder_training.text.CORPUS", 400)


SOME = ("gaussian_blur", "gaussian_noise", "jpeg", "overexpose", "underexpose", "haze") + (
    "desaturate",
    "oversaturate",
    "wb_warm",
    "wb_cool",
    "hue_rotate",
)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(4):
        coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((48, 48)).save(folder / f"{number}.png")
    return folder


def run(photos, output, tmp_path, **options):
    defaults = {"captions": None, "work": tmp_path / "work", "device": "auto", "seed": 0}
    train_encoder_file([str(photos)], output, **{**defaults, **options}, recipe=TINY)


def test_makes_an_encoder_that_scores(few_variants, photos, tmp_path):
    output = tmp_path / "mine.safetensors"
    stages = []
    run(photos, output, tmp_path, report=lambda stage, done, total: stages.append(stage))
    assert list(dict.fromkeys(stages)) == ["photographs", "read-outs", "text tower"]
    encoder = load_encoder(f"builtin:{output}")
    assert encoder.card.numbers["photographs"] == 4
    record = Scorer(encoder=encoder).score(photos / "0.png")
    assert 0 <= record.scores["ddr"] <= 1


def test_same_seed_same_weights_and_resumes(few_variants, photos, tmp_path):
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    run(photos, one, tmp_path)
    kept = sorted((tmp_path / "work").glob("*.npy"))
    assert len(kept) == 4
    kept[1].unlink()
    run(photos, two, tmp_path)
    assert one.read_bytes() == two.read_bytes()


def test_captions_give_words_to_content(few_variants, photos, tmp_path):
    (tmp_path / "images").mkdir()
    Image.new("RGB", (40, 40), "red").save(tmp_path / "images" / "a.png")
    captions = tmp_path / "captions.csv"
    with captions.open("w", newline="") as file:
        csv.writer(file).writerows([["image", "caption"], ["a.png", "A red square."]])
    output = tmp_path / "mine.safetensors"
    run(photos, output, tmp_path, captions=captions)
    assert load_encoder(f"builtin:{output}").card.numbers["captions"] == 1


def test_stored_prompts_equal_the_text_tower(few_variants, photos, tmp_path):
    output = tmp_path / "mine.safetensors"
    run(photos, output, tmp_path)
    encoder = load_encoder(f"builtin:{output}")
    prompts = list(encoder.prompt_features)
    assert len(prompts) == 10
    torch.testing.assert_close(
        encoder.encode_text(prompts), encoder.text_features(prompts), atol=1e-5, rtol=0
    )


def test_problems_are_said_before_anything_starts(photos, tmp_path):
    output = tmp_path / "mine.safetensors"
    output.touch()
    with pytest.raises(OutputError, match="force"):
        run(photos, output, tmp_path)
    output.unlink()
    for photo in list(photos.iterdir())[1:]:
        photo.unlink()
    with pytest.raises(UsageError, match="only 1"):
        run(photos, output, tmp_path)
    bad = tmp_path / "captions.csv"
    bad.write_text("picture,words\na.png,hello\n")
    with pytest.raises(UsageError, match="image"):
        train.read_captions(bad)
