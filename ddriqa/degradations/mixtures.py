"""Several kinds of damage on one image: named mixtures, and random chains.

A chain is a list of steps (name, level) in the order in which they are applied.
"""

from collections.abc import Sequence

import numpy as np

from ddriqa.degradations.base import Pixels
from ddriqa.degradations.catalogue import get, groups

Step = tuple[str, float]

MIXTURES: dict[str, tuple[str, ...]] = {
    "camera": ("iso_noise", "denoise_smear", "sharpen", "jpeg"),
    "phone-night": ("low_light", "denoise_smear", "jpeg"),
    "upload": ("resize_area", "sharpen", "jpeg", "jpeg"),
    "old-photo": ("film_grain", "desaturate", "colour_block", "vignette"),
    "screen": ("moire", "banding", "wb_warm|wb_cool"),
    # The order of OneRestore, Guo et al., ECCV 2024.
    "weather": ("low_light", "rain|snow", "haze"),
}
"""What happens to pictures in a row, in this order; of names with "|" between, one is drawn."""


def mixture(
    name: str, rng: np.random.Generator, levels: tuple[float, float] = (0.1, 1.0)
) -> list[Step]:
    """The steps of a named mixture, each with its own level, uniform in ``levels``.

    Raises ValueError for an unknown name.
    """
    if name not in MIXTURES:
        raise ValueError(f"no mixture is called {name!r}; there are {', '.join(MIXTURES)}")
    drawn = [rng.choice(step.split("|")) for step in MIXTURES[name]]
    return [(str(step), rng.uniform(*levels)) for step in drawn]


def random_chain(
    rng: np.random.Generator,
    lengths: tuple[int, int] = (1, 4),
    levels: tuple[float, float] = (0.1, 1.0),
    among: Sequence[str] | None = None,
) -> list[Step]:
    """Random steps of distinct groups in random order, levels uniform in ``levels``.

    The number of steps is uniform from ``lengths[0]`` to ``lengths[1]``, and at most the number
    of groups; the groups are drawn first, then one member of each. ``among`` restricts the draw to
    these names. Source: the composition of ARNIQA, Agnolucci et al., WACV 2024, whose levels are
    discrete and lean to the weak ones.

    Raises ValueError if ``among`` names nothing, or something unknown.
    """
    members = _members(among)
    count = min(int(rng.integers(lengths[0], lengths[1] + 1)), len(members))
    chosen = rng.permutation(len(members))[:count]
    drawn = [str(rng.choice(members[index])) for index in chosen]
    return [(name, rng.uniform(*levels)) for name in drawn]


def _members(among: Sequence[str] | None) -> list[list[str]]:
    if among is None:
        return list(groups().values())
    wanted = {get(name).name for name in among}
    members = [[name for name in group if name in wanted] for group in groups().values()]
    if not any(members):
        raise ValueError("a chain needs at least one degradation to draw from")
    return [group for group in members if group]


def apply_chain(image: Pixels, steps: Sequence[Step], rng: np.random.Generator) -> Pixels:
    """``image``, (H, W, 3) float32 in [0, 1], after all steps; no steps give a copy.

    Every step has a generator of its own, so that a step's pattern depends on its place in the
    chain alone, and not on the other steps or their levels.
    """
    seeds = rng.integers(2**63, size=len(steps))
    result = image.copy()
    for (name, level), seed in zip(steps, seeds, strict=True):
        result = get(name).apply(result, level, np.random.default_rng(seed))
    return result
