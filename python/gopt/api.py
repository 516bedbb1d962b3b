"""The front door: evaluate, optimize, compare."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from gopt import _core, _learned
from gopt.errors import GoptError, InvalidArgumentError, ResourceExhaustedError
from gopt.result import Result, Row

if TYPE_CHECKING:
    from gopt.policy import Policy

# What the table of `optimize` shows besides the solver asked for: quick, and each a known method.
BASELINES = ("single_device", "expert", "metis", "heft", "list")

# Of the arguments that a Problem brings itself; the others are None.
_PROBLEM_DEFAULTS = {"fusion": False, "placement": True, "scheduling": True}

ProgressCallback = Callable[[_core.Progress], None]


def evaluate(
    problem: _core.Problem,
    plan: _core.Plan,
    backend: str | _core.CostBackend = "simulator",
    *,
    timeline: bool = True,
    start_order: bool = True,
    critical_chain: bool = True,
) -> _core.CostReport:
    """Prices one plan.

    An illegal plan, or one over a memory limit, is a report with outcome INFEASIBLE and a reason.

    Args:
      backend: A spec, "simulator(contention=false)", or an object.
      timeline, start_order, critical_chain: What the report shall hold besides its numbers.

    Raises:
      GoptError: the backend cannot price this problem at all. A Python backend's own exception.
    """
    options = _core.EvaluateOptions(
        start_order=start_order, timeline=timeline, critical_chain=critical_chain
    )
    return _core.price(as_backend(backend), problem, plan, options)


def optimize(
    graph: Any,
    machine: _core.Machine | str | None = None,
    solver: str | _core.Solver | None = None,
    *,
    policy: str | os.PathLike[str] | Policy | None = None,
    backend: str | _core.CostBackend = "simulator",
    seconds: float | None = None,
    evaluations: int | None = None,
    seed: int = 0,
    threads: int = 1,
    constraints: _core.Constraints | None = None,
    base_plan: _core.Plan | None = None,
    fusion: bool = False,
    placement: bool = True,
    scheduling: bool = True,
    start_plans: Sequence[_core.Plan] = (),
    baselines: Iterable[str] = BASELINES,
    best_effort: bool = False,
    objective: str = "step_time",
    byte_limit: int = 0,
    progress: ProgressCallback | None = None,
    cancel: _core.CancelToken | None = None,
) -> Result:
    """Finds a plan. The result is never worse than the baselines, which start the search.

    Args:
      graph: A Graph, something with one (`gopt.capture` gives such), or a Problem.
      machine: A Machine, a preset, or a file of one; None if `graph` is a Problem.
      solver: A spec, "anneal(evaluations=10000)", or an object; default: "portfolio", or with a
        policy the solver "gopt": classical plans, the policy's, then annealing.
      policy: A learned policy or its file, in place of a solver.
      backend: What prices plans: a spec or an object.
      seconds: Wall clock for everything together, baselines included; None: no limit.
      evaluations: Plans that `solver` may price; None: no limit. Without any limit each solver has
        its own.
      seed: Same seed and evaluations give the same plan.
      threads: At most; no solver uses more than one yet.
      constraints, base_plan, fusion, placement, scheduling: As in Problem. A base plan that is
        legal is a start too, so that a search never ends with a worse one.
      start_plans: Further plans to begin at.
      baselines: Specs of quick solvers whose rows the table shows and whose plans start the search;
        names that are not registered are left out.
      best_effort: Return the least bad plan when nothing fits in memory.
      objective: "step_time", "peak_bytes", or "step_time_under_limit" with byte_limit.
      progress: Called with a Progress a few times a second, from the solving thread.
      cancel: Ends the search from another thread.

    Ctrl-C ends the search; the best plan so far is returned, with row.stop "cancelled".

    Raises:
      ResourceExhaustedError: nothing fits in memory, with the bound that proves it if there is one.
      GoptError: a bad spec, contradictory constraints, ...
    """
    problem = as_problem(
        graph,
        machine,
        constraints=constraints,
        base_plan=base_plan,
        fusion=fusion,
        placement=placement,
        scheduling=scheduling,
    )
    run = _Run(
        problem,
        as_backend(backend),
        seed=seed,
        threads=threads,
        objective=objective,
        byte_limit=byte_limit,
        progress=progress,
        cancel=cancel or _core.CancelToken(),
    )
    deadline = None if seconds is None else time.monotonic() + seconds
    wanted = _wanted_solver(solver, policy)
    label = solver if isinstance(solver, str) else wanted.name()
    for name in _registered(baselines, without=label):
        if run.cancelled or _left(deadline) == 0:
            break
        run.add(name, as_solver(name), seconds=_left(deadline), evaluations=evaluations)
    starts = [*start_plans, *_base_plans(problem), *run.plans()]
    error = None
    # A search with nothing left still prices its starts, so that every budget gives a plan.
    if not run.cancelled or not starts:
        error = run.add(
            label,
            wanted,
            seconds=_left(deadline),
            evaluations=evaluations,
            start_plans=starts,
            best_effort=best_effort,
        )
    result = run.result()
    if error is not None and (result.best is None or not isinstance(error, ResourceExhaustedError)):
        raise error
    return result


def compare(
    graph: Any,
    machine: _core.Machine | str | None = None,
    solvers: str | Iterable[str | _core.Solver] = (*BASELINES, "anneal", "portfolio"),
    *,
    backend: str | _core.CostBackend = "simulator",
    seconds: float | None = None,
    evaluations: int | None = None,
    seed: int = 0,
    threads: int = 1,
    constraints: _core.Constraints | None = None,
    base_plan: _core.Plan | None = None,
    fusion: bool = False,
    placement: bool = True,
    scheduling: bool = True,
    best_effort: bool = False,
    objective: str = "step_time",
    byte_limit: int = 0,
    progress: ProgressCallback | None = None,
    cancel: _core.CancelToken | None = None,
) -> Result:
    """The same budget, backend and seed for each solver, one after the other.

    A solver that finds no plan is a row that says why. Iterating over the result gives its rows.

    Args:
      solvers: Specs, in one string with commas or several, or objects. The others: as `optimize`,
        but each solver gets the budget in full.

    Raises:
      GoptError: a bad spec, before anything is run; contradictory constraints.
    """
    problem = as_problem(
        graph,
        machine,
        constraints=constraints,
        base_plan=base_plan,
        fusion=fusion,
        placement=placement,
        scheduling=scheduling,
    )
    run = _Run(
        problem,
        as_backend(backend),
        seed=seed,
        threads=threads,
        objective=objective,
        byte_limit=byte_limit,
        progress=progress,
        cancel=cancel or _core.CancelToken(),
    )
    listed = split_specs(solvers) if isinstance(solvers, str) else list(solvers)
    wanted = [(s if isinstance(s, str) else s.name(), as_solver(s)) for s in listed]
    if not wanted:
        raise InvalidArgumentError("compare: no solvers are named")
    for name, solver in wanted:
        if run.cancelled:
            break
        try:
            run.add(name, solver, seconds=seconds, evaluations=evaluations, best_effort=best_effort)
        except KeyboardInterrupt:
            if not run.rows:
                raise
    return run.result()


class _Run:
    """Rows of solvers on one problem, under common settings."""

    def __init__(
        self,
        problem: _core.Problem,
        backend: _core.CostBackend,
        cancel: _core.CancelToken,
        **common,
    ) -> None:
        self.problem = problem
        self.backend = backend
        self.cancel = cancel
        self.common = common
        self.rows: list[Row] = []
        self._bound: int | None = None

    @property
    def cancelled(self) -> bool:
        return self.cancel.cancelled

    def add(self, name: str, solver: _core.Solver, **request: Any) -> GoptError | None:
        """Runs a solver and keeps its row; gives the error that is the reason of a row."""
        started = time.monotonic()
        try:
            solution = _core.solve(
                solver, self.problem, self.backend, cancel=self.cancel, **self.common, **request
            )
        except GoptError as error:
            outcome = "INFEASIBLE" if isinstance(error, ResourceExhaustedError) else "FAILED"
            row = Row(
                solver=name,
                outcome=outcome,
                reason=str(error),
                lower_bound_ns=self._lower_bound(),
                seconds=time.monotonic() - started,
            )
            self.rows.append(row)
            return error
        self.rows.append(row_of(name, solution))
        return None

    def plans(self) -> list[_core.Plan]:
        return [row.solution.plan for row in self.rows if row.ok and row.solution is not None]

    def result(self) -> Result:
        return Result(self.problem, self.backend, self.rows)

    def _lower_bound(self) -> int:
        if self._bound is None:
            self._bound = _core.lower_bounds(self.problem).step_time
        return self._bound


def row_of(name: str, solution: _core.Solution) -> Row:
    """The row of a solver that found a plan."""
    return Row(
        solver=name,
        outcome=solution.report.outcome,
        reason=solution.report.reason,
        step_time_ns=solution.report.step_time,
        lower_bound_ns=solution.bounds.step_time,
        evaluations=solution.evaluations,
        seconds=solution.seconds,
        who=solution.solver,
        stop=solution.stop,
        solution=solution,
    )


def as_machine(machine: _core.Machine | str) -> _core.Machine:
    """A machine as it is; a preset or file by name."""
    return _core.Machine.from_spec(machine) if isinstance(machine, str) else machine


def as_backend(backend: str | _core.CostBackend) -> _core.CostBackend:
    return _core.backend_from_spec(backend) if isinstance(backend, str) else backend


def as_solver(solver: str | _core.Solver) -> _core.Solver:
    if not isinstance(solver, str):
        return solver
    if solver.split("(")[0].strip() in _learned.SOLVERS:
        _learned.native()
    return _core.solver_from_spec(solver)


def solvers() -> list[tuple[str, str]]:
    """(name, summary) of each solver, those that need torch included, by name."""
    return sorted((_learned.SOLVERS | dict(_core.solvers())).items())


def _wanted_solver(
    solver: str | _core.Solver | None, policy: str | os.PathLike[str] | Policy | None
) -> _core.Solver:
    if policy is None:
        return as_solver("portfolio" if solver is None else solver)
    if solver is not None:
        raise InvalidArgumentError("optimize: a solver and a policy are given; one is enough")
    from gopt.policy import gopt_solver

    return gopt_solver(policy)


def as_problem(graph: Any, machine: _core.Machine | str | None, **options: Any) -> _core.Problem:
    """A Problem as it is, or one of a graph (or something with one) and a machine."""
    if isinstance(graph, _core.Problem):
        for name, value in {"machine": machine, **options}.items():
            if value != _PROBLEM_DEFAULTS.get(name):
                raise InvalidArgumentError(f"{name}: a Problem is given, which has its own already")
        return graph
    graph = graph if isinstance(graph, _core.Graph) else getattr(graph, "graph", graph)
    if not isinstance(graph, _core.Graph):
        raise TypeError(f"a gopt.Graph or gopt.Problem is needed, not {type(graph).__name__}")
    if machine is None:
        raise InvalidArgumentError("no machine is named; see gopt.machine_presets()")
    return _core.Problem(graph, as_machine(machine), **options)


def _base_plans(problem: _core.Problem) -> list[_core.Plan]:
    """The problem's base plan, if it has one that obeys all rules as it is."""
    plan = problem.base_plan
    if plan is None:
        return []
    try:
        problem.validate(plan)
    except GoptError:
        return []
    return [plan]


def split_specs(text: str) -> list[str]:
    """Specs in one string, split at the commas that are in no parentheses."""
    specs, depth, start = [], 0, 0
    for i, letter in enumerate(text + ","):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth <= 0:
            specs.append(text[start:i].strip())
            start = i + 1
    return [spec for spec in specs if spec]


def _registered(names: Iterable[str], without: str) -> list[str]:
    known = {name for name, _ in _core.solvers()}
    return [name for name in names if name.split("(")[0] in known and name != without]


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())
