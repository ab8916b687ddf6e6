"""Damage with exact parameters, told as plain mappings such as a TOML file holds.

One kind of damage: ``{"degradation": "gaussian_noise", "sigma": 25}``. Its parameters are those of
the rule in ``ddriqa.degradations``, in the rule's own units, or one ``level`` in [0, 1]; besides
the catalogue there are ``bicubic_down`` (``scale``) and ``second_order`` (``scale``, ``sharpen``).

- A value is a number; ``[low, high]``, drawn uniformly; or ``{"among": [15, 25, 50]}``.
- ``clip`` (true unless said otherwise) limits the result to [0, 1]; ``round`` (false) takes it to
  8 bit: ``true`` for the nearest level, ``"down"`` for the level below, as PromptIR and DA-CLIP
  make their noise.
- A list is a chain, in order. ``{"one_of": [...], "probabilities": [...]}`` draws one of them,
  equally without probabilities; an empty list there leaves the picture alone.
- ``{"mixture": "camera", "level": [0.1, 0.8]}`` is a named mixture of the catalogue.
"""

from __future__ import annotations

import difflib
import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ddriqa.degradations import DEGRADATIONS, MIXTURES, apply_chain, get, mixture
from ddriqa.degradations.base import Degradation, resolve
from ddriqa.errors import UsageError

Pixels = npt.NDArray[np.float32]

OTHERS = {
    "bicubic_down": "ddriqa.restoration.imresize:bicubic_down",
    "second_order": "ddriqa.restoration.second_order:second_order",
}
"""Rules outside the catalogue: they change the size. Name -> ``"module:function"``."""

COMMON = ("degradation", "clip", "round")


class Damage(ABC):
    """What a specification does to a picture.

    Attributes:
        scale: how many times smaller the picture gets.
    """

    scale: int

    @abstractmethod
    def __call__(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        """A damaged copy of ``(H, W, 3)`` sRGB float32 in [0, 1]; the generator alone decides."""


def synthesis(spec: Any) -> Damage:
    """The damage that a specification tells; everything in it is checked here.

    Args:
        spec: a mapping or a list of mappings; see the module.

    Raises:
        UsageError: an unknown name or key, a missing parameter, an impossible value, or
            alternatives of different scales.
    """
    if isinstance(spec, Sequence) and not isinstance(spec, str):
        return Chain([synthesis(step) for step in spec])
    if not isinstance(spec, Mapping):
        raise _wrong("degradation", f"{spec!r} is no table of parameters")
    kinds = [key for key in ("degradation", "one_of", "mixture") if key in spec]
    if len(kinds) != 1:
        raise _wrong("degradation", "needs exactly one of: degradation, one_of, mixture")
    return {"degradation": _step, "one_of": _one_of, "mixture": _named_mixture}[kinds[0]](spec)


def _wrong(subject: str, reason: str) -> UsageError:
    return UsageError(subject, reason, _EXAMPLE)


_EXAMPLE = 'Write e.g. {degradation = "gaussian_noise", sigma = [5, 50], round = true}'


# --- values


@dataclass(frozen=True)
class Value:
    """A parameter: one of ``choices``, or uniform between the two of them."""

    choices: tuple[Any, ...]
    uniform: bool = False

    def draw(self, rng: np.random.Generator) -> Any:
        """One value; a constant draws nothing."""
        if self.uniform:
            return float(rng.uniform(*self.choices))
        if len(self.choices) == 1:
            return self.choices[0]
        return self.choices[int(rng.integers(len(self.choices)))]


def _value(subject: str, key: str, given: Any) -> Value:
    if isinstance(given, Mapping) and list(given) == ["among"] and given["among"]:
        return Value(tuple(_number(subject, key, item) for item in given["among"]))
    if isinstance(given, Sequence) and not isinstance(given, str) and len(given) == 2:
        low, high = (_number(subject, key, item) for item in given)
        if low > high:
            raise _wrong(subject, f"the range of {key} runs from {low} down to {high}")
        return Value((low, high), uniform=True)
    return Value((_number(subject, key, given),))


def _number(subject: str, key: str, given: Any) -> float | bool:
    if isinstance(given, (bool, int, float)) and math.isfinite(given):
        return given
    raise _wrong(subject, f'{key} must be a number, [low, high] or {{"among": [...]}}')


# --- one kind of damage


@dataclass(frozen=True)
class Step(Damage):
    """One rule with its parameters."""

    name: str
    values: Mapping[str, Value]
    clip: bool
    round: bool | str
    scale: int

    def __call__(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        drawn = {key: value.draw(rng) for key, value in self.values.items()}
        if "level" in self.values:
            damaged = get(self.name).apply(image, drawn["level"], rng)
        else:
            rule = _rule(self.name)
            if "rng" in inspect.signature(rule).parameters:
                drawn["rng"] = rng
            damaged = rule(np.ascontiguousarray(image), **drawn)
        return self._finished(np.asarray(damaged, dtype=np.float32))

    def _finished(self, image: Pixels) -> Pixels:
        if not self.clip:
            return image
        clipped = np.clip(image, 0, 1)
        if not self.round:
            return clipped
        # A whole level that float32 holds a trifle too low isn't to fall by a whole level.
        levels = clipped * 255
        whole = np.floor(levels + 1e-3) if self.round == "down" else np.rint(levels)
        return whole.astype(np.float32) / np.float32(255)


def _rule(name: str) -> Any:
    found = resolve(OTHERS[name]) if name in OTHERS else get(name)
    return found.rule if isinstance(found, Degradation) else found


def _step(spec: Mapping[str, Any]) -> Step:
    name = spec["degradation"]
    if name not in DEGRADATIONS and name not in OTHERS:
        raise _unknown(name)
    values = {key: _value(name, key, given) for key, given in spec.items() if key not in COMMON}
    _check_parameters(name, values)
    clip, rounding = spec.get("clip", True), spec.get("round", False)
    if clip not in (True, False) or rounding not in (True, False, "down"):
        raise _wrong(name, 'clip must be true or false, round true, false or "down"')
    if rounding and not clip:
        raise _wrong(name, "8 bit hold no values outside [0, 1]: round needs clip")
    scale = values["scale"] if "scale" in values else Value((1,))
    if scale.uniform or len(scale.choices) > 1 or not _is_whole(scale.choices[0]):
        raise _wrong(name, "scale must be one whole number from 1")
    return Step(name, values, clip, rounding, scale.choices[0])


def _is_whole(scale: Any) -> bool:
    return isinstance(scale, int) and not isinstance(scale, bool) and scale >= 1


def _unknown(name: Any) -> UsageError:
    near = difflib.get_close_matches(str(name), [*DEGRADATIONS, *OTHERS])
    hint = f"Did you mean {' or '.join(near)}?" if near else "See ddriqa.degradations.names()"
    return UsageError("degradation", f"unknown name {name!r}", hint)


def _check_parameters(name: str, values: Mapping[str, Value]) -> None:
    if name in DEGRADATIONS and list(values) == ["level"]:
        if not all(0 <= level <= 1 for level in values["level"].choices):
            raise _wrong(name, "level must lie in [0, 1]")
        return
    parameters = inspect.signature(_rule(name)).parameters
    known = [key for key in parameters if key not in ("image", "rng")]
    needed = [key for key in known if parameters[key].default is inspect.Parameter.empty]
    if surplus := [key for key in values if key not in known]:
        raise _wrong(name, f"has no {', '.join(surplus)}; its parameters: {', '.join(known)}")
    if missing := [key for key in needed if key not in values]:
        alone = ", or level alone" if name in DEGRADATIONS else ""
        raise _wrong(name, f"needs {', '.join(missing)}{alone}")


# --- several


class Chain(Damage):
    """One kind of damage after the other, each with a generator of its own."""

    def __init__(self, steps: Sequence[Damage]) -> None:
        self.steps = tuple(steps)
        self.scale = math.prod(step.scale for step in steps)

    def __call__(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        seeds = rng.integers(2**63, size=len(self.steps))
        for step, seed in zip(self.steps, seeds, strict=True):
            image = step(image, np.random.default_rng(seed))
        return image


class OneOf(Damage):
    """One of several, by their probabilities."""

    def __init__(self, members: Sequence[Damage], probabilities: Sequence[float]) -> None:
        self.members, self.probabilities = tuple(members), tuple(probabilities)
        self.scale = members[0].scale

    def __call__(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        chosen = rng.choice(len(self.members), p=self.probabilities)
        return self.members[int(chosen)](image, rng)


def _one_of(spec: Mapping[str, Any]) -> OneOf:
    _only(spec, "one_of", "probabilities")
    given = spec["one_of"]
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise _wrong("one_of", "needs a list of degradations")
    members = [synthesis(member) for member in given]
    shares = spec.get("probabilities", [1 / len(members)] * len(members))
    numbers = [_number("one_of", "probabilities", share) for share in shares]
    if len(numbers) != len(members) or min(numbers) < 0 or abs(sum(numbers) - 1) > 1e-6:
        raise _wrong("one_of", f"needs {len(members)} probabilities that add up to 1")
    if len({member.scale for member in members}) > 1:
        raise _wrong("one_of", "its members change the size by different scales")
    total = sum(numbers)
    return OneOf(members, [number / total for number in numbers])


@dataclass(frozen=True)
class NamedMixture(Damage):
    """A mixture of the catalogue, every step with a level of its own."""

    name: str
    levels: tuple[float, float]
    scale: int = 1

    def __call__(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        steps = mixture(self.name, rng, self.levels)
        return apply_chain(image, steps, rng)


def _named_mixture(spec: Mapping[str, Any]) -> NamedMixture:
    _only(spec, "mixture", "level")
    name = spec["mixture"]
    if name not in MIXTURES:
        raise UsageError("mixture", f"unknown name {name!r}", f"Known: {', '.join(MIXTURES)}")
    value = _value(name, "level", spec.get("level", [0.1, 1.0]))
    low, high = min(value.choices), max(value.choices)
    if not 0 <= low <= high <= 1 or (len(value.choices) > 1 and not value.uniform):
        raise _wrong(name, "level must be a number or a range in [0, 1]")
    return NamedMixture(name, (low, high))


def _only(spec: Mapping[str, Any], *known: str) -> None:
    if surplus := [key for key in spec if key not in known]:
        raise _wrong(known[0], f"has no {', '.join(map(str, surplus))}")
