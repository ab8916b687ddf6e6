"""CIE Lab and hue, for the rules that are defined there."""

import numpy as np

from ddriqa.degradations.fields import Field, to_linear, to_srgb

# Linear sRGB to XYZ relative to the D65 white (IEC 61966-2-1): white becomes (1, 1, 1).
_WHITE = np.array([0.95047, 1.0, 1.08883])
_RGB_TO_XYZ = (
    np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    / _WHITE[:, None]
)
_TO_XYZ = _RGB_TO_XYZ.T.astype(np.float32)
_TO_RGB = np.linalg.inv(_RGB_TO_XYZ).T.astype(np.float32)

_DELTA = 6 / 29


def to_lab(srgb: Field) -> Field:
    """sRGB in [0, 1] to CIE L*a*b*, D65 white (L* in [0, 100])."""
    xyz = to_linear(srgb) @ _TO_XYZ
    root = np.where(xyz > _DELTA**3, np.cbrt(xyz), xyz / (3 * _DELTA**2) + 4 / 29)
    x, y, z = np.moveaxis(root.astype(np.float32), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def from_lab(lab: Field) -> Field:
    """CIE L*a*b* to sRGB; colours outside the gamut are clipped in linear light."""
    y = (lab[..., 0] + 16) / 116
    root = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    xyz = np.where(root > _DELTA, root * root * root, 3 * _DELTA**2 * (root - 4 / 29))
    return to_srgb(xyz.astype(np.float32) @ _TO_RGB)


def rotate_hue(srgb: Field, degrees: float) -> Field:
    """Add to the hue of HSV, leaving saturation and value."""
    red, green, blue = np.moveaxis(srgb, -1, 0)
    value = srgb.max(axis=-1)
    chroma = value - srgb.min(axis=-1)
    safe = np.where(chroma > 0, chroma, np.float32(1))
    hue = np.where(
        value == red,
        (green - blue) / safe,
        np.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    hue += np.float32(degrees / 60)
    # The hexagon formula of HSV: each channel falls below the value by a share of the chroma.
    phase = (hue[..., None] + np.array([5, 3, 1], dtype=np.float32)) % 6
    share = np.clip(np.minimum(phase, 4 - phase), 0, 1)
    return value[..., None] - chroma[..., None] * share
