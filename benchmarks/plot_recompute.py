"""Draws what gopt_bench_recompute --json wrote: step time against the memory limit, as SVG.

python benchmarks/plot_recompute.py curve.json docs/images/memory_curve.svg
"""

from __future__ import annotations

import argparse
import json
import pathlib
from typing import Any

GIB = 2**30
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 300, 230, 52, 44, 40
COLOURS = {"recompute": "#c1572b", "both": "#1f6f8b", "order": "#f0c000"}  # Bottom to top.
DASHES = {"recompute": "none", "both": "none", "order": "5 5"}
NAMES = {"order": "order alone", "recompute": "recomputation alone", "both": "both"}


def text(x: float, y: float, words: str, anchor: str = "middle", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{words}</text>'


def points(rows: list[dict[str, Any]], mode: str) -> list[tuple[float, float]]:
    """(limit / base peak, step time / base step time) of the limits that the mode meets."""
    found = []
    for row in rows:
        for plan in row["plans"]:
            if plan["mode"] == mode and plan["peak_bytes"] <= row["limit_bytes"]:
                limit = row["limit_bytes"] / row["base_peak_bytes"]
                found.append((limit, plan["step_time_ns"] / row["base_step_time_ns"]))
    return found


def panel(left: float, name: str, rows: list[dict[str, Any]], highest: float) -> list[str]:
    def x(limit: float) -> float:
        return left + LEFT + (1.0 - limit) / 0.9 * (WIDTH - LEFT - 14)

    def y(ratio: float) -> float:
        return TOP + (highest - ratio) / (highest - 1.0) * (HEIGHT - TOP - BOTTOM)

    peak = rows[0]["base_peak_bytes"] / GIB
    parts = [text(left + (WIDTH + LEFT) / 2, 22, f"{name} ({peak:.1f} GiB)", extra='class="title"')]
    for percent in (100, 80, 60, 40, 20):
        at = x(percent / 100)
        parts.append(f'<path d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}" class="grid"/>')
        parts.append(text(at, HEIGHT - BOTTOM + 16, f"{percent} %"))
    ticks = int((highest - 1.0) / 0.1 + 0.5)
    for i in range(ticks + 1):
        at = y(1.0 + i / 10)
        parts.append(f'<path d="M{left + LEFT} {at:.1f}H{left + WIDTH - 14}" class="grid"/>')
        parts.append(text(left + LEFT - 6, at + 4, f"{1.0 + i / 10:.1f}", "end"))
    for mode, colour in COLOURS.items():
        found = points(rows, mode)
        path = "L".join(f"{x(limit):.1f} {y(ratio):.1f}" for limit, ratio in found)
        if found:
            parts.append(
                f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2" '
                f'stroke-dasharray="{DASHES[mode]}"/>'
            )
        for limit, ratio in found:
            parts.append(f'<circle cx="{x(limit):.1f}" cy="{y(ratio):.1f}" r="3" fill="{colour}"/>')
    parts.append(text(left + (WIDTH + LEFT) / 2, HEIGHT - 8, "memory limit, part of the peak"))
    return parts


def draw(rows: list[dict[str, Any]]) -> str:
    by_graph: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_graph.setdefault(row["graph"], []).append(row)
    ratios = [r for own in by_graph.values() for mode in COLOURS for _, r in points(own, mode)]
    highest = 1.0 + 0.1 * max(1, -int(-(max(ratios) - 1.0) / 0.1 // 1))
    width, height = WIDTH * len(by_graph), HEIGHT + 26
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
        "<style>.grid{stroke:#ddd}.title{font-size:13px;font-weight:bold}</style>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
        text(
            12,
            (TOP + HEIGHT - BOTTOM) / 2,
            "step time, relative",
            "middle",
            f'transform="rotate(-90 12 {(TOP + HEIGHT - BOTTOM) / 2})"',
        ),
    ]
    for i, (name, own) in enumerate(by_graph.items()):
        parts += panel(i * WIDTH, name, own, highest)
    for i, (mode, colour) in enumerate(COLOURS.items()):
        at = LEFT + i * 170
        parts.append(f'<path d="M{at} {HEIGHT + 12}h22" stroke="{colour}" stroke-width="2"/>')
        parts.append(text(at + 28, HEIGHT + 16, NAMES[mode], "start"))
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.out.write_text(draw(json.loads(arguments.figures.read_text())))


if __name__ == "__main__":
    main()
