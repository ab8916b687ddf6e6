"""How near a restored picture is to its ground truth: a file a measure.

To add one, write its function or class into a file and one line into ``catalogue.MEASURES``.
"""

from ddriqa.restoration.measures.catalogue import MEASURES, Measure, build, build_all

__all__ = ["MEASURES", "Measure", "build", "build_all"]
