"""What a degradation is: a named rule, and its parameters as functions of one level."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ddriqa.degradations.levels import Levels

Pixels = npt.NDArray[np.float32]
"""(H, W, 3) float32 sRGB in [0, 1]."""

IDENTITY_BELOW = 1e-6
"""Levels under this leave the image alone; rules may divide by their parameters."""

Rule = Callable[..., Pixels]
"""``rule(image, [rng,] **parameters)``: what a degradation does, in the parameters' own units."""


@dataclass(frozen=True)
class Degradation:
    """One kind of damage, in any strength from none (level 0) to severe (level 1).

    Levels 0.2, 0.4 … 1 are the five levels of the catalogue; ``levels`` says what each parameter
    of ``rule`` is there and in between. ``random`` tells whether the result depends on the
    generator. People don't reliably rank levels below ``ordered_from``: a little sharpening,
    contrast or saturation can look better than none.
    """

    name: str
    group: str
    rule: Rule
    levels: Mapping[str, Levels]
    random: bool
    ordered_from: float = 0.0

    def parameters(self, level: float) -> dict[str, float]:
        """The parameters of the rule at ``level`` in [0, 1]."""
        return {name: levels.at(level) for name, levels in self.levels.items()}

    def apply(self, image: Pixels, level: float, rng: np.random.Generator) -> Pixels:
        """A damaged copy of ``image``, (H, W, 3) float32 sRGB in [0, 1], clipped to [0, 1].

        Random parts depend on the state of ``rng`` alone, not on ``level``: generators with the
        same seed give the same streaks and grains at every level, only weaker or stronger.

        Raises ValueError for another shape or type, or a level outside [0, 1].
        """
        check_pixels(image)
        if not 0 <= level <= 1:
            raise ValueError(f"{self.name}: level must lie in [0, 1], got {level}")
        if level < IDENTITY_BELOW:
            return image.copy()
        arguments: dict[str, Any] = dict(self.parameters(level))
        if self.random:
            arguments["rng"] = rng
        # Vector code rounds differently in views; the result must not depend on the layout.
        damaged = self.rule(np.ascontiguousarray(image), **arguments)
        return np.clip(damaged, 0, 1).astype(np.float32, copy=False)

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        # The decorated name is the degradation, so its rule can't be pickled by name; worker
        # processes look the whole object up instead.
        return resolve, (f"{self.rule.__module__}:{self.rule.__name__}",)


def degradation(
    group: str, *, ordered_from: float = 0.0, **levels: Levels
) -> Callable[[Rule], Degradation]:
    """Make a degradation of a rule: its name, and one ``Levels`` for each of its parameters."""

    def wrap(rule: Rule) -> Degradation:
        random = "rng" in inspect.signature(rule).parameters
        return Degradation(rule.__name__, group, rule, levels, random, ordered_from)

    return wrap


def resolve(target: str) -> Any:
    """The object that ``"module:object"`` names."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def check_pixels(image: npt.NDArray[Any]) -> None:
    """Raise ValueError unless ``image`` is (H, W, 3) float32 with at least one pixel."""
    if image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"an image must have the shape (H, W, 3), got {image.shape}")
    if image.dtype != np.float32:
        raise ValueError(f"an image must be float32, got {image.dtype}")
