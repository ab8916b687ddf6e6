"""The pristine model of NIQE: 36 means and their covariance, from a file."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ddriqa.errors import WeightsError

if TYPE_CHECKING:
    from numpy import ndarray

FEATURES = 36
CARRIER = ("basicsr", "metrics/niqe_pris_params.npz")
"""The package (Apache-2.0) that carries the authors' parameters, and where in it."""
NAMES = (("mu_pris_param", "cov_pris_param"), ("mu_prisparam", "cov_prisparam"))
ADVICE = (
    "Name their file, --metric niqe=FILE: "
    "https://github.com/XPixelGroup/BasicSR/raw/master/basicsr/metrics/niqe_pris_params.npz, "
    "or modelparameters.mat of the authors' release"
)


@dataclass(frozen=True)
class PristineModel:
    """Mean ``(36,)`` and covariance ``(36, 36)`` of the features of pristine photographs.

    Attributes:
        sha256: of the file that they were read from.
    """

    mean: ndarray
    covariance: ndarray
    sha256: str


def read_parameters(path: str | None) -> PristineModel:
    """The model in ``path``, or without one in the package that carries it.

    Raises:
        WeightsError: no file, no such package, or a file without the parameters.
    """
    file = Path(path) if path is not None else _carried()
    try:
        content = file.read_bytes()
    except OSError as error:
        raise WeightsError(str(file), f"can't be read: {error.strerror}", ADVICE) from error
    arrays = _arrays(file, content)
    for names in NAMES:
        if set(names) <= set(arrays):
            mean, covariance = (np.asarray(arrays[name], dtype=np.float64) for name in names)
            break
    else:
        reason = "holds no NIQE parameters (mu_pris_param and cov_pris_param)"
        raise WeightsError(str(file), reason, ADVICE)
    if mean.size != FEATURES or covariance.shape != (FEATURES, FEATURES):
        shapes = f"{mean.shape} and {covariance.shape}"
        raise WeightsError(str(file), f"mean and covariance must be of 36 features, not {shapes}")
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise WeightsError(str(file), "holds numbers that aren't finite")
    return PristineModel(mean.ravel(), covariance, hashlib.sha256(content).hexdigest())


def _carried() -> Path:
    package, inside = CARRIER
    spec = find_spec(package)  # finds it without importing it
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / inside).is_file():
            return Path(folder) / inside
    raise WeightsError("niqe", "the parameters of its pristine model aren't here", ADVICE)


def _arrays(file: Path, content: bytes) -> dict[str, ndarray]:
    from scipy.io import loadmat

    try:
        if zipfile.is_zipfile(io.BytesIO(content)):
            with np.load(io.BytesIO(content)) as arrays:
                return dict(arrays)
        return loadmat(io.BytesIO(content))
    except Exception as error:  # the readers of damaged files fail in many ways
        reason = f"is neither an .npz nor a MATLAB file: {error}"
        raise WeightsError(str(file), reason, ADVICE) from error
