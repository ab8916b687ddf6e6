"""Sentences about damage and what they should mean: a coordinate for each response.

Positive is damaged. A sentence is a list of words put into a frame; its target is the sum of what
its words say, so that "A blurry photo with low-quality." means blur and low quality.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

Meaning = dict[str, float]

# response -> (words of damage, words of its absence)
ADJECTIVES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "blur": (
        ("blurry", "blurred", "unsharp", "out of focus", "defocused", "soft", "shaky", "fuzzy"),
        ("sharp", "crisp", "in focus", "detailed", "well focused", "tack sharp"),
    ),
    "noise": (
        ("noisy", "grainy", "noise degraded", "speckled", "full of noise", "high iso"),
        ("clean", "noise-free", "noiseless", "free of grain", "low iso"),
    ),
    "compression": (
        ("compressed", "blocky", "pixelated", "jpeg degraded", "full of artifacts", "banded"),
        ("uncompressed", "lossless", "artifact-free", "free of artifacts"),
    ),
    "exposure": (
        (
            "unnatural exposure",
            "badly exposed",
            "overexposed",
            "underexposed",
            "too dark",
            "too bright",
            "blown out",
        ),
        ("natural exposure", "well exposed", "correctly exposed", "evenly lit", "well lit"),
    ),
    "color": (
        (
            "unnatural color",
            "unnatural colour",
            "discolored",
            "washed out",
            "color cast",
            "oversaturated",
            "faded",
        ),
        ("real color", "natural color", "natural colour", "true color", "color accurate"),
    ),
    "contrast": (
        ("low-contrast", "hazy", "foggy", "flat", "dull"),
        ("high-contrast", "haze-free", "contrasty", "brilliant"),
    ),
    "quality": (
        ("bad", "poor", "terrible", "awful", "degraded", "damaged", "ugly", "bad content"),
        ("good", "great", "excellent", "perfect", "pristine", "flawless", "clear content"),
    ),
}
QUALITY = 1.5
"""Weight of a word about quality beside one about a kind of damage.

A published pair names both, so DDR's response to a kind holds the overall read-out and its own
one: the mean over kinds ranks nearly as the overall read-out does, and each kind still shows.
"""
QUALITY_TAILS = {
    " with low-quality": QUALITY,
    " with high-quality": -QUALITY,
    " of low quality": QUALITY,
    " of high quality": -QUALITY,
    " with bad quality": QUALITY,
    " with good quality": -QUALITY,
    " of poor quality": QUALITY,
    " of excellent quality": -QUALITY,
    "": 0.0,
}
DEGREES = {"": 1.0, "very ": 1.3, "extremely ": 1.6, "slightly ": 0.5, "a bit ": 0.5, "not ": -0.7}
NOUNS = ("photo", "photograph", "image", "picture", "snapshot", "shot")
FRAMES = (
    "A {words} {noun}{tail}{stop}",
    "a {words} {noun}{tail}{stop}",
    "{words} {noun}{tail}{stop}",
    "The {noun} is {words}{tail}{stop}",
    "This {noun} looks {words}{tail}{stop}",
    "a {noun} that is {words}{tail}{stop}",
    "{words}{tail}{stop}",
)
SUBJECT_FRAMES = (
    "A {words} {noun} of {subject}{stop}",
    "{subject}, {words}{tail}{stop}",
    "a {noun} of {subject}, {words}{tail}{stop}",
)


def random_sentence(
    rng: np.random.Generator, subjects: Sequence[str] = ()
) -> tuple[str, Meaning, int | None]:
    """A sentence, its meaning, and the index of the subject it names, if any."""
    words, meaning = _random_words(rng)
    tails = list(QUALITY_TAILS)
    tail = tails[rng.integers(len(tails))]
    subject = int(rng.integers(len(subjects))) if len(subjects) and rng.random() < 0.3 else None
    frames = FRAMES if subject is None else SUBJECT_FRAMES
    frame = frames[rng.integers(len(frames))]
    if "{tail}" in frame:
        meaning["quality"] = meaning.get("quality", 0.0) + QUALITY_TAILS[tail]
    sentence = frame.format(
        words=words,
        noun=NOUNS[rng.integers(len(NOUNS))],
        tail=tail,
        stop="." if rng.random() < 0.6 else "",
        subject="" if subject is None else subjects[subject].rstrip(" ."),
    )
    return sentence, meaning, subject


def _random_words(rng: np.random.Generator) -> tuple[str, Meaning]:
    """One adjective with a degree, or two joined by "and"; sometimes none."""
    count = rng.choice([0, 1, 1, 1, 2])
    if count == 0:
        return ("real", {})
    names = rng.choice(list(ADJECTIVES), size=count, replace=False)
    parts, meaning = [], {}
    for name in names:
        sign = int(rng.integers(2))
        choices = ADJECTIVES[name][sign]
        degree = list(DEGREES)[rng.integers(len(DEGREES))] if rng.random() < 0.4 else ""
        parts.append(degree + choices[rng.integers(len(choices))])
        weight = QUALITY if name == "quality" else 1.0
        meaning[str(name)] = (weight if sign == 0 else -weight) * DEGREES[degree]
    return " and ".join(parts), meaning


def meaning_of_pair(name: str) -> tuple[Meaning, Meaning]:
    """What the published clean and degraded prompts of a type say."""
    if name == "content":
        return {"quality": -2 * QUALITY}, {"quality": 2 * QUALITY}
    return {name: -1.0, "quality": -QUALITY}, {name: 1.0, "quality": QUALITY}
