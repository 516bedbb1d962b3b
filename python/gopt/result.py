"""What `optimize` and `compare` give: rows, the best plan, and where it stands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from gopt import _core
from gopt._text import bytes_text, table, time_text
from gopt.errors import ResourceExhaustedError


@dataclass(frozen=True)
class Row:
    """One solver's answer.

    Attributes:
      solver: As asked for.
      outcome: OK, INFEASIBLE (nothing fits in memory) or FAILED.
      reason: Why it is not OK.
      step_time_ns: Nanoseconds; None without a plan.
      lower_bound_ns: No legal plan is faster; 0: unknown.
      evaluations, seconds: What was spent.
      who: The solver that found the plan: for portfolios the inner one.
      stop: completed, evaluations, deadline or cancelled; "" without a plan.
      solution: With the plan, its report, the bounds and the curve; None without a plan.
      report: Of a plan that was given, not found.
    """

    solver: str
    outcome: str
    reason: str = ""
    step_time_ns: int | None = None
    lower_bound_ns: int = 0
    evaluations: int = 0
    seconds: float = 0.0
    who: str = ""
    stop: str = ""
    solution: _core.Solution | None = field(default=None, repr=False, compare=False)
    # Of a plan that no solver of this run made.
    report: _core.CostReport | None = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        return self.outcome == "OK"

    @property
    def curve(self) -> list[_core.CurvePoint]:
        """Improvements of the search in order; empty without a plan."""
        return [] if self.solution is None else self.solution.curve

    @property
    def peak_bytes(self) -> int:
        """Largest peak of any device, 0 without a plan."""
        report = self.report if self.solution is None else self.solution.report
        return 0 if report is None else max(report.peak_bytes, default=0)

    @property
    def kernels(self) -> int:
        """Kernels of the plan; 0 without one."""
        return 0 if self.solution is None else len(self.solution.plan.kernels)

    @property
    def fused_kernels(self) -> int:
        """Those of several ops."""
        if self.solution is None:
            return 0
        return sum(len(ops) > 1 for ops in self.solution.plan.kernels)

    def to_json(self) -> dict[str, Any]:
        """The row without its solution."""
        return {
            "solver": self.solver,
            "step_time_ns": self.step_time_ns,
            "lower_bound_ns": self.lower_bound_ns,
            "outcome": self.outcome,
            "reason": self.reason,
            "evaluations": self.evaluations,
            "seconds": round(self.seconds, 6),
            "who": self.who,
            "stop": self.stop,
            "peak_bytes": self.peak_bytes,
            "kernels": self.kernels,
            "fused_kernels": self.fused_kernels,
        }


class Result:
    """Rows of solvers on one problem, and the best plan among them. `print` shows the table.

    Attributes:
      problem: What was solved.
      backend: The CostBackend that priced the plans.
      rows: One Row per solver, in the order in which they ran.
    """

    def __init__(self, problem: _core.Problem, backend: _core.CostBackend, rows: list[Row]) -> None:
        self.problem = problem
        self.backend = backend
        self.rows = rows

    @classmethod
    def of_plan(
        cls,
        problem: _core.Problem,
        plan: _core.Plan,
        backend: _core.CostBackend | None = None,
    ) -> Result:
        """A result of one given plan, priced; InvalidArgumentError if it is illegal."""
        problem.validate(plan)
        backend = backend or _core.Simulator()
        report = _core.price(backend, problem, plan)
        row = Row(
            solver=plan.producer or "plan",
            outcome=report.outcome,
            reason=report.reason,
            step_time_ns=report.step_time,
            lower_bound_ns=_core.lower_bounds(problem).step_time,
            evaluations=1,
            who=plan.producer,
            report=report,
        )
        result = cls(problem, backend, [row])
        result._plan = plan
        return result

    _plan: _core.Plan | None = None

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def best(self) -> Row | None:
        """The row with the shortest step time; of equals the first. None if no row is OK.

        Plans over a memory limit, which best_effort asks for, count only where nothing else is.
        """
        candidates = [row for row in self.rows if row.ok] or [
            row for row in self.rows if row.step_time_ns is not None
        ]
        return min(candidates, key=lambda row: row.step_time_ns or 0, default=None)

    @property
    def plan(self) -> _core.Plan:
        """The best plan. ResourceExhaustedError if there is none."""
        if self._plan is not None:
            return self._plan
        best = self.best
        if best is None or best.solution is None:
            reasons = "; ".join(f"{row.solver}: {row.reason}" for row in self.rows)
            raise ResourceExhaustedError(f"no solver found a plan: {reasons}")
        return best.solution.plan

    @property
    def solution(self) -> _core.Solution | None:
        """The best row's solution."""
        return None if self.best is None else self.best.solution

    @property
    def step_time_ns(self) -> int | None:
        """Nanoseconds of the best plan, None if there is none."""
        return None if self.best is None else self.best.step_time_ns

    @property
    def lower_bound_ns(self) -> int:
        """No legal plan is faster; 0: unknown."""
        return max((row.lower_bound_ns for row in self.rows), default=0)

    @cached_property
    def cost_report(self) -> _core.CostReport:
        """The best plan's report with its start order, timeline and critical chain."""
        options = _core.EvaluateOptions(start_order=True, timeline=True, critical_chain=True)
        return _core.price(self.backend, self.problem, self.plan, options)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the best plan with its machine and expected cost; .txtpb is text."""
        _core.PlanFile(
            self.plan,
            machine=self.problem.machine,
            expected=_core.price(self.backend, self.problem, self.plan),
            lower_bound=self.lower_bound_ns,
        ).save(path)

    def report(self, path: str | os.PathLike[str]) -> None:
        """Writes one self-contained HTML page: timeline, memory, solvers, search curves."""
        from gopt.report import SolverRow, write_report

        rows = [
            SolverRow(
                solver=row.solver,
                outcome=row.outcome,
                reason=row.reason,
                found_by=row.who,
                step_time=row.step_time_ns,
                peak_bytes=row.peak_bytes,
                evaluations=row.evaluations,
                seconds=row.seconds,
                curve=tuple((p.evaluations, p.seconds, p.best) for p in row.curve),
            )
            for row in self.rows
        ]
        proven = [row.solution.bounds for row in self.rows if row.solution is not None]
        bounds = max(proven, key=lambda bounds: bounds.step_time, default=None)
        write_report(path, self.problem, self.plan, rows=rows, backend=self.backend, bounds=bounds)

    def to_json(self) -> dict[str, Any]:
        """The problem's names, the rows and the winner, for json.dump."""
        graph, machine = self.problem.graph, self.problem.machine
        return {
            "graph": {
                "name": graph.name,
                "ops": graph.num_ops,
                "edges": graph.num_edges,
                "fingerprint": f"{graph.fingerprint:016x}",
            },
            "machine": {"name": machine.name, "devices": machine.num_devices},
            "backend": self.backend.name(),
            "best": None if self.best is None else self.best.solver,
            "rows": [row.to_json() for row in self.rows],
        }

    def __str__(self) -> str:
        graph, machine = self.problem.graph, self.problem.machine
        title = f"{graph.name or 'graph'}: {graph.num_ops} ops on {machine.name}"
        return f"{title}\n\n{self._table()}\n\n{self._verdict()}"

    def __repr__(self) -> str:
        best = self.best
        text = (
            "no plan" if best is None else f"{time_text(best.step_time_ns or 0)} by {best.solver}"
        )
        return f"<gopt.Result of {len(self.rows)} rows: {text}>"

    def _table(self) -> str:
        header = ("solver", "step time", "x bound", "evaluations", "search", "found by")
        return table(header, [self._cells(row) for row in self.rows])

    def _cells(self, row: Row) -> tuple[str, ...]:
        if row.step_time_ns is None:
            time, over = row.outcome.lower(), "-"
        else:
            time = time_text(row.step_time_ns) + ("" if row.ok else f" ({row.outcome.lower()})")
            over = f"{row.step_time_ns / row.lower_bound_ns:.3f}" if row.lower_bound_ns else "-"
        return (row.solver, time, over, str(row.evaluations), f"{row.seconds:.2f} s", row.who)

    def _verdict(self) -> str:
        best = self.best
        lines = []
        if best is None or best.step_time_ns is None:
            lines.append("no solver found a plan")
        else:
            who = best.solver if best.who in ("", best.solver) else f"{best.solver} ({best.who})"
            lines.append(f"best: {who}, {time_text(best.step_time_ns)}{self._margin(best)}")
        if self.lower_bound_ns:
            lines.append(f"bound: {time_text(self.lower_bound_ns)}; no legal plan is faster")
        lines += [f"{row.solver}: {row.reason}" for row in self.rows if row.reason]
        peaks = [] if best is None or best.solution is None else best.solution.report.peak_bytes
        if self.problem.fusion and best is not None and best.kernels:
            lines.append(f"fusion: {best.kernels:,} kernels, {best.fused_kernels:,} of several ops")
        if any(peaks):
            lines.append("peak memory: " + ", ".join(bytes_text(peak) for peak in peaks))
        return "\n".join(lines)

    def _margin(self, best: Row) -> str:
        others = [row for row in self.rows if row.ok and row is not best and row.step_time_ns]
        if not others or not best.step_time_ns:
            return ""
        next_best = min(others, key=lambda row: row.step_time_ns or 0)
        ratio = (next_best.step_time_ns or 0) / best.step_time_ns
        if ratio == 1:
            return f", as is {next_best.solver}"
        return f", {ratio:.3f} times as fast as {next_best.solver}"
