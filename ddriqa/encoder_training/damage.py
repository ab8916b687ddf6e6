"""Which damage a training photograph gets, drawn by seed and photograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ddriqa.degradations import get

# response of the encoder -> its facets -> the synthetic damage that teaches each facet
DAMAGE: dict[str, tuple[tuple[str, ...], ...]] = {
    "blur": (
        (
            "gaussian_blur",
            "defocus_blur",
            "motion_blur",
            "resize_bicubic",
            "resize_bilinear",
            "denoise_smear",
            "median_smear",
            "guided_smear",
        ),
    ),
    "noise": (("gaussian_noise", "iso_noise", "chroma_noise", "poisson_noise", "film_grain"),),
    "compression": (("jpeg", "webp", "ringing", "banding"),),
    "exposure": (
        ("overexpose", "gamma_bright"),
        ("underexpose", "gamma_dark", "low_light"),
    ),
    "color": (("desaturate",), ("oversaturate",), ("wb_warm",), ("wb_cool",), ("hue_rotate",)),
    "contrast": (("contrast_down", "haze"),),
}
DETAIL = (
    *("gaussian_blur", "defocus_blur", "motion_blur", "resize_bicubic", "resize_bilinear"),
    *("gaussian_noise", "iso_noise", "chroma_noise", "poisson_noise", "jpeg", "webp"),
)
"""Damage that destroys detail, as cameras and the web do it: it teaches ``quality``."""
TYPES = tuple(name for facets in DAMAGE.values() for facet in facets for name in facet)
SINGLES, MIXTURES = 24, 6
LEVELS = (0.05, 1.0)


@dataclass(frozen=True)
class Variant:
    """A photograph's damage: names and levels in the order in which they are applied."""

    steps: tuple[tuple[str, float], ...]

    @property
    def names(self) -> frozenset[str]:
        """The kinds of damage; empty for the untouched photograph."""
        return frozenset(name for name, _ in self.steps)


def draw_variants(photo: int, seed: int) -> list[Variant]:
    """The variants of photograph number ``photo``: itself, single damage, mixtures of two."""
    rng = np.random.default_rng([seed, photo])
    singles = rng.choice(TYPES, SINGLES, replace=False)
    variants = [Variant(()), *(Variant(((str(name), _level(rng)),)) for name in singles)]
    for _ in range(MIXTURES):
        names = rng.choice(TYPES, 2, replace=False)
        variants.append(Variant(tuple((str(name), _level(rng)) for name in names)))
    return variants


def _level(rng: np.random.Generator) -> float:
    return float(rng.uniform(*LEVELS))


def apply_variant(image: np.ndarray, variant: Variant, seed: list[int]) -> np.ndarray:
    """uint8 ``(H, W, 3)`` in and out; rounded to 8 bit once, after the last step."""
    rng = np.random.default_rng(seed)
    pixels: np.ndarray = image.astype(np.float32) / np.float32(255)
    for name, level in variant.steps:
        pixels = get(name).apply(pixels, level, rng)
    return np.rint(pixels * 255).astype(np.uint8)
