"""Draws what gopt_bench_learning --json wrote: best plan so far against plans priced, as SVG.

python benchmarks/plot_learning.py learning.json docs/images/learning_curves.svg

Needs matplotlib. A line is the median over seeds, the band from the least to the greatest.
"""

from __future__ import annotations

import argparse
import collections
import json
import math
import pathlib
import statistics
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

# Okabe and Ito's palette, as in the reports.
COLORS = {"policy, list": "#0072B2", "policy, direct": "#CC79A7", "random": "#D55E00"}
OTHER_COLORS = ("#009E73", "#E69F00", "#56B4E9")

# Limits and ticks of the two rows: everything, and what is near the classical plan.
ALL = (0.8, 12), (1, 2, 3, 5, 10)
NEAR = (0.8, 1.3), (0.8, 0.85, 0.9, 0.95, 1, 1.1, 1.2, 1.3)

Curve = list[tuple[int, float | None, float | None]]  # Plans, best so far, mean of the samples.


def at(curve: Curve, plans: int, column: int) -> float:
    """What stood last when so many plans were priced; nan before the first."""
    value = math.nan
    for point in curve:
        if point[0] > plans:
            break
        if point[column] is not None:
            value = float(point[column])
    return value


def draw_method(axes: Any, runs: list[dict[str, Any]], color: str, plans: int) -> None:
    counts = [2 ** (i / 4) for i in range(16, int(4 * math.log2(plans)) + 1)] + [plans]
    for column, style, name in ((1, "-", runs[0]["method"]), (2, ":", "its samples' mean")):
        rows = [(n, [at(run["curve"], int(n), column) for run in runs]) for n in counts]
        rows = [(n, values) for n, values in rows if all(map(math.isfinite, values))]
        if not rows:
            continue
        x = [n for n, _ in rows]
        axes.plot(x, [statistics.median(v) for _, v in rows], style, color=color, label=name)
        axes.fill_between(
            x, [min(v) for _, v in rows], [max(v) for _, v in rows], color=color, alpha=0.15
        )


def draw(runs: list[dict[str, Any]], path: pathlib.Path) -> None:
    graphs: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for run in runs:
        methods = graphs.setdefault(run["graph"], collections.defaultdict(list))
        methods[run["method"]].append(run)
    figure, grid = plt.subplots(
        2,
        len(graphs),
        figsize=(3.6 * len(graphs), 5.2),
        squeeze=False,
        sharex="col",
        height_ratios=(2, 3),
        layout="constrained",
    )
    plans = max(run["curve"][-1][0] for run in runs)
    for column, (graph, methods) in enumerate(graphs.items()):
        for axes, limits, ticks in ((grid[0][column], *ALL), (grid[1][column], *NEAR)):
            spare = iter(OTHER_COLORS)
            for method, own in methods.items():
                draw_method(axes, own, COLORS.get(method) or next(spare), plans)
            axes.axhline(1.0, color="#555", linewidth=1, label="best classical plan")
            axes.set(xscale="log", yscale="log", ylim=limits)
            axes.minorticks_off()
            axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.grid(alpha=0.3)
        grid[0][column].set_title(graph)
        grid[1][column].set_xlabel("plans priced")
    figure.supylabel("step time / best classical plan")
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    draw(json.loads(arguments.figures.read_text()), arguments.out)


if __name__ == "__main__":
    main()
