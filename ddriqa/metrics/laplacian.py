"""The variance of the Laplacian: the field's plainest measure of sharpness. Higher is sharper."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import ndarray


class LaplacianVariance:
    """The metric ``laplacian_variance``: 0 for a flat picture, unbounded above.

    Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000: here with the
    4-neighbour Laplacian of the grey picture in 0...255, edges mirrored. Noise raises it too.
    """

    name = "laplacian_variance"
    needs = "pixels"
    bytes_per_pixel = 26  # at its peak, measured
    higher_is_better = True
    columns = ("laplacian_variance",)
    view = None
    usual: dict[str, tuple[float, float]] = {}

    def measure(self, pixels: ndarray) -> dict[str, float]:
        """uint8 ``(H, W, 3)`` sRGB -> ``{"laplacian_variance": variance}``."""
        import numpy as np
        from PIL import Image
        from scipy.ndimage import laplace

        grey = np.asarray(Image.fromarray(pixels).convert("L"), dtype=np.float64)
        return {"laplacian_variance": float(laplace(grey, mode="reflect").var())}

    def describe(self) -> dict[str, object]:
        """Everything that fixes the number, for the sidecar."""
        return {
            "name": self.name,
            "source": "variance of the 4-neighbour Laplacian",
            "grey": "Pillow's L, 0 to 255",
            "edges": "mirrored",
        }
