"""Which damage a training photograph gets, drawn by seed and photograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ddriqa.degradations import get

# response of the encoder -> the synthetic damage that teaches it
DAMAGE: dict[str, tuple[str, ...]] = {
    "blur": (
        "gaussian_blur",
        "defocus_blur",
        "motion_blur",
        "resize_bicubic",
        "resize_bilinear",
        "denoise_smear",
        "median_smear",
        "guided_smear",
    ),
    "noise": ("gaussian_noise", "iso_noise", "chroma_noise", "poisson_noise", "film_grain"),
    "compression": ("jpeg", "webp", "ringing", "banding"),
    "exposure": ("overexpose", "underexpose", "low_light", "gamma_dark", "gamma_bright"),
    "color": ("desaturate", "oversaturate", "wb_warm", "wb_cool", "hue_rotate"),
    "contrast": ("contrast_down", "haze"),
}
TYPES = tuple(name for names in DAMAGE.values() for name in names)
RESPONSE_OF = {name: response for response, names in DAMAGE.items() for name in names}
SINGLES, MIXTURES = 24, 6
LEVELS = (0.05, 1.0)


@dataclass(frozen=True)
class Variant:
    """A photograph's damage: names and levels in the order in which they are applied."""

    steps: tuple[tuple[str, float], ...]

    @property
    def responses(self) -> tuple[str, ...]:
        """The responses that this damage should raise."""
        return tuple(RESPONSE_OF[name] for name, _ in self.steps)


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
    pixels = image.astype(np.float32) / 255
    for name, level in variant.steps:
        pixels = get(name).apply(pixels, level, rng)
    return np.rint(pixels * 255).astype(np.uint8)
