"""Agreement with people against speed, as one SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 460
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 56, 48
LABEL_HEIGHT, LETTER, GAP = 15, 6.6, 8
"""Of a name, in px: labels keep this distance."""
POINT, FRONT, LINE, GRID = "#1f6feb", "#2a9d4a", "#a23bbd", "#ddd"


@dataclass(frozen=True)
class Point:
    """Images/s, and SRCC with the ends of its 95 % interval; more is better in both."""

    name: str
    speed: float
    srcc: float
    low: float
    high: float


def front(points: Sequence[Point]) -> list[Point]:
    """Those that no other one beats in speed and agreement at once, slowest first."""
    kept = [
        p
        for p in points
        if not any(
            (q.speed >= p.speed and q.srcc >= p.srcc and (q.speed, q.srcc) != (p.speed, p.srcc))
            for q in points
        )
    ]
    return sorted(kept, key=lambda point: point.speed)


class Frame:
    """From images/s (logarithmic) and SRCC (linear) to px."""

    def __init__(self, speeds: Sequence[float], agreements: Sequence[float]) -> None:
        self.left = math.log10(min(speeds)) - 0.1
        self.right = math.log10(max(speeds)) + 0.45  # room for the fastest one's name
        self.low = min(0.0, math.floor(10 * min(agreements)) / 10)
        self.high = math.ceil(10 * max(agreements)) / 10

    def x(self, speed: float) -> float:
        share = (math.log10(speed) - self.left) / (self.right - self.left)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, srcc: float) -> float:
        share = (self.high - srcc) / (self.high - self.low)
        return TOP + share * (HEIGHT - TOP - BOTTOM)

    def speed_ticks(self) -> list[float]:
        """1, 2, 5, 10 ... within the frame."""
        decades = range(math.floor(self.left), math.ceil(self.right))
        ticks = [step * 10.0**decade for decade in decades for step in (1, 2, 5)]
        return [tick for tick in ticks if self.left <= math.log10(tick) <= self.right]

    def agreement_ticks(self) -> list[float]:
        """Tenths within the frame."""
        return [n / 10 for n in range(round(10 * self.low), round(10 * self.high) + 1)]


def pareto_svg(title: str, points: Sequence[Point], lines: Mapping[str, float]) -> str:
    """The drawing.

    Args:
        title: of the whole; must say where a data set is a development set.
        points: with their intervals as bars; the front is a green line.
        lines: name -> images/s that a vertical line marks.
    """
    frame = Frame(
        [*(point.speed for point in points), *lines.values()],
        [end for point in points for end in (point.low, point.high)],
    )
    parts = [_grid(frame), f'<text x="{LEFT}" y="20" font-weight="bold">{escape(title)}</text>\n']
    parts += [_vertical(frame, n, *item) for n, item in enumerate(lines.items())]
    best = " ".join(f"{frame.x(p.speed):.1f},{frame.y(p.srcc):.1f}" for p in front(points))
    parts.append(f'<polyline fill="none" stroke="{FRONT}" stroke-dasharray="5 4" points="{best}"/>')
    parts += [_bar(frame, point) for point in points]
    parts += [_label(frame, item, height, points) for item, height in _heights(frame, points)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n{"".join(parts)}</svg>\n'
    )


def _grid(frame: Frame) -> str:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [
        f'<line x1="{LEFT}" x2="{right}" y1="{frame.y(t):.1f}" y2="{frame.y(t):.1f}" '
        f'stroke="{GRID}"/>\n<text x="{LEFT - 6}" y="{frame.y(t) + 4:.1f}" text-anchor="end">'
        f"{t:.1f}</text>\n"
        for t in frame.agreement_ticks()
    ]
    parts += [
        f'<line x1="{frame.x(t):.1f}" x2="{frame.x(t):.1f}" y1="{TOP}" y2="{bottom}" '
        f'stroke="{GRID}"/>\n<text x="{frame.x(t):.1f}" y="{bottom + 16}" text-anchor="middle">'
        f"{t:g}</text>\n"
        for t in frame.speed_ticks()
    ]
    middle = (TOP + bottom) / 2
    parts.append(
        f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
        "images/s after start, decoding included</text>\n"
        f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">'
        "SRCC with opinions, 95 % interval</text>\n"
    )
    return "".join(parts)


def _vertical(frame: Frame, number: int, name: str, speed: float) -> str:
    x, y = frame.x(speed), TOP - 4 - LABEL_HEIGHT * (number % 2)
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y + 2}" y2="{HEIGHT - BOTTOM}" stroke="{LINE}" '
        f'stroke-dasharray="2 3"/>\n<text x="{x:.1f}" y="{y}" text-anchor="middle" '
        f'fill="{LINE}">{escape(name)}</text>\n'
    )


def _bar(frame: Frame, point: Point) -> str:
    x = frame.x(point.speed)
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{frame.y(point.high):.1f}" '
        f'y2="{frame.y(point.low):.1f}" stroke="{POINT}" stroke-width="1.5"/>\n'
        f'<circle cx="{x:.1f}" cy="{frame.y(point.srcc):.1f}" r="4.5" fill="{POINT}"/>\n'
    )


def _heights(frame: Frame, points: Sequence[Point]) -> list[tuple[Point, float]]:
    """Each point with the height of its name, moved down where names would overlap."""
    placed: list[tuple[Point, float]] = []
    for point in sorted(points, key=lambda point: -point.srcc):
        x, height = frame.x(point.speed), frame.y(point.srcc)
        for other, taken in placed:
            start = frame.x(other.speed)
            apart = x > start + LETTER * len(other.name) or start > x + LETTER * len(point.name)
            if not apart and abs(height - taken) < LABEL_HEIGHT:
                height = taken + LABEL_HEIGHT
        placed.append((point, height))
    return placed


def _label(frame: Frame, point: Point, height: float, points: Sequence[Point]) -> str:
    """The name, on the right of its point, or on the left where it would lie on another point."""
    x = frame.x(point.speed)
    end = x + GAP + LETTER * len(point.name)
    covers = any(
        x < frame.x(other.speed) < end and abs(frame.y(other.srcc) - height) < LABEL_HEIGHT
        for other in points
    )
    place, anchor = (x - GAP, "end") if covers else (x + GAP, "start")
    return (
        f'<text x="{place:.1f}" y="{height + 4:.1f}" text-anchor="{anchor}" stroke="white" '
        f'stroke-width="3" paint-order="stroke">{escape(point.name)}</text>\n'
    )
