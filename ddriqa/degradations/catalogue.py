"""The table of degradations: name → where it lives. Listing it loads none of them."""

import difflib
from functools import cache

import numpy as np
import numpy.typing as npt

from ddriqa.degradations.base import Degradation, resolve

DEGRADATIONS: dict[str, str] = {
    "gaussian_noise": "ddriqa.degradations.noise:gaussian_noise",
    "gray_noise": "ddriqa.degradations.noise:gray_noise",
    "poisson_noise": "ddriqa.degradations.noise:poisson_noise",
    "iso_noise": "ddriqa.degradations.noise:iso_noise",
    "chroma_noise": "ddriqa.degradations.noise:chroma_noise",
    "impulse_noise": "ddriqa.degradations.noise:impulse_noise",
    "speckle_noise": "ddriqa.degradations.noise:speckle_noise",
    "stripe_noise": "ddriqa.degradations.noise:stripe_noise",
    "film_grain": "ddriqa.degradations.noise:film_grain",
    "gaussian_blur": "ddriqa.degradations.blur:gaussian_blur",
    "defocus_blur": "ddriqa.degradations.blur:defocus_blur",
    "lens_blur": "ddriqa.degradations.blur:lens_blur",
    "motion_blur": "ddriqa.degradations.blur:motion_blur",
    "aniso_blur": "ddriqa.degradations.blur:aniso_blur",
    "zoom_blur": "ddriqa.degradations.blur:zoom_blur",
    "glass_blur": "ddriqa.degradations.blur:glass_blur",
    "jpeg": "ddriqa.degradations.compression:jpeg",
    "webp": "ddriqa.degradations.compression:webp",
    "jpeg2000": "ddriqa.degradations.compression:jpeg2000",
    "block_loss": "ddriqa.degradations.compression:block_loss",
    "resize_nearest": "ddriqa.degradations.resampling:resize_nearest",
    "resize_bilinear": "ddriqa.degradations.resampling:resize_bilinear",
    "resize_bicubic": "ddriqa.degradations.resampling:resize_bicubic",
    "resize_lanczos": "ddriqa.degradations.resampling:resize_lanczos",
    "resize_area": "ddriqa.degradations.resampling:resize_area",
    "pixelate": "ddriqa.degradations.resampling:pixelate",
    "sharpen": "ddriqa.degradations.processing:sharpen",
    "overshoot": "ddriqa.degradations.processing:overshoot",
    "ringing": "ddriqa.degradations.processing:ringing",
    "denoise_smear": "ddriqa.degradations.processing:denoise_smear",
    "median_smear": "ddriqa.degradations.processing:median_smear",
    "guided_smear": "ddriqa.degradations.processing:guided_smear",
    "brighten": "ddriqa.degradations.tone:brighten",
    "darken": "ddriqa.degradations.tone:darken",
    "overexpose": "ddriqa.degradations.tone:overexpose",
    "underexpose": "ddriqa.degradations.tone:underexpose",
    "gamma_dark": "ddriqa.degradations.tone:gamma_dark",
    "gamma_bright": "ddriqa.degradations.tone:gamma_bright",
    "contrast_down": "ddriqa.degradations.tone:contrast_down",
    "contrast_up": "ddriqa.degradations.tone:contrast_up",
    "desaturate": "ddriqa.degradations.colour:desaturate",
    "oversaturate": "ddriqa.degradations.colour:oversaturate",
    "hue_rotate": "ddriqa.degradations.colour:hue_rotate",
    "wb_warm": "ddriqa.degradations.colour:wb_warm",
    "wb_cool": "ddriqa.degradations.colour:wb_cool",
    "colour_shift": "ddriqa.degradations.colour:colour_shift",
    "colour_diffusion": "ddriqa.degradations.colour:colour_diffusion",
    "posterise": "ddriqa.degradations.colour:posterise",
    "colour_quantise": "ddriqa.degradations.colour:colour_quantise",
    "banding": "ddriqa.degradations.colour:banding",
    "ordered_dither": "ddriqa.degradations.colour:ordered_dither",
    "error_diffusion": "ddriqa.degradations.colour:error_diffusion",
    "rain": "ddriqa.degradations.weather:rain",
    "snow": "ddriqa.degradations.weather:snow",
    "haze": "ddriqa.degradations.weather:haze",
    "raindrop": "ddriqa.degradations.weather:raindrop",
    "shadow": "ddriqa.degradations.weather:shadow",
    "low_light": "ddriqa.degradations.weather:low_light",
    "underwater": "ddriqa.degradations.weather:underwater",
    "moire": "ddriqa.degradations.optics:moire",
    "mosaic": "ddriqa.degradations.optics:mosaic",
    "vignette": "ddriqa.degradations.optics:vignette",
    "chromatic_aberration": "ddriqa.degradations.optics:chromatic_aberration",
    "jitter": "ddriqa.degradations.geometry:jitter",
    "elastic": "ddriqa.degradations.geometry:elastic",
    "interlace": "ddriqa.degradations.geometry:interlace",
    "patch_displace": "ddriqa.degradations.geometry:patch_displace",
    "colour_block": "ddriqa.degradations.geometry:colour_block",
    "inpaint_lines": "ddriqa.degradations.geometry:inpaint_lines",
    "inpaint_freeform": "ddriqa.degradations.geometry:inpaint_freeform",
}


@cache
def get(name: str) -> Degradation:
    """The degradation of this name. Raises ValueError, with the nearest names, for another."""
    if name not in DEGRADATIONS:
        near = difflib.get_close_matches(name, DEGRADATIONS)
        hint = f"did you mean {' or '.join(near)}?" if near else "see ddriqa.degradations.names()"
        raise ValueError(f"no degradation is called {name!r}; {hint}")
    return resolve(DEGRADATIONS[name])


def names(group: str | None = None) -> list[str]:
    """All names in the order of the catalogue, or those of one group.

    Raises ValueError for an unknown group.
    """
    if group is None:
        return list(DEGRADATIONS)
    if group not in groups():
        raise ValueError(f"no group is called {group!r}; the groups are {', '.join(groups())}")
    return list(groups()[group])


def groups() -> dict[str, list[str]]:
    """Group → names of its degradations. Loads every family."""
    members: dict[str, list[str]] = {}
    for name in DEGRADATIONS:
        members.setdefault(get(name).group, []).append(name)
    return members


def degrade(image: npt.NDArray, name: str, level: float, seed: int) -> npt.NDArray:
    """A damaged copy of ``image`` in its own type.

    ``image`` is (H, W, 3) sRGB, uint8 or floating point in [0, 1]; ``level`` lies in [0, 1], where
    0 returns the input. Results are rounded to 8 bit for uint8 input, never truncated. The same
    arguments give the same pixels.

    Raises ValueError for an unknown name, another type or shape, or a level outside [0, 1].
    """
    rng = np.random.default_rng(seed)
    pixels = to_float(image)
    damaged = get(name).apply(pixels, level, rng)
    return image.copy() if level == 0 else from_float(damaged, image.dtype)


def to_float(image: npt.NDArray) -> npt.NDArray[np.float32]:
    """uint8 or floating point pixels as float32 in [0, 1]."""
    if image.dtype == np.uint8:
        return image.astype(np.float32) / np.float32(255)
    if not np.issubdtype(image.dtype, np.floating):
        raise ValueError(f"an image must be uint8 or floating point, got {image.dtype}")
    return image.astype(np.float32)


def from_float(image: npt.NDArray[np.float32], dtype: npt.DTypeLike) -> npt.NDArray:
    """float32 pixels in [0, 1] as ``dtype``; uint8 is rounded."""
    if dtype == np.uint8:
        return np.rint(image * 255).astype(np.uint8)
    return image.astype(dtype)
