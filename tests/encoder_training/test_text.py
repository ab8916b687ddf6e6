"""The text tower's training on a corpus whose answers are known."""

import numpy as np
import pytest
import torch

from ddriqa.encoder_training import text
from ddriqa.encoder_training.sentences import RESPONSES, meaning_of_pair
from ddriqa.encoder_training.text import (
    content_target,
    corpus,
    known_pairs,
    tokenize,
    train_text,
    vocabulary_of,
)
from ddriqa.encoders.text_tower import TextTower
from ddriqa.metrics.clip_iqa import FIVE_PAIRS, PAIR
from ddriqa.metrics.ddr import MORE_PROMPTS
from ddriqa.metrics.prompts import published_pairs, read_pairs

CAPTIONS = ["A dog runs on grass.", "Two boats at sea ."]
CONCEPTS = ["tench", "airliner", "castle"]


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(text, "CORPUS", 300)
    return corpus(RESPONSES, list(published_pairs().values()), CAPTIONS, CONCEPTS, seed=0)


def test_corpus_ends_with_the_known_pairs(small):
    count = 2 * len(published_pairs()) + 2 * len(known_pairs())
    assert small.pinned == count
    assert len(small.texts) == len(small.responses) == len(small.subjects) == 300 + count
    blur = published_pairs()["blur"]
    row = small.texts.index(blur.degraded, 300)
    expected = meaning_of_pair("blur")[1]
    exact = [expected.get(name, 0.0) for name in RESPONSES]
    assert small.responses[row].tolist() == pytest.approx(exact, abs=1e-6)


def test_content_sentences_name_their_subjects_and_no_damage(small):
    plain = list(range(195, 300))
    assert not small.responses[plain].any()
    subjects = [*CAPTIONS, *CONCEPTS]
    for i in plain:
        for number in small.subjects[i].tolist():
            assert number == -1 or subjects[number] in small.texts[i]
    assert {1, 2, 3, 4} == {int((small.subjects[i] >= 0).sum()) for i in plain}
    assert {-1, 2, 3, 4} == set(small.subjects[plain].unique().tolist())
    assert any("an airliner" in sentence for sentence in small.texts)


def test_corpus_follows_from_the_seed(monkeypatch):
    monkeypatch.setattr(text, "CORPUS", 50)
    one, two, other = (corpus(RESPONSES, [], CAPTIONS, [], seed).texts for seed in (1, 1, 2))
    assert one == two != other


def test_no_drawn_sentence_is_a_known_prompt(monkeypatch):
    monkeypatch.setattr(text, "CORPUS", 3000)
    sentences = corpus(RESPONSES, list(published_pairs().values()), [], [], seed=0)
    plain = [sentence.lower().rstrip(".") for sentence in sentences.texts]
    assert not set(plain[:3000]) & set(plain[3000:])


def test_known_pairs_hold_those_of_the_metrics():
    known = {(table["clean"], table["degraded"]) for table in known_pairs().values()}
    for pair in (PAIR, *FIVE_PAIRS, *read_pairs(MORE_PROMPTS).values()):
        assert (pair.clean, pair.degraded) in known
    for table in known_pairs().values():
        assert set(table["means"]) <= set(RESPONSES)


def test_target_of_two_contents_lies_between_them():
    contents = torch.eye(3)
    subjects = torch.tensor([[0, -1], [1, 2], [-1, -1]])
    expected = torch.tensor([[1.0, 0, 0], [0, 0.5**0.5, 0.5**0.5], [0, 0, 0]])
    torch.testing.assert_close(content_target(subjects, contents), expected)
    assert content_target(subjects, torch.zeros(0, 3)).equal(torch.zeros(3, 3))


def trained(sentences, captions, pictures, concepts, steps):
    torch.manual_seed(0)
    tokens = tokenize([*sentences.texts, *captions])
    tower = TextTower(vocabulary_of(tokens), width=64, layers=1, heads=2, dim=len(RESPONSES) + 3)
    seen = []
    errors = train_text(
        *(tower, sentences, captions, pictures, concepts),
        steps=steps,
        seed=0,
        report=seen.append,
    )
    assert seen == list(range(1, steps + 1))
    return tower, errors


def test_learns_known_pairs_and_content(monkeypatch):
    monkeypatch.setattr(text, "CORPUS", 60)
    small = corpus(RESPONSES, list(published_pairs().values()), CAPTIONS, CONCEPTS, seed=0)
    pictures, concepts = torch.eye(3)[:2], torch.nn.functional.normalize(torch.rand(3, 3) - 0.5)
    tower, errors = trained(small, CAPTIONS, pictures, concepts, steps=300)
    silence = small.responses[-small.pinned :].square().mean().sqrt()
    assert errors["rms_error_of_known_pairs"] < 0.75 * silence
    with torch.no_grad():
        output = tower(tokenize(["a photo of a castle", *CAPTIONS]))
    assert output[:, : len(RESPONSES)].abs().max() < 0.5
    content = torch.nn.functional.normalize(output[:, len(RESPONSES) :], dim=-1)
    assert content[0] @ concepts[2] > 0.8
    assert ((content[1:] @ pictures.T).argmax(1) == torch.arange(2)).all()


def test_training_follows_from_the_seed_and_leaves_the_tower_frozen(small):
    arguments = (small, CAPTIONS, torch.eye(3)[:2], torch.eye(3))
    one, two = (trained(*arguments, steps=3)[0] for _ in range(2))
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert not a.requires_grad
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_captions_and_concepts_are_optional(monkeypatch):
    monkeypatch.setattr(text, "CORPUS", 60)
    sentences = corpus(RESPONSES, [], [], [], seed=0)
    nothing = torch.zeros(0, 3)
    _, errors = trained(sentences, [], nothing, nothing, steps=3)
    assert set(errors) == {"rms_error_of_responses", "rms_error_of_known_pairs"}
