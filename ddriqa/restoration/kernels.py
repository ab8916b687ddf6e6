"""The blur kernels of Real-ESRGAN (Wang et al., ICCVW 2021, section 3.1), each with sum 1.

``size`` is odd. Rows run downwards, so that an angle turns from the x axis (right) towards the
bottom. q stands for rᵀ Σ⁻¹ r with Σ = R diag(σx², σy²) Rᵀ and r in px from the centre.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import special

Kernel = npt.NDArray[np.float64]


def gaussian(size: int, sigma_x: float, sigma_y: float, angle: float) -> Kernel:
    """exp(−q / 2)."""
    return _unit(np.exp(-0.5 * _quadratic(size, sigma_x, sigma_y, angle)))


def generalised(size: int, sigma_x: float, sigma_y: float, angle: float, beta: float) -> Kernel:
    """exp(−q^β / 2): flatter than a Gaussian above β = 1, more pointed below."""
    return _unit(np.exp(-0.5 * _quadratic(size, sigma_x, sigma_y, angle) ** beta))


def plateau(size: int, sigma_x: float, sigma_y: float, angle: float, beta: float) -> Kernel:
    """1 / (1 + q^β)."""
    return _unit(1 / (1 + _quadratic(size, sigma_x, sigma_y, angle) ** beta))


def sinc(size: int, omega: float) -> Kernel:
    """Circular low-pass filter of cut-off ω in (0, π]: ω·J1(ω·ρ) / (2π·ρ). It rings."""
    x, y = _grid(size)
    distance = np.hypot(x, y)
    distance[size // 2, size // 2] = 1
    kernel = omega * special.j1(omega * distance) / (2 * math.pi * distance)
    kernel[size // 2, size // 2] = omega**2 / (4 * math.pi)
    return _unit(kernel)


def _grid(size: int) -> tuple[Kernel, Kernel]:
    axis = np.arange(size, dtype=np.float64) - size // 2
    x, y = np.meshgrid(axis, axis)
    return x, y


def _quadratic(size: int, sigma_x: float, sigma_y: float, angle: float) -> Kernel:
    x, y = _grid(size)
    along = x * math.cos(angle) + y * math.sin(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    return (along / sigma_x) ** 2 + (across / sigma_y) ** 2


def _unit(kernel: Kernel) -> Kernel:
    return kernel / kernel.sum()
