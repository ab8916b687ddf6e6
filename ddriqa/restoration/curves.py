"""The curves of a run as one SVG: a panel for each kind of number, against the step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, PANEL, LEFT, RIGHT, GAP = 720, 190, 70, 16, 46
COLOURS = ("#1f6feb", "#d1661f", "#2a9d4a", "#a23bbd", "#8a6d1a")
TICKS = 4

Points = list[tuple[float, float]]


def curves(rows: Sequence[Mapping[str, str]]) -> str:
    """The drawing of the rows of ``metrics.csv``.

    Losses, validation and learning rates have a panel each; where a panel has no number, it is
    left out. Numbers that aren't finite leave a gap.
    """
    panels = [
        (title, found)
        for title, prefix in (("loss", "loss_"), ("PSNR in dB", "psnr"), ("learning rate", "lr_"))
        if (found := _lines(rows, prefix))
    ]
    last = max((float(row["step"]) for row in rows), default=1.0) or 1.0
    drawn = [
        _panel(title, lines, last, GAP + place * (PANEL + GAP))
        for place, (title, lines) in enumerate(panels)
    ]
    height = GAP + len(panels) * (PANEL + GAP)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n{"".join(drawn)}</svg>\n'
    )


def _lines(rows: Sequence[Mapping[str, str]], prefix: str) -> dict[str, Points]:
    names = dict.fromkeys(name for row in rows for name in row if name.startswith(prefix))
    lines = {
        name: [(float(row["step"]), float(row[name])) for row in rows if row.get(name)]
        for name in names
    }
    return {name: points for name, points in lines.items() if points}


def _panel(title: str, lines: Mapping[str, Points], last: float, top: float) -> str:
    values = [y for points in lines.values() for _, y in points if math.isfinite(y)] or [0.0]
    low, high = min(values), max(values)
    if low == high:
        low, high = low - abs(low) / 10 - 1e-12, high + abs(high) / 10 + 1e-12

    def place(x: float, y: float) -> str:
        across = LEFT + (WIDTH - LEFT - RIGHT) * x / last
        return f"{across:.1f},{top + PANEL * (high - y) / (high - low):.1f}"

    parts = [f'<text x="{LEFT}" y="{top - 10}" font-weight="bold">{escape(title)}</text>\n']
    parts += [_tick(low, high, top, part / TICKS) for part in range(TICKS + 1)]
    parts.append(f'<text x="{LEFT}" y="{top + PANEL + 16}">0</text>\n')
    parts.append(
        f'<text x="{WIDTH - RIGHT}" y="{top + PANEL + 16}" text-anchor="end">'
        f"step {last:.0f}</text>\n"
    )
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        shown = [place(x, y) for x, y in points if math.isfinite(y)]
        parts.append(_dot(shown[0], colour) if len(shown) == 1 else _line(shown, colour))
        parts.append(
            f'<text x="{WIDTH - RIGHT}" y="{top - 10 + 14 * number}" text-anchor="end" '
            f'fill="{colour}">{escape(name)}</text>\n'
        )
    return "".join(parts)


def _line(points: Sequence[str], colour: str) -> str:
    joined = " ".join(points)
    return f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{joined}"/>\n'


def _dot(point: str, colour: str) -> str:
    """A line of one point would show nothing."""
    x, y = point.split(",")
    return f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>\n'


def _tick(low: float, high: float, top: float, part: float) -> str:
    y = top + PANEL * (1 - part)
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>\n'
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
        f"{low + part * (high - low):.4g}</text>\n"
    )
