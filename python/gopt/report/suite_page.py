"""Fills the template of a suite's page."""

from __future__ import annotations

from . import suite_figures
from .page import figure_html, render_template
from .suite_data import USUAL_REFERENCE, SuiteData, SuiteFigure


def render_suite(data: SuiteData, version: str, *, title: str) -> str:
    """The page as one self-contained HTML text."""
    return render_template(
        "suite.html.jinja",
        title=title,
        lead=[lead(data, setting) for setting in data.settings],
        facts=_facts(data),
        settings=[_section(data, setting) for setting in data.settings],
        reference=data.reference,
        version=version,
    )


def lead(data: SuiteData, setting: str) -> str:
    """Who won in this setting, in a sentence or two."""
    means = {s: data.means[setting, s] for s in data.solvers_of(setting)}
    compared = [s for s, mean in means.items() if mean.rows > 0 and s != data.reference]
    if not compared:
        return f"{setting}: nothing was run that can be compared with {data.reference}."
    # Only those that fit wherever the expert does, else a mean is over easier rows.
    most = max(means[s].rows for s in compared)
    best = max((s for s in compared if means[s].rows == most), key=lambda s: means[s].reduction)
    mean = means[best]
    less = f"{100 * abs(mean.reduction):.1f} % {'less' if mean.reduction >= 0 else 'more'}"
    usual = data.reference == USUAL_REFERENCE
    than = "the placement of a human expert" if usual else data.reference
    text = f"{setting}: {best} needs {less} time than {than}, in geometric mean"
    text += f" over {_rows_text(mean.rows, len(data.rows_of(setting)))}"
    if mean.over_bound:
        text += f", and {mean.over_bound:.2f} times what no plan can be below"
    return text + "."


def _rows_text(compared: int, rows: int) -> str:
    """'6 workloads', or '1 of 6 workloads'."""
    of_all = "" if compared == rows else f"{compared} of "
    return f"{of_all}{rows} workload{'' if rows == 1 else 's'}"


def _facts(data: SuiteData) -> list[tuple[str, str]]:
    runs = [run for of_key in data.runs.values() for run in of_key]
    budgets = sorted({run.budget for run in runs})
    facts = [
        ("workloads", f"{len({row.name for row in data.rows})}"),
        ("solvers", f"{len(data.solvers)}"),
        ("budget, plans", ", ".join(f"{budget:,}" for budget in budgets)),
        ("seeds", f"{max((run.seed for run in runs), default=0) + 1}"),
    ]
    starts = sorted({run.starts for run in runs if run.starts})
    facts.append(("searches start at", "; ".join(starts) if starts else "their own plans"))
    deadlines = sorted({run.deadline_seconds for run in runs if run.deadline_seconds})
    if deadlines:
        facts.append(("deadline", ", ".join(f"{seconds:g} s" for seconds in deadlines)))
    return facts


def _section(data: SuiteData, setting: str) -> dict:
    curves = suite_figures.curves(data, setting)
    return {
        "name": setting,
        "machines": _machines(data, setting),
        "table": _table(data, setting),
        "bars": figure_html(suite_figures.bars(data, setting), f"bars-{setting}"),
        "curves": None if curves is None else figure_html(curves, f"curves-{setting}"),
        "left_out": _left_out(data, setting),
    }


def _machines(data: SuiteData, setting: str) -> str:
    """'p100x2, p100x4'; memory limits differ from row to row and are not listed."""
    machines = [row.machine for row in data.rows_of(setting)]
    text = ", ".join(sorted({machine.split("(")[0] for machine in machines}))
    return text + (", memory limited" if any("(" in machine for machine in machines) else "")


def _table(data: SuiteData, setting: str) -> dict:
    rows = data.rows_of(setting)
    fastest = [
        min(
            (f.median_ns for s in data.solvers if (f := data.figure(row, s)) and f.ok),
            default=0,
        )
        for row in rows
    ]
    lines = []
    for solver in data.solvers_of(setting):
        mean = data.means[setting, solver]
        lines.append(
            {
                "solver": solver,
                "cells": [
                    _cell(data.figure(row, solver), best)
                    for row, best in zip(rows, fastest, strict=True)
                ],
                "reduction": f"{100 * mean.reduction:.1f} %" if mean.rows else "",
                "rows": mean.rows if mean.rows < len(rows) else None,
                "over_bound": f"{mean.over_bound:.2f}" if mean.over_bound else "",
                "over_best": f"{mean.over_best:.2f}" if mean.over_best else "",
            }
        )
    return {
        "rows": [(row.name, row.devices) for row in rows],
        "known": [
            ("critical path", [milliseconds(row.critical_path_ns) for row in rows]),
            ("lower bound", [milliseconds(row.lower_bound_ns) for row in rows]),
        ],
        "lines": lines,
        "any_best": any(line["over_best"] for line in lines),
    }


def _cell(figure: SuiteFigure | None, fastest: int) -> dict:
    if figure is None:
        return {"text": "", "hint": "not run"}
    if not figure.ok:
        short = "OOM" if figure.outcome == "out of memory" else figure.outcome
        return {"text": short, "hint": figure.reason, "bad": True}
    hint = f"{figure.seeds} seeds" if figure.seeds > 1 else ""
    return {
        "text": milliseconds(figure.median_ns),
        "hint": hint,
        "best": figure.median_ns == fastest,
    }


def milliseconds(ns: int) -> str:
    """'1234', '45.6', '4.57': three digits or more."""
    value = ns / 1e6
    return f"{value:.0f}" if value >= 100 else f"{value:.{1 if value >= 10 else 2}f}"


def _left_out(data: SuiteData, setting: str) -> list[tuple[str, str, str]]:
    """(solver, workload, reason) of every figure that is none."""
    return [
        (solver, row.name, figure.reason or figure.outcome)
        for row in data.rows_of(setting)
        for solver in data.solvers_of(setting)
        if (figure := data.figure(row, solver)) is not None and not figure.ok
    ]
