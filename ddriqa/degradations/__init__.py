"""Clean pixels become damaged ones: about sixty kinds of damage, each at any level from 0 to 1.

Level 0 is the input itself, levels 0.2, 0.4 … 1 are five steps from just visible to severe, and
everything in between is interpolated. To add a kind of damage, write its rule into a family file
with its table of levels, and add one line to ``catalogue.DEGRADATIONS``.

>>> from ddriqa.degradations import degrade, get, names
>>> "jpeg" in names()
True
>>> get("gaussian_noise").parameters(0.4)
{'sigma': 10.0}
"""

from ddriqa.degradations.base import Degradation
from ddriqa.degradations.catalogue import DEGRADATIONS, degrade, get, groups, names
from ddriqa.degradations.mixtures import MIXTURES, apply_chain, mixture, random_chain

__all__ = [
    "DEGRADATIONS",
    "MIXTURES",
    "Degradation",
    "apply_chain",
    "degrade",
    "get",
    "groups",
    "mixture",
    "names",
    "random_chain",
]
