"""A parameter of a degradation as a function of its level.

Every parameter is a row of six values: the identity at level 0 and one value for each of the
levels 0.2, 0.4, 0.6, 0.8 and 1. Between them it is interpolated on a linear or a logarithmic
scale. Example: ``linear(0, 5, 10, 20, 35, 60).at(0.5) == 15``.
"""

from dataclasses import dataclass

STEPS = 5


@dataclass(frozen=True)
class Levels:
    """One parameter: six knots, and from which segment on the interpolation is geometric.

    ``geometric_from`` counts segments between knots: 0 is a logarithmic scale throughout, 1 goes
    linearly from the identity to the first knot and logarithmically after it, ``STEPS`` is linear.
    """

    knots: tuple[float, ...]
    geometric_from: int

    def __post_init__(self) -> None:
        if len(self.knots) != STEPS + 1:
            raise ValueError(f"a parameter needs {STEPS + 1} knots, got {len(self.knots)}")

    def at(self, level: float) -> float:
        """The parameter at ``level`` in [0, 1]."""
        segment = min(int(level * STEPS), STEPS - 1)
        share = level * STEPS - segment
        low, high = self.knots[segment], self.knots[segment + 1]
        if segment >= self.geometric_from:
            return low * (high / low) ** share
        return low + (high - low) * share


def linear(*knots: float) -> Levels:
    """Linear interpolation between all six knots."""
    return Levels(knots, geometric_from=STEPS)


def log(*knots: float) -> Levels:
    """Linear from the identity to the first level, where a logarithm may not exist; then log."""
    return Levels(knots, geometric_from=1)


def log_throughout(*knots: float) -> Levels:
    """Logarithmic from the identity on: factors from 1, level counts from 256."""
    return Levels(knots, geometric_from=0)
