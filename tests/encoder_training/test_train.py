"""The whole training at a small size: photographs in, a file that scores out."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ddriqa import Scorer, degradations, load_encoder
from ddriqa.encoder_training import statistics, train
from ddriqa.encoder_training.damage import Variant
from ddriqa.encoder_training.train import Recipe, train_encoder_file
from ddriqa.encoders.efficientnet import EfficientNetLite0
from ddriqa.errors import OutputError, UsageError
from ddriqa.metrics.prompts import select_pairs

TINY = Recipe(
    view_side=64,
    fast_side=32,
    content=2,
    dim=32,
    text_width=16,
    text_layers=1,
    text_heads=2,
    text_steps=3,
)


def random_tower(weights):
    torch.manual_seed(0)
    return EfficientNetLite0().eval()


@pytest.fixture
def few_variants(monkeypatch):
    """A random tower and few variants a photograph: seconds instead of minutes.

    Twelve, and one more of a photograph that teaches quality.
    """
    variants = [Variant(()), *(Variant(((name, 0.7),)) for name in SOME)]
    classes = {train.CLASSIFIER: torch.randn(1000, 1280, generator=torch.manual_seed(0))}
    monkeypatch.setattr(train, "imagenet_weights", lambda: classes)
    monkeypatch.setattr(train, "from_published", random_tower)
    monkeypatch.setattr("ddriqa.encoder_training.statistics.draw_variants", lambda rng: variants)
    detail = [Variant((("gaussian_blur", 0.3),))]
    monkeypatch.setattr("ddriqa.encoder_training.statistics.draw_detail", lambda rng: detail)
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
    assert list(dict.fromkeys(stages)) == [
        *("checking pictures", "photographs", "read-outs", "text tower")
    ]
    encoder = load_encoder(f"builtin:{output}")
    assert encoder.card.numbers["photographs"] == 4
    fast = load_encoder(f"builtin-fast:{output}")
    assert (encoder.view.side, fast.view.side) == (64, 32)
    assert (encoder.card.name, fast.card.name) == ("builtin", "builtin-fast")
    assert torch.equal(encoder.tower.stem.weight, fast.tower.stem.weight)
    for point in (encoder, fast):
        record = Scorer(encoder=point).score(photos / "0.png")
        assert 0 <= record.scores["ddr"] <= 1


def test_same_seed_same_weights_and_resumes(few_variants, photos, tmp_path):
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    run(photos, one, tmp_path)
    kept = sorted((tmp_path / "work").glob("*.npy"))
    assert len(kept) == 4
    kept[1].unlink()
    run(photos, two, tmp_path)
    assert one.read_bytes() == two.read_bytes()


def test_photographs_can_be_added(few_variants, photos, tmp_path):
    """What was computed for a photograph is kept when others come before it."""
    run(photos, tmp_path / "one.safetensors", tmp_path)
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "work").glob("*.npy")}
    Image.new("RGB", (48, 48), "teal").save(photos / "00.png")
    run(photos, tmp_path / "two.safetensors", tmp_path)
    after = {file: file.stat().st_mtime_ns for file in (tmp_path / "work").glob("*.npy")}
    assert len(after) == len(before) + 1
    assert before.items() <= after.items()


def test_another_code_of_damage_computes_anew(few_variants, photos, tmp_path, monkeypatch):
    run(photos, tmp_path / "one.safetensors", tmp_path)
    folder = tmp_path / "degradations"
    shutil.copytree(Path(degradations.__file__).parent, folder)
    with (folder / "blur.py").open("a") as file:
        file.write("# changed")
    monkeypatch.setattr(degradations, "__file__", str(folder / "__init__.py"))
    monkeypatch.setattr(statistics, "_code", statistics._code.__wrapped__)
    run(photos, tmp_path / "two.safetensors", tmp_path)
    assert len(list((tmp_path / "work").glob("*.npy"))) == 8


def test_more_photographs_join(few_variants, photos, tmp_path):
    extra = tmp_path / "extra"
    extra.mkdir()
    Image.new("RGB", (48, 48), "olive").save(extra / "a.png")
    output = tmp_path / "mine.safetensors"
    run(photos, output, tmp_path, more=[str(extra)])
    numbers = load_encoder(f"builtin:{output}").card.numbers
    assert (numbers["photographs"], numbers["variants"]) == (5, 4 * 13 + 12)


def test_more_photographs_are_not_the_measure(few_variants, photos, tmp_path):
    extra = tmp_path / "extra"
    extra.mkdir()
    Image.new("RGB", (48, 48), "olive").save(extra / "a.png")
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    run(photos, one, tmp_path)
    run(photos, two, tmp_path, more=[str(extra)])
    for point in ("builtin", "builtin-fast"):
        alone, joined = (load_encoder(f"{point}:{file}") for file in (one, two))
        assert torch.equal(alone.statistics_mean, joined.statistics_mean)
        assert torch.equal(alone.statistics_scale, joined.statistics_scale)
        assert not torch.equal(alone.facets.weight, joined.facets.weight)


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
    assert len(prompts) == 12
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


def test_learned_tokens_change_the_published_prompts_alone(
    few_variants, photos, tmp_path, monkeypatch
):
    monkeypatch.setattr("ddriqa.encoder_training.prompt_tokens.STEPS", 3)
    files = [tmp_path / "plain.safetensors", tmp_path / "learned.safetensors"]
    for count, file in zip((0, 2), files, strict=True):
        run(photos, file, tmp_path, prompt_tokens=count)
    plain, learned = (load_encoder(f"builtin:{file}") for file in files)
    assert learned.card.numbers["prompt_tokens"] == 2
    for text, features in plain.prompt_features.items():
        of_type = any(text in (pair.clean, pair.degraded) for pair in select_pairs())
        assert torch.equal(features, learned.prompt_features[text]) != of_type
    fast = load_encoder(f"builtin-fast:{files[1]}")
    assert torch.equal(fast.text_features(["Good photo."]), plain.text_features(["Good photo."]))
