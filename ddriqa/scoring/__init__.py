"""Many images through metrics: the ``Scorer``, its records, and tables of them."""

from ddriqa.scoring.scorer import Scorer
from ddriqa.scoring.table import Record

__all__ = ["Record", "Scorer"]
