"""Predicted against measured gain as an SVG, one colour a class."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from gopt.fusion_gains.model import Model, half
from gopt.fusion_gains.table import CLASSES, Row

# Okabe and Ito's palette, as in the reports.
_COLORS = dict(
    zip(CLASSES, ("#0072B2", "#CC79A7", "#D55E00", "#E69F00", "#56B4E9", "#009E73"), strict=True)
)
_SIZE, _LEFT, _TOP, _GAP = 360, 70, 40, 90
_SMALLEST_US = 0.1  # Gains nearer to 0 than this stand at 0.


def draw(rows: Sequence[Row], model: Model, unfused: Callable[[Row], float]) -> str:
    """Two squares: gain in microseconds, and time op by op over time fused."""
    gain = _Panel(
        "gain, us",
        [(model.unfused_ns(r) - model.fused_ns(r), unfused(r) - r.fused_ns) for r in rows],
        lambda ns: math.copysign(math.log10(1 + abs(ns) / 1e3 / _SMALLEST_US), ns),
        [(v * 1e3, f"{v:g}") for v in (-1000, -100, -10, -1, 0, 1, 10, 100, 1000, 10000)],
    )
    ratio = _Panel(
        "time op by op / time fused",
        [(model.unfused_ns(r) / model.fused_ns(r), unfused(r) / r.fused_ns) for r in rows],
        math.log10,
        [(v, f"{v:g}") for v in (0.25, 0.5, 1, 2, 4, 8)],
    )
    width, height = _LEFT + 2 * _SIZE + _GAP + 20, _TOP + _SIZE + 130
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="Helvetica,Arial,sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *gain.draw(_LEFT, rows),
        *ratio.draw(_LEFT + _SIZE + _GAP, rows),
        *_legend(_TOP + _SIZE + 70),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Panel:
    """One square with the same axis twice: predicted to the right, measured upwards."""

    def __init__(
        self,
        title: str,
        points: list[tuple[float, float]],
        scale: Callable[[float], float],
        ticks: list[tuple[float, str]],
    ) -> None:
        self._title = title
        self._points = [(scale(x), scale(y)) for x, y in points]
        values = [value for point in self._points for value in point]
        margin = 0.04 * (max(values) - min(values))
        self._low, self._high = min(values) - margin, max(values) + margin
        self._ticks = [
            (scale(value), label)
            for value, label in ticks
            if self._low <= scale(value) <= self._high
        ]

    def draw(self, left: float, rows: Sequence[Row]) -> list[str]:
        bottom = _TOP + _SIZE
        xs = [left + self._along(value) for value, _ in self._ticks]
        ys = [bottom - self._along(value) for value, _ in self._ticks]
        parts = [
            f'<rect x="{left}" y="{_TOP}" width="{_SIZE}" height="{_SIZE}" fill="none" '
            'stroke="#888"/>',
            f'<text x="{left + _SIZE / 2}" y="{_TOP - 12}" text-anchor="middle" '
            f'font-size="14">{escape(self._title)}</text>',
            f'<text x="{left + _SIZE / 2}" y="{bottom + 38}" text-anchor="middle">predicted</text>',
            f'<text x="{left - 48}" y="{_TOP + _SIZE / 2}" text-anchor="middle" '
            f'transform="rotate(-90 {left - 48} {_TOP + _SIZE / 2})">measured</text>',
            f'<line x1="{left}" y1="{bottom}" x2="{left + _SIZE}" y2="{_TOP}" stroke="#bbb" '
            'stroke-dasharray="5 4"/>',
        ]
        for x, y, (_, label) in zip(xs, ys, self._ticks, strict=True):
            parts += [
                f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#eee"/>',
                f'<line x1="{left}" y1="{y:.1f}" x2="{left + _SIZE}" y2="{y:.1f}" stroke="#eee"/>',
                f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{label}</text>',
                f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>',
            ]
        for (x, y), row in zip(self._points, rows, strict=True):
            parts.append(_dot(left + self._along(x), bottom - self._along(y), row))
        return parts

    def _along(self, value: float) -> float:
        return (value - self._low) / (self._high - self._low) * _SIZE


def _dot(x: float, y: float, row: Row) -> str:
    color = _COLORS[row.group_class]
    fill = color if half(row) else "white"
    shape = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5"'
        if row.fused_kernels == 1
        else f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"'
    )
    return (
        f'{shape} fill="{fill}" stroke="{color}" stroke-width="1.6">'
        f"<title>{escape(row.name)}</title>{'</circle>' if shape[1] == 'c' else '</rect>'}"
    )


def _legend(top: float) -> list[str]:
    parts = []
    for i, (name, color) in enumerate(_COLORS.items()):
        x, y = _LEFT + (i % 3) * 210, top + (i // 3) * 20
        parts.append(f'<circle cx="{x}" cy="{y - 4}" r="4.5" fill="{color}"/>')
        parts.append(f'<text x="{x + 10}" y="{y}">{escape(name)}</text>')
    parts.append(
        f'<text x="{_LEFT}" y="{top + 44}" fill="#444">hollow: efficiencies were fitted on it; '
        "filled: not. round: the compiler made one kernel; square: several.</text>"
    )
    return parts
