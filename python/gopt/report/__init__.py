"""HTML reports, each one self-contained page.

Of a plan: timeline, memory, solvers, search curves. Of a run of gopt_bench_suite: the table of step
times, bars per workload, search curves. Of a training run: step times of the policy against the
baselines, and whether learning is healthy.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from gopt import training_log

from .data import ReportData, SolverRow, gather
from .page import render
from .suite_data import is_suite_file, read_suite
from .suite_page import render_suite
from .training_page import render_training

__all__ = [
    "ReportData",
    "SolverRow",
    "gather",
    "is_suite_file",
    "render",
    "write_report",
    "write_suite_report",
    "write_training_report",
]


def write_report(
    path: str | os.PathLike[str],
    problem: Any,
    plan: Any,
    *,
    rows: Sequence[SolverRow] = (),
    backend: Any = "simulator",
    found_by: str = "",
    title: str | None = None,
    bounds: Any = None,
) -> None:
    """Writes the page for `plan`, which is priced again with its timeline.

    problem: gopt.Problem. plan: gopt.Plan, legal for it. rows: the comparison that the plan came
    out of; may be empty. found_by: who made the plan; default plan.producer. title: default the
    graph's name. bounds: LowerBounds that a solver proved; default gopt.lower_bounds. OSError if
    the file cannot be written; GoptError if the plan cannot be priced.
    """
    import gopt

    report = gopt.evaluate(problem, plan, backend=backend, timeline=True, critical_chain=True)
    if report.outcome == "FAILED" or (len(report.kernel_spans) == 0 and len(plan.kernels) > 0):
        raise gopt.GoptError(f"no timeline to draw: {report.outcome} {report.reason}")
    data = gather(
        problem,
        plan,
        report,
        rows,
        bounds or gopt.lower_bounds(problem),
        title=title or problem.graph.name or "graph",
        found_by=found_by or plan.producer or "an unnamed solver",
    )
    text = render(data, gopt.__version__)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def write_suite_report(
    path: str | os.PathLike[str],
    suite_path: str | os.PathLike[str],
    *,
    title: str = "gopt benchmark suite",
) -> None:
    """Writes the page for what `gopt_bench_suite --json` left in `suite_path`.

    OSError if a file cannot be read or written; GoptError if it holds something else.
    """
    import gopt

    text = render_suite(read_suite(suite_path), gopt.__version__, title=title)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def write_training_report(
    path: str | os.PathLike[str], run_path: str | os.PathLike[str], *, title: str = ""
) -> None:
    """Writes the page for a training run, given its folder or its metrics.jsonl.

    The run may still be going on. title: default the run's name. OSError if a file cannot be read
    or written; InvalidArgumentError names the line of the log that is malformed.
    """
    import gopt

    text = render_training(training_log.read(run_path), gopt.__version__, title=title)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
