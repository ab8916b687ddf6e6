"""PSNR on photographs against the values measured when the catalogue was drawn up.

Those were taken with separate implementations of the same rules: mean over six photographs,
300×300 pixels, rounded to 8 bit, seed 100 + index, at the levels 0.2, 0.4, 0.6, 0.8 and 1.
"""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddriqa.degradations import DEGRADATIONS, degrade

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "china", "flower")

# dB, RGB.
MEASURED = {
    "gaussian_noise": (34.3, 28.4, 22.5, 18.0, 13.9),
    "gray_noise": (34.3, 28.4, 22.5, 18.0, 13.9),
    "poisson_noise": (29.9, 25.8, 22.0, 18.4, 14.9),
    "iso_noise": (38.5, 33.5, 28.7, 23.2, 18.6),
    "chroma_noise": (35.9, 30.0, 24.2, 19.2, 15.0),
    "impulse_noise": (27.9, 24.8, 20.0, 16.3, 13.0),
    "speckle_noise": (32.3, 26.5, 20.9, 16.4, 13.2),
    "stripe_noise": (36.1, 30.1, 25.4, 21.6, 18.1),
    "film_grain": (35.9, 29.9, 24.9, 20.6, 17.3),
    "gaussian_blur": (33.6, 28.7, 26.0, 24.0, 22.3),
    "defocus_blur": (31.8, 28.2, 25.6, 23.8, 22.1),
    "lens_blur": (28.6, 26.0, 23.7, 21.8, 20.2),
    "motion_blur": (31.0, 26.9, 24.7, 23.1, 21.5),
    "aniso_blur": (33.8, 28.0, 25.5, 23.6, 22.1),
    "zoom_blur": (27.3, 24.2, 21.5, 19.6, 18.2),
    "glass_blur": (33.5, 28.2, 24.9, 24.4, 22.9),
    "jpeg": (32.0, 30.0, 28.4, 26.3, 23.4),
    "webp": (32.5, 30.8, 28.9, 27.5, 25.3),
    "jpeg2000": (34.0, 30.1, 27.5, 25.1, 22.9),
    "block_loss": (46.9, 35.4, 31.0, 26.5, 24.1),
    "resize_nearest": (28.7, 26.0, 24.6, 23.4, 21.5),
    "resize_bilinear": (30.0, 27.4, 25.9, 24.1, 22.5),
    "resize_bicubic": (31.5, 28.4, 26.3, 24.6, 23.0),
    "resize_lanczos": (32.5, 28.9, 26.7, 25.0, 23.2),
    "resize_area": (30.0, 28.1, 26.2, 24.6, 22.9),
    "pixelate": (27.9, 25.6, 24.4, 22.9, 21.4),
    "sharpen": (33.5, 28.0, 23.0, 18.8, 15.5),
    "overshoot": (32.7, 27.3, 22.3, 18.5, 15.1),
    "ringing": (32.8, 29.3, 27.3, 25.8, 24.0),
    "denoise_smear": (35.0, 30.9, 27.5, 24.4, 21.8),
    "median_smear": (30.0, 26.7, 25.3, 24.4, 23.1),
    "guided_smear": (33.2, 31.7, 29.5, 26.3, 23.7),
    "brighten": (28.9, 23.0, 16.9, 13.4, 11.2),
    "darken": (28.9, 23.0, 16.9, 13.4, 11.3),
    "overexpose": (26.6, 20.9, 16.8, 13.3, 10.3),
    "underexpose": (24.6, 19.0, 14.4, 11.6, 9.6),
    "gamma_dark": (28.4, 21.9, 17.1, 13.6, 11.2),
    "gamma_bright": (30.7, 23.3, 17.7, 13.8, 10.8),
    "contrast_down": (28.8, 22.8, 18.3, 15.8, 14.0),
    "contrast_up": (29.8, 23.6, 19.2, 16.1, 14.1),
    "desaturate": (32.2, 26.2, 22.7, 20.2, 18.2),
    "oversaturate": (28.9, 23.4, 18.6, 15.2, 12.5),
    "hue_rotate": (33.1, 27.2, 22.2, 17.9, 14.0),
    "wb_warm": (36.7, 30.8, 26.1, 22.0, 17.9),
    "wb_cool": (36.7, 30.7, 25.7, 21.2, 16.4),
    "colour_shift": (35.2, 30.7, 29.0, 28.6, 28.3),
    "colour_diffusion": (33.0, 27.1, 21.3, 17.6, 15.0),
    "posterise": (40.6, 34.4, 30.0, 25.0, 20.3),
    "colour_quantise": (32.3, 31.3, 30.0, 27.3, 24.4),
    "banding": (41.9, 39.4, 35.9, 32.0, 27.5),
    "ordered_dither": (31.4, 24.8, 19.9, 13.8, 7.9),
    "error_diffusion": (32.5, 25.5, 20.4, 14.1, 8.0),
    "rain": (35.5, 31.4, 25.2, 20.1, 15.0),
    "snow": (29.2, 24.9, 19.2, 14.7, 10.7),
    "haze": (25.4, 19.1, 15.0, 11.6, 9.3),
    "raindrop": (34.2, 28.9, 24.2, 20.4, 17.7),
    "shadow": (28.0, 22.8, 19.9, 17.6, 15.8),
    "low_light": (22.7, 17.3, 13.1, 10.3, 8.5),
    "underwater": (25.1, 20.3, 16.8, 14.2, 12.3),
    "moire": (39.6, 33.7, 29.3, 25.4, 21.7),
    "mosaic": (29.4, 28.8, 27.4, 24.8, 21.8),
    "vignette": (31.8, 25.7, 21.2, 18.2, 15.9),
    "chromatic_aberration": (44.4, 38.8, 33.1, 27.9, 24.8),
    "jitter": (37.4, 32.8, 29.1, 25.6, 23.3),
    "elastic": (32.0, 27.0, 23.7, 21.1, 19.1),
    "interlace": (26.8, 23.7, 21.7, 19.9, 18.3),
    "patch_displace": (34.0, 30.3, 28.3, 27.0, 26.2),
    "colour_block": (29.4, 24.8, 23.1, 21.2, 20.1),
    "inpaint_lines": (23.2, 19.5, 14.6, 13.1, 12.8),
    "inpaint_freeform": (18.6, 14.4, 11.4, 9.0, 7.1),
}

# Few large things at random places: another draw differs by this much, in dB.
SPARSE = {
    "block_loss": 3, "colour_block": 3, "inpaint_lines": 3, "patch_displace": 2, "raindrop": 2,
    "snow": 2, "rain": 1,
}  # fmt: skip
# The catalogue asks for error diffusion; its values were measured without.
WITHOUT_DITHER = {"colour_quantise": 3}
# With one block in a hundred lost, the mean hangs on photographs that lost none.
UNDEFINED = {("block_loss", 0)}


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    folder = Path(__file__).parent / "photos"
    return [np.asarray(Image.open(folder / f"{name}.webp").convert("RGB")) for name in PHOTOS]


def mean_psnr(name: str, level: float, photos: list[np.ndarray]) -> float:
    values = []
    for index, photo in enumerate(photos):
        error = degrade(photo, name, level, seed=100 + index).astype(float) - photo
        values.append(10 * np.log10(255**2 / np.mean(error**2)))
    return float(np.mean(values))


def test_every_degradation_has_its_band():
    assert set(MEASURED) == set(DEGRADATIONS)


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize("name", list(MEASURED))
def test_psnr_on_photographs(name, photos):
    tolerance = (SPARSE | WITHOUT_DITHER).get(name, 0.5)
    for step, expected in enumerate(MEASURED[name]):
        measured = mean_psnr(name, (step + 1) / 5, photos)
        if (name, step) not in UNDEFINED:
            assert measured == pytest.approx(expected, abs=tolerance), f"level {(step + 1) / 5}"
