"""How the damaged photographs in this folder were made from the clean ones.

    python tests/photos/make.py FOLDER_OF_CLEAN

The folder holds the clean files under their names here. Every damage is one of
``ddriqa.degradations`` with a fixed level and seed.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from ddriqa.degradations import degrade

DAMAGE = {
    "colosseum_noisy.jpg": ("colosseum.jpg", "iso_noise", 0.8),
    "lake_blurred.jpg": ("lake.jpg", "motion_blur", 0.6),
    "otters_compressed.jpg": ("otters.jpg", "jpeg", 0.8),
    "tea_gardens_dark.jpg": ("tea_gardens.jpg", "low_light", 0.7),
    "osprey_out_of_focus.jpg": ("osprey.jpg", "defocus_blur", 0.5),
}


def main(folder: str) -> None:
    for name, (clean, damage, level) in DAMAGE.items():
        pixels = np.asarray(Image.open(Path(folder, clean)).convert("RGB"))
        damaged = degrade(pixels, damage, level, seed=0)
        Image.fromarray(damaged).save(Path(__file__).with_name(name), quality=88)


if __name__ == "__main__":
    main(sys.argv[1])
