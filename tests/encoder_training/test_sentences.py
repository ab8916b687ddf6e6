"""Sentences mean what their words say."""

import numpy as np

from ddriqa.encoder_training.sentences import (
    ADJECTIVES,
    QUALITY,
    meaning_of_pair,
    random_sentence,
)
from ddriqa.metrics.prompts import published_pairs


def test_every_sentence_holds_the_words_of_its_meaning():
    rng = np.random.default_rng(0)
    for _ in range(500):
        sentence, meaning, _ = random_sentence(rng)
        for name, amount in meaning.items():
            if name == "quality" or amount == 0:
                continue
            bad, good = ADJECTIVES[name]
            assert any(word in sentence for word in (*bad, *good)), (sentence, meaning)


def test_not_turns_the_meaning_around():
    rng = np.random.default_rng(1)
    seen = 0
    for _ in range(3000):
        sentence, meaning, _ = random_sentence(rng)
        if "not blurry" in sentence:
            assert meaning["blur"] < 0
            seen += 1
    assert seen


def test_subjects_are_named():
    rng = np.random.default_rng(2)
    subjects = ["A dog on a sofa.", "Two boats ."]
    named = [random_sentence(rng, subjects) for _ in range(300)]
    for sentence, _, subject in named:
        if subject is not None:
            assert subjects[subject].rstrip(" .") in sentence
    assert {s for _, _, s in named} == {None, 0, 1}


def test_published_pairs_point_to_damage():
    for name in published_pairs():
        clean, degraded = meaning_of_pair(name)
        assert all(degraded[key] > 0 > clean[key] for key in degraded)
    assert meaning_of_pair("blur")[1] == {"blur": 1.0, "quality": QUALITY}
