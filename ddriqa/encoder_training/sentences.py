"""Sentences about damage and what they should mean: a coordinate for each response.

Positive is damaged. A sentence is a list of expressions put into a frame; its meaning is the sum of
what they say, so that "A blurry photo with low-quality." means blur and low quality. Words for a
kind of damage say nothing about quality, and words of quality nothing about a kind.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

Meaning = dict[str, float]
Choice = TypeVar("Choice")

RESPONSES = (
    *("quality", "blur", "noise", "compression", "overexposure", "underexposure", "haze"),
    *("cast", "oversaturation", "desaturation"),
)
"""What the encoder responds to, in the order of its embedding; higher is more damaged."""

QUALITY = 1.5
"""Weight of "with low-quality" beside a kind of damage, which counts 1."""

PAIR_QUALITY = 0.5
"""Weight of quality in the published pairs; see ``meaning_of_pair``."""

PUBLISHED = ("color", "noise", "blur", "exposure")
"""The types whose mean is DDR; a fifth, ``content``, is about quality alone."""

UNDIRECTED = {
    "exposure": ("overexposure", "underexposure"),
    "color": ("cast", "oversaturation", "desaturation"),
}
"""Published types that don't say which way: they mean all of these responses."""

TAILS = {
    " with low-quality": 1.0,
    " with high-quality": -1.0,
    " of low quality": 1.0,
    " of high quality": -1.0,
    " with bad quality": 1.0,
    " with good quality": -1.0,
    " of poor quality": 1.0,
    " of excellent quality": -1.0,
}
"""Quality said beside something else, in units of ``QUALITY``."""

DEGREES = {
    "very ": 1.3,
    "really ": 1.3,
    "extremely ": 1.6,
    "terribly ": 1.6,
    "quite ": 1.0,
    "rather ": 0.9,
    "somewhat ": 0.6,
    "slightly ": 0.5,
    "a bit ": 0.5,
    "a little ": 0.5,
    "hardly ": -0.5,
    "not very ": -0.5,
    "not ": -0.7,
    "not at all ": -1.0,
}
DAMAGED_DEGREES = {"badly ": 1.4, "heavily ": 1.4, "horribly ": 1.5, "seriously ": 1.4}
INTACT_DEGREES = {"perfectly ": 1.4, "beautifully ": 1.3, "wonderfully ": 1.4, "nicely ": 1.1}
"""Degrees that go with one side only."""
AMOUNTS = {
    "strong ": 1.4,
    "heavy ": 1.4,
    "severe ": 1.5,
    "a lot of ": 1.4,
    "visible ": 1.0,
    "some ": 0.7,
    "slight ": 0.5,
    "mild ": 0.5,
    "a little ": 0.5,
    "no ": -1.0,
}
NOUNS = ("photo", "photograph", "image", "picture", "snapshot", "shot")
WORD_FRAMES = (
    *("{a} {words} {noun}{tail}", "{words} {noun}{tail}", "the {words} {noun}{tail}"),
    *("this is {a} {words} {noun}{tail}", "{a} {noun} that is {words}{tail}"),
)
STATE_FRAMES = (
    *("the {noun} is {words}{tail}", "this {noun} looks {words}{tail}", "it is {words}"),
    *("{a} {noun} that is {words}{tail}", "{a} {noun} that looks {words}", "{words}{tail}"),
    *("everything is {words}", "everything in the {noun} looks {words}", "{a} {noun}, {words}"),
)
THING_FRAMES = (
    *("{a} {noun} with {words}", "{noun} with {words}", "{words}", "{words} in the {noun}"),
    *("there is {words} in this {noun}", "the {noun} has {words}", "this {noun} shows {words}"),
    *("everything has {words}", "{a} {noun} full of {words}", "{words} everywhere"),
)
DAMAGE_FRAMES = (
    *("{a} {noun} that suffers from {words}", "{a} {noun} ruined by {words}"),
    *("{a} {noun} degraded by {words}", "the {noun} is spoilt by {words}"),
    *("{words} all over the {noun}", "{a} {noun} covered in {words}"),
)
ABSENCE_FRAMES = (
    *("{a} {noun} without {words}", "{a} {noun} without any {words}", "{a} {noun} free of {words}"),
    *("the {noun} is free from {words}", "not a trace of {words}", "{a} {noun} lacking {words}"),
    *("{a} {noun} without a trace of {words}", "{a} {noun} without {words} anywhere"),
)
"""What these say is the opposite of their words."""
ASPECT_FRAMES = (
    *("the {aspect} {verb} {words}", "the {aspect} in this {noun} {verb} {words}"),
    *("{aspect}: {words}", "the {aspect} of the {noun} {verb} {words}"),
    *("in this {noun} the {aspect} {verb} {words}", "this {noun}'s {aspect} {verb} {words}"),
    "{a} {noun} whose {aspect} {verb} {words}",
)
SUBJECT_FRAMES = (
    *("{a} {words} {noun} of {subject}", "{subject}, {words}{tail}"),
    *("{a} {noun} of {subject}, {words}{tail}", "{words} {noun} of {subject}"),
)
KINDS = ("word", "word", "word", "state", "state", "thing", "thing", "thing", "aspect")
FRAMES = {"word": WORD_FRAMES, "state": STATE_FRAMES, "subject": SUBJECT_FRAMES}
SPELLINGS = (
    *(("color", "colour"), ("gray", "grey"), ("artifact", "artefact"), ("ized", "ised")),
    *(("out of focus", "out-of-focus"), ("discolored", "discoloured")),
)


@dataclass(frozen=True)
class Expression:
    """Words and their meaning; ``damaged`` is the side of their group, ``form`` their grammar."""

    words: str
    meaning: Mapping[str, float]
    group: str
    damaged: bool
    form: str  # word, state or thing


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))


@cache
def expressions() -> tuple[Expression, ...]:
    """All expressions of ``words.toml``; each meaning has unit length."""
    found = []
    for group, table in _file()["words"].items():
        means = unit(table["means"])
        for damaged, side in ((True, "damaged"), (False, "intact")):
            meaning = means if damaged else opposite(means)
            for form, suffix in (("word", ""), ("state", "_states"), ("thing", "_things")):
                words = table.get(side + suffix, ())
                found += [Expression(w, meaning, group, damaged, form) for w in words]
    return tuple(found)


@cache
def held_out() -> tuple[str, ...]:
    """Word combinations, in small letters, that no training sentence holds."""
    return tuple(_file()["held_out"])


@cache
def aspects() -> dict[str, Meaning]:
    """What can be judged, and what its damaged side means, of unit length."""
    return {name: unit(means) for name, means in _file()["aspects"].items()}


def unit(meaning: Mapping[str, float]) -> Meaning:
    """The meaning scaled to length 1."""
    length = sum(weight**2 for weight in meaning.values()) ** 0.5
    return {name: weight / length for name, weight in meaning.items()}


def opposite(meaning: Mapping[str, float]) -> Meaning:
    """The meaning with all signs turned."""
    return {name: -weight for name, weight in meaning.items()}


def random_sentence(
    rng: np.random.Generator, subjects: Sequence[str] = ()
) -> tuple[str, Meaning, int | None]:
    """A sentence, its meaning, and the index of the subject it names, if any.

    A sentence with a held-out word combination is drawn again.
    """
    while True:
        sentence, meaning, subject = _draw(rng, subjects)
        if not any(words in sentence.lower() for words in held_out()):
            return sentence, meaning, subject


def _draw(rng: np.random.Generator, subjects: Sequence[str]) -> tuple[str, Meaning, int | None]:
    subject = int(rng.integers(len(subjects))) if len(subjects) and rng.random() < 0.25 else None
    kind = "subject" if subject is not None else _one(rng, KINDS)
    parts = {"subject": "" if subject is None else subjects[subject].rstrip(" .")}
    if kind == "thing":
        frame, parts["words"], meaning = _thing(rng)
    elif kind == "aspect":
        frame, (parts["aspect"], parts["verb"], parts["words"], meaning) = (
            _one(rng, ASPECT_FRAMES),
            _judged(rng),
        )
    else:
        parts["words"], meaning = _adjectives(rng, kind == "state")
        frame = _one(rng, FRAMES[kind])
    parts["tail"] = ""
    if "{tail}" in frame and rng.random() < 0.4:
        parts["tail"] = _one(rng, tuple(TAILS))
        meaning = add(meaning, {"quality": QUALITY * TAILS[parts["tail"]]})
    sentence = _filled(frame, {**parts, "noun": _one(rng, NOUNS)})
    return _spelt(rng, sentence) + ("." if rng.random() < 0.5 else ""), meaning, subject


def _judged(rng: np.random.Generator) -> tuple[str, str, str, Meaning]:
    """An aspect, its verb, a judgement of it, and what they say together."""
    aspect = _one(rng, tuple(aspects()))
    damaged = rng.random() < 0.5
    judgement = _one(rng, _file()["judgements"]["damaged" if damaged else "intact"])
    verb = _one(rng, ("are", "look") if aspect.endswith("s") else ("is", "looks"))
    means = aspects()[aspect]
    degree = _one(rng, ("", "", "", "not "))
    turned = damaged == (degree == "not ")
    return aspect, verb, degree + judgement, opposite(means) if turned else means


def _adjectives(rng: np.random.Generator, state: bool) -> tuple[str, Meaning]:
    """One expression with a degree, or two of different groups joined; rarely none."""
    count = _one(rng, (0, 1, 1, 1, 1, 1, 2, 2))
    if count == 0:
        return "real", {}
    parts: list[str] = []
    meaning: Meaning = {}
    groups: set[str] = set()
    while len(parts) < count:
        chosen = _expression(rng, ("word", "state") if state else ("word",))
        if chosen.group in groups:
            continue
        groups.add(chosen.group)
        degree, weight = _degree(rng, chosen.damaged)
        parts.append(degree + chosen.words)
        meaning = add(meaning, {name: weight * w for name, w in chosen.meaning.items()})
    return _one(rng, (" and ", ", ")).join(parts), meaning


def _degree(rng: np.random.Generator, damaged: bool) -> tuple[str, float]:
    """An adverb, most often none, and its weight."""
    if rng.random() < 0.6:
        return "", 1.0
    own = DAMAGED_DEGREES if damaged else INTACT_DEGREES
    degrees = own if rng.random() < 0.3 else DEGREES
    degree = _one(rng, tuple(degrees))
    return degree, degrees[degree]


def _thing(rng: np.random.Generator) -> tuple[str, str, Meaning]:
    """A frame, an expression after "with" or "without", and what both say."""
    chosen = _expression(rng, ("thing",))
    words, weight = chosen.words, 1.0
    if chosen.damaged and rng.random() < 0.35:
        amount = _one(rng, tuple(AMOUNTS))
        words, weight = amount + words.removeprefix("a "), AMOUNTS[amount]
    plain = weight > 0
    kind = rng.random()
    if plain and kind < 0.25:
        frame, weight = _one(rng, ABSENCE_FRAMES), -1.0
        words = chosen.words
    elif plain and chosen.damaged and kind < 0.5:
        frame = _one(rng, DAMAGE_FRAMES)
    else:
        frame = _one(rng, THING_FRAMES)
    return frame, words, {name: weight * w for name, w in chosen.meaning.items()}


@cache
def _of_forms(forms: tuple[str, ...]) -> tuple[Expression, ...]:
    return tuple(expression for expression in expressions() if expression.form in forms)


@cache
def _grouped(forms: tuple[str, ...]) -> dict[tuple[str, bool], tuple[Expression, ...]]:
    """Expressions of these forms by group and side."""
    groups: dict[tuple[str, bool], list[Expression]] = {}
    for expression in _of_forms(forms):
        groups.setdefault((expression.group, expression.damaged), []).append(expression)
    return {key: tuple(members) for key, members in groups.items()}


def _expression(rng: np.random.Generator, forms: tuple[str, ...]) -> Expression:
    """Any one, or one of a random group and side: neither many words nor few go unheard."""
    groups = _grouped(forms)
    if rng.random() < 0.6:
        return _one(rng, _of_forms(forms))
    return _one(rng, groups[_one(rng, tuple(groups))])


def _one(rng: np.random.Generator, choices: Sequence[Choice]) -> Choice:
    return choices[int(rng.integers(len(choices)))]


def _filled(frame: str, parts: Mapping[str, str]) -> str:
    after = frame.partition("{a} ")[2]
    following = parts["words"] if after.startswith("{words}") else parts["noun"]
    return frame.format(a=article(following), **parts)


def article(following: str) -> str:
    """The indefinite article before these words."""
    letter = following[:1].lower()
    return "an" if letter in "aeiou" and not following.startswith(("us", "uni")) else "a"


def _spelt(rng: np.random.Generator, sentence: str) -> str:
    """British for American spelling, half of the time."""
    if rng.random() < 0.5:
        return sentence
    for american, british in SPELLINGS:
        sentence = sentence.replace(american, british)
    return sentence


def add(one: Mapping[str, float], other: Mapping[str, float]) -> Meaning:
    """The sum of two meanings."""
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in {**one, **other}}


def meaning_of_type(name: str) -> Meaning:
    """What the damaged side of a published type means, quality aside; unit length."""
    return unit(dict.fromkeys(UNDIRECTED.get(name, (name,)), 1.0))


def meaning_of_pair(name: str) -> tuple[Meaning, Meaning]:
    """What the published clean and degraded prompts of a type say.

    Overall quality, and that this type of damage stands out: its own responses less the mean of
    those of the four types. So the mean over the types is the quality read-out alone, which
    knows how much each kind of damage matters, and what one type has beside it is its own.

    Args:
        name: color, noise, blur, exposure or content; ``content`` is about quality alone.
    """
    degraded: Meaning = {"quality": PAIR_QUALITY}
    if name != "content":
        degraded = add(degraded, meaning_of_type(name))
        for other in PUBLISHED:
            less = {response: -w / len(PUBLISHED) for response, w in meaning_of_type(other).items()}
            degraded = add(degraded, less)
    return opposite(degraded), degraded
