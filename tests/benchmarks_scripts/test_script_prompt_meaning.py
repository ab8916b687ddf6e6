"""What prompt_meaning.py holds as unseen, and what it counts."""

import csv

import numpy as np
import prompt_meaning
import pytest
import torch
from PIL import Image

from ddriqa import Scorer, load_encoder
from ddriqa.encoder_training.sentences import held_out


def test_every_unseen_prompt_holds_held_out_words_and_known_damage():
    pairs = prompt_meaning.unseen_pairs()
    assert len(pairs) >= 13  # the pair and three of each type at least
    for pair in pairs.values():
        assert set(pair["damage"]) <= set(prompt_meaning.DAMAGES)


def test_a_prompt_that_training_may_hold_stops_the_run(tmp_path, monkeypatch):
    file = tmp_path / "pairs.toml"
    words = held_out()[0]
    file.write_text(
        f'[one]\nclean = "a photo {words}"\ndegraded = "a blurry photo"\ndamage = ["jpeg"]\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(prompt_meaning, "UNSEEN", file)
    with pytest.raises(ValueError, match="'a blurry photo' holds no held-out words"):
        prompt_meaning.unseen_pairs()


def test_there_are_twenty_pairs_about_content():
    pairs = prompt_meaning.content_pairs()
    assert len(pairs) == len(set(pairs.values())) == 20


@pytest.mark.parametrize(
    ("worse", "better", "expected"),
    [([0, 1], [2, 3], 1), ([2, 3], [0, 1], 0), ([1], [1], 0.5), ([0, 2], [1], 0.5)],
)
def test_auc(worse, better, expected):
    assert prompt_meaning.auc(np.array(worse), np.array(better)) == expected


def test_a_pair_is_judged_on_its_own_damage():
    clean = np.array([3.0, 4.0])
    damaged = np.full((2, len(prompt_meaning.DAMAGES)), 9.0)
    damaged[:, prompt_meaning.DAMAGES.index("jpeg")] = 1
    pair = {"clean": "a", "degraded": "b", "damage": ["jpeg", "webp"]}
    found = prompt_meaning.of_unseen(pair, clean, damaged)
    assert found["by_damage"] == {"jpeg": 1, "webp": 0}
    assert found["auc"] == 0.5


def test_content_is_judged_by_the_size_of_the_rank_correlation():
    shape = (3, len(prompt_meaning.DAMAGES), len(prompt_meaning.LEVELS))
    falls = -np.broadcast_to(prompt_meaning.LEVELS, shape).copy()
    clean = np.array([0.1, 0.2, 0.3])
    assert prompt_meaning.of_content(clean, falls)["together"] > 0.99
    assert prompt_meaning.of_content(clean, falls)["mean_of_kinds"] > 0.9
    same = prompt_meaning.of_content(np.zeros(3), np.zeros(shape))
    assert same == {"together": 0.0, "mean_of_kinds": 0.0, "silent": 1.0}


def test_responses_of_a_photograph(photograph, monkeypatch):
    monkeypatch.setattr(prompt_meaning, "DAMAGES", ("gaussian_blur", "jpeg"))
    scorer = Scorer(encoder="toy", prompts={"a": ("sharp", "blurry"), "b": ("good", "bad")})
    clean, damaged = prompt_meaning.responses(scorer, [photograph])
    assert clean.shape == (1, 2)
    assert damaged.shape == (1, 2, len(prompt_meaning.LEVELS), 2)
    alone = scorer.score([photograph])[0].scores
    np.testing.assert_allclose(clean[0], [alone["ddr_a"], alone["ddr_b"]], rtol=1e-6)


def test_recall_counts_captions_nearest_to_their_own_picture(tmp_path, monkeypatch):
    """Two pictures, the captions' features being those of the pictures; one is swapped."""
    encoder = load_encoder("toy")
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for name in ("a.png", "b.png", "trained.png"):
        coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((64, 64)).save(tmp_path / "images" / name)
    licences = [("a.png", "none"), ("b.png", "none"), ("trained.png", min(prompt_meaning.KEPT))]
    captions = [("a.png", "a.png"), ("b.png", "b.png"), ("b.png", "a.png"), ("trained.png", "x")]
    for file, heads, rows in (
        ("index.csv", ("image", "licence"), licences),
        ("captions.csv", ("image", "caption"), captions),
    ):
        with (tmp_path / file).open("w", newline="") as stream:
            csv.writer(stream).writerows([heads, *rows])

    def features_of_picture(texts):
        pixels = np.array(Image.open(tmp_path / "images" / texts[0]))
        return encoder.encode_image(encoder.view_for()(pixels).float() / 255).mean(0, keepdim=True)

    monkeypatch.setattr(encoder, "encode_text", features_of_picture)
    with torch.inference_mode():
        found = prompt_meaning.caption_recall(encoder, tmp_path)
    assert found == {
        "pictures": 2,
        "captions": 3,
        "recall_at_1": 0.6667,
        "chance": 0.5,
        "times_chance": 1.33,
    }
