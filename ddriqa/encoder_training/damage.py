"""Which damage a training photograph gets, drawn by seed and photograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ddriqa.degradations import get

# response of the encoder -> its facets -> the synthetic damage that teaches each facet
DAMAGE: dict[str, tuple[tuple[str, ...], ...]] = {
    "blur": (
        (
            *("gaussian_blur", "defocus_blur", "lens_blur", "motion_blur", "aniso_blur"),
            *("resize_bicubic", "resize_bilinear", "resize_lanczos"),
            *("denoise_smear", "median_smear", "guided_smear"),
        ),
    ),
    "noise": (
        (
            *("gaussian_noise", "gray_noise", "iso_noise", "chroma_noise", "poisson_noise"),
            "film_grain",
        ),
    ),
    "compression": (("jpeg", "webp", "jpeg2000"),),
    "overexposure": (("overexpose", "gamma_bright", "brighten"),),
    "underexposure": (("underexpose", "gamma_dark", "darken", "low_light"),),
    "haze": (("haze", "contrast_down"),),
    "cast": (("wb_warm",), ("wb_cool",), ("hue_rotate",)),
    "oversaturation": (("oversaturate",),),
    "desaturation": (("desaturate",),),
}
OTHERS = ("banding", "ringing", "sharpen", "overshoot", "contrast_up")
"""Damage that no response is for; every response learns that it isn't meant."""
SHARES = {
    "blur": 4.0,
    "noise": 3.0,
    "compression": 2.0,
    "overexposure": 2.5,
    "underexposure": 2.5,
    "haze": 2.0,
    "cast": 4.0,
    "oversaturation": 1.6,
    "desaturation": 1.6,
    "others": 1.8,
}
"""How often each response's damage is drawn, for all of its kinds together."""
DETAIL = (
    *("gaussian_blur", "defocus_blur", "lens_blur", "motion_blur"),
    *("resize_bicubic", "resize_bilinear"),
    *("gaussian_noise", "iso_noise", "chroma_noise", "poisson_noise", "jpeg", "webp"),
)
"""Damage that destroys detail, as cameras and the web do it: it teaches ``quality``."""
CLIPPING = "overexpose"
"""Loses detail in the lights; teaches ``quality`` within a photograph only."""
LADDERS, MIXTURES = 14, 6
LEVELS, MIXED_LEVELS = (0.05, 1.0), (0.05, 0.8)
MIXTURE_LENGTHS = (2, 2, 2, 3, 3, 4)


@dataclass(frozen=True)
class Variant:
    """A photograph's damage: names and levels in the order in which they are applied."""

    steps: tuple[tuple[str, float], ...]

    @property
    def names(self) -> frozenset[str]:
        """The kinds of damage; empty for the untouched photograph."""
        return frozenset(name for name, _ in self.steps)

    def level(self, names: tuple[str, ...]) -> float:
        """The largest level of these kinds; 0 without any of them."""
        return max((level for name, level in self.steps if name in names), default=0.0)


def kinds() -> dict[str, tuple[str, ...]]:
    """Response, and ``others`` -> all its kinds of damage."""
    taught = {
        response: tuple(name for facet in facets for name in facet)
        for response, facets in DAMAGE.items()
    }
    return {**taught, "others": OTHERS}


def draw_variants(rng: np.random.Generator) -> list[Variant]:
    """The variants of a photograph, 35 in all.

    Itself; fourteen kinds of damage, each at two levels, the weaker first; mixtures of two to
    four kinds that belong to different responses.
    """
    members = kinds()
    names = [name for group in members.values() for name in group]
    chances = np.array([SHARES[g] / len(m) for g, m in members.items() for _ in m])
    variants = [Variant(())]
    for name in rng.choice(names, LADDERS, replace=False, p=chances / chances.sum()):
        weak, strong = sorted(rng.uniform(*LEVELS, size=2).tolist())
        variants += [Variant(((str(name), weak),)), Variant(((str(name), strong),))]
    shares = np.array(list(SHARES.values())) / sum(SHARES.values())
    for _ in range(MIXTURES):
        count = int(rng.choice(MIXTURE_LENGTHS))
        chosen = rng.choice(list(members), count, replace=False, p=shares)
        steps = [(str(rng.choice(members[g])), float(rng.uniform(*MIXED_LEVELS))) for g in chosen]
        variants.append(Variant(tuple(steps)))
    return variants


def draw_detail(rng: np.random.Generator) -> list[Variant]:
    """Further variants of a photograph that teaches ``quality``, 26 in all.

    Each kind of ``DETAIL``, and ``CLIPPING``, at two levels, the weaker first.
    """
    variants = []
    for name in (*DETAIL, CLIPPING):
        weak, strong = sorted(rng.uniform(*LEVELS, size=2).tolist())
        variants += [Variant(((name, weak),)), Variant(((name, strong),))]
    return variants


def apply_variant(image: np.ndarray, variant: Variant, seed: list[int]) -> np.ndarray:
    """uint8 ``(H, W, 3)`` in and out; rounded to 8 bit once, after the last step."""
    rng = np.random.default_rng(seed)
    pixels: np.ndarray = image.astype(np.float32) / np.float32(255)
    for name, level in variant.steps:
        pixels = get(name).apply(pixels, level, rng)
    return np.rint(pixels * 255).astype(np.uint8)
