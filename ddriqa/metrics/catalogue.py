"""Which metrics there are: name -> ``"module:class"``, resolved on use."""

from __future__ import annotations

from typing import Any

METRICS = {
    "ddr": "ddriqa.metrics.ddr:DDR",
    "clip_iqa": "ddriqa.metrics.clip_iqa:CLIPIQA",
    "niqe": "ddriqa.metrics.niqe:NIQE",
    "brisque": "ddriqa.metrics.brisque:BRISQUE",
    "piqe": "ddriqa.metrics.piqe:PIQE",
    "laplacian_variance": "ddriqa.metrics.laplacian:LaplacianVariance",
    "colourfulness": "ddriqa.metrics.colourfulness:Colourfulness",
    "cpbd": "ddriqa.metrics.cpbd:CPBD",
    "edge_density": "ddriqa.metrics.complexity:EdgeDensity",
    "ic9600": "ddriqa.metrics.complexity:IC9600",
    "stage_statistics": "ddriqa.metrics.deep_statistics:StageStatistics",
    "vgg_statistics": "ddriqa.metrics.deep_statistics:VGGStatistics",
}

DDR_TYPES = ("color", "noise", "blur", "exposure", "content")
"""The paper's prompt pairs."""

OPTIONS: dict[str, dict[str, dict[str, Any]]] = {
    "ddr": {
        "crops": {"geometry": "crops"},
        "view": {"geometry": "view"},
        "windows": {"geometry": "windows"},
        "shape": {"shape": True},
        "more": {"more": True},
        "unadapted": {"adaptation": False},
        **{name: {"types": [name]} for name in DDR_TYPES},
    },
    "clip_iqa": {
        "crops": {"geometry": "crops"},
        "view": {"geometry": "view"},
        "native": {"geometry": "native"},
        "five": {"five": True},
    },
    "niqe": {"y": {"luminance": "y"}},
}
"""Metric -> what may follow its name with a plus sign (``ddr+windows``) -> the class's options.
Types add up: ``ddr+blur+noise``."""

FILES = {"niqe": "parameters", "ic9600": "weights", "vgg_statistics": "weights"}
"""Metric -> the class's option that a file after an equals sign (``niqe=FILE``) gives."""

PACKAGES = {"piq": "ddriqa.metrics.packages:Packaged", "pyiqa": "ddriqa.metrics.packages:Packaged"}
"""Packages whose metrics are known as ``PACKAGE:NAME``."""

DISPARITIES = ("cosine", "l1", "l2")
"""The values of ``ddriqa.metrics.ddr.Disparity``, here so that asking for them loads nothing."""
