"""Sentences mean what their words say."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from ddriqa.encoder_training.sentences import (
    PAIR_QUALITY,
    PUBLISHED,
    RESPONSES,
    UNDIRECTED,
    add,
    article,
    aspects,
    expressions,
    held_out,
    meaning_of_pair,
    meaning_of_type,
    random_sentence,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

UNSEEN = Path(__file__).parents[2] / "benchmarks" / "prompts_unseen.toml"


def drawn(count, seed=0, subjects=()):
    rng = np.random.default_rng(seed)
    return [random_sentence(rng, subjects) for _ in range(count)]


def american(sentence):
    """The sentence with the spelling of the word lists."""
    for british, spelt in (("colour", "color"), ("grey", "gray"), ("artefact", "artifact")):
        sentence = sentence.replace(british, spelt)
    return sentence.replace("ised", "ized").replace("out-of-focus", "out of focus")


def test_words_are_many_and_none_means_two_things():
    words = [(e.words, e.form) for e in expressions()]
    assert len(words) > 500
    assert len(set(words)) == len(words)


def test_every_meaning_names_responses_and_has_length_one():
    for expression in expressions():
        assert set(expression.meaning) <= set(RESPONSES), expression
        length = sum(weight**2 for weight in expression.meaning.values())
        assert length == pytest.approx(1.0), expression


def test_every_response_has_words_for_both_sides():
    for name in RESPONSES:
        signs = {e.meaning[name] > 0 for e in expressions() if name in e.meaning}
        assert signs == {True, False}, name


def test_words_for_a_kind_of_damage_leave_quality_alone():
    for expression in expressions():
        assert ("quality" in expression.meaning) == (expression.group == "quality"), expression


def test_every_sentence_holds_words_for_each_response_it_means():
    for sentence, meaning, _ in drawn(500):
        for name, amount in meaning.items():
            said = [e.words for e in expressions() if name in e.meaning]
            said += [aspect for aspect, means in aspects().items() if name in means]
            text = american(sentence)
            known = any(w.removeprefix("a ") in text for w in said) or "quality" in text
            assert known or not amount, (sentence, meaning)


@pytest.fixture(scope="module")
def many():
    return drawn(30000, seed=1)


BLURS = "(motion blur|camera shake|blur|softness|defocus|lens blur|fuzzy edges|missed focus)"
FOCUS = r"\b(focus|sharpness|detail)( of the \w+| in this \w+)? (is|looks)"
EDGES = "(sharp edges|crisp edges|fine detail|crisp detail|sharp focus|good focus|fine texture)"


@pytest.mark.parametrize(
    ("pattern", "response", "sign"),
    [
        (r"\b(is|looks) (blurry|blurred|soft|fuzzy|out of focus)\b", "blur", 1),
        (r"\bnot (at all )?(blurry|blurred|soft|fuzzy|out of focus)\b", "blur", -1),
        (rf"\bwith {BLURS}\b", "blur", 1),
        (rf"\b(ruined by|suffers from|spoilt by) {BLURS}\b", "blur", 1),
        (rf"\bfree (of|from) {BLURS}\b", "blur", -1),
        (rf"\bwithout (any )?{BLURS}\b", "blur", -1),
        (rf"\bno {BLURS}\b", "blur", -1),
        (rf"\bwith {EDGES}\b", "blur", -1),
        (rf"\b(without|lacking) (any )?{EDGES}\b", "blur", 1),
        (rf"{FOCUS} (wrong|bad|poor|terrible|faulty|awful)", "blur", 1),
        (rf"{FOCUS} not (wrong|bad|poor|terrible|faulty|awful)", "blur", -1),
        (rf"{FOCUS} (right|good|fine|perfect)", "blur", -1),
        (r"\b(is|looks) (too dark|dim|underexposed|murky|gloomy)\b", "underexposure", 1),
        (r"\b(is|looks) (too bright|overexposed|blown out|bleached)\b", "overexposure", 1),
    ],
)
def test_grammar_turns_the_sign(many, pattern, response, sign):
    found = [(s, m) for s, m, _ in many if re.search(pattern, s) and {*m} <= {response, "quality"}]
    assert found
    for sentence, meaning in found:
        assert meaning[response] * sign > 0, (sentence, meaning)


def test_both_spellings_are_drawn():
    sentences = " ".join(s for s, _, _ in drawn(2000))
    for word in ("color", "colour", "artifact", "artefact"):
        assert word in sentences


def test_subjects_are_named():
    subjects = ["A dog on a sofa.", "Two boats ."]
    named = drawn(300, seed=2, subjects=subjects)
    for sentence, _, subject in named:
        if subject is not None:
            assert subjects[subject].rstrip(" .") in sentence
    assert {s for _, _, s in named} == {None, 0, 1}


def test_held_out_words_are_never_drawn():
    for sentence, _, _ in drawn(5000, seed=3):
        assert not any(words in sentence.lower() for words in held_out()), sentence


def test_every_unseen_prompt_of_the_benchmark_is_held_out():
    pairs = tomllib.loads(UNSEEN.read_text(encoding="utf-8"))
    prompts = [pair[side] for pair in pairs.values() for side in ("clean", "degraded")]
    assert {"an out of focus picture", "a crisp picture"} <= set(prompts)
    for prompt in prompts:
        assert any(words in prompt.lower() for words in held_out()), prompt
    for kind in ("blur", "noise", "exposure", "color", "haze", "compression"):
        assert sum(name.startswith(f"{kind}_") for name in pairs) >= 3, kind


def test_articles():
    for following in ("image", "out of focus photo", "unsharp photo", "ISO noise", "overexposed"):
        assert article(following) == "an", following
    for following in ("photo", "blurry image", "usable photo", "useless image", "unicycle"):
        assert article(following) == "a", following


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_pair_says_quality_and_that_its_type_stands_out(name):
    clean, degraded = meaning_of_pair(name)
    assert clean == {response: -weight for response, weight in degraded.items()}
    assert degraded["quality"] == PAIR_QUALITY
    own = [degraded[response] for response in UNDIRECTED.get(name, (name,))]
    assert len(set(own)) == 1
    assert own[0] > 0.4 > 0 > max(w for w in degraded.values() if w not in {*own, PAIR_QUALITY})


def test_the_mean_of_the_published_types_is_quality_alone():
    total: dict[str, float] = {}
    for name in PUBLISHED:
        total = add(total, meaning_of_pair(name)[1])
    assert total.pop("quality") == pytest.approx(len(PUBLISHED) * PAIR_QUALITY)
    assert list(total.values()) == pytest.approx([0.0] * len(total), abs=1e-12)
    assert meaning_of_pair("content")[1] == {"quality": PAIR_QUALITY}


def test_a_type_without_direction_means_all_of_its_responses():
    for name, responses in UNDIRECTED.items():
        meaning = meaning_of_type(name)
        assert set(meaning) == set(responses)
        assert np.linalg.norm(list(meaning.values())) == pytest.approx(1.0)
