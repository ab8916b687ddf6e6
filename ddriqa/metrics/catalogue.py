"""Which metrics there are: name -> ``"module:class"``, resolved on use."""

from __future__ import annotations

METRICS = {
    "ddr": "ddriqa.metrics.ddr:DDR",
}

DISPARITIES = ("cosine", "l1", "l2")
"""The values of ``ddriqa.metrics.ddr.Disparity``, here so that asking for them loads nothing."""
