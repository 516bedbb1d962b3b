"""Recomputation decided exactly, for a given order of one device's kernels.

After Jain et al., "Checkmate: Breaking the Memory Wall with Optimal Tensor Rematerialization"
(MLSys 2020), in gopt's own rules (docs/simulator.md, "Clones and recomputation", "Memory of a
device"): an op runs at most once more, all its backward readers read that copy, and a tensor is
freed after its last reader. B(i, t) says that op i runs again just before kernel t of the order.

minimise    sum of time(i) * B(i, t)
subject to  sum over t of B(i, t) <= 1                               one copy at most
            after i itself and not after its first backward reader   which B(i, t) exist
            a copy of j that reads op i follows the copy of i, if there is one
            bytes alive while a kernel or a copy runs <= limit       for each of them

A first copy is alive to its last forward reader; to its last backward reader unless i runs again;
and to the last copy that reads it unless i runs again. A second copy is alive from where it runs to
its last backward reader and the last copy that reads it. What is alive at a step where no copy runs
after all is alive at the step before, so every step may be bounded. The first copy of an op that
runs again and that no forward op needs is left out: such an op moves into the backward pass.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any

from gopt import _core
from gopt._text import bytes_text
from gopt.api import evaluate
from gopt.errors import GoptError, ResourceExhaustedError
from gopt.milp.alive import AliveBytes, Copies
from gopt.milp.program import Answer, Program, integer_bound
from gopt.milp.tape import Tape, read_tape


@dataclasses.dataclass(frozen=True)
class RecomputeOptions:
    """Attributes:
    start: plan whose kernels, device and start order stand; None: the problem's base plan, or its
      kernels in their order.
    max_kernels: that a step may have.
    max_places: places where ops may run again, over all of them.
    seconds: wall clock for the search; the best plan so far is the answer when it ends.
    stop: asked now and then; True ends the search like the clock.
    """

    start: Any | None = None
    max_kernels: int = 500
    max_places: int = 5000
    seconds: float = 60.0
    stop: Callable[[], bool] | None = None


@dataclasses.dataclass(frozen=True)
class Recomputation:
    """The least recomputation under which the step fits.

    Attributes:
      plan: the start plan's order as a sequence, with the ops that run again in it.
      report: of the plan, by the simulator.
      bound_ns: no plan with this order of kernels and this byte limit takes less; copies that run
        between the same two kernels run in that order too.
      recomputed: ids of the ops that run in the backward pass, ascending: once more, or only there
        if no other kernel reads them.
      places: variables of the program.
      seconds: that it took.
    """

    plan: Any
    report: Any
    bound_ns: int
    recomputed: list[int]
    places: int
    seconds: float

    @property
    def step_time_ns(self) -> int:
        return self.report.step_time

    @property
    def optimal(self) -> bool:
        return self.bound_ns == self.step_time_ns

    @property
    def gap(self) -> float:
        """How much longer than the bound, as a part of it."""
        return self.step_time_ns / self.bound_ns - 1 if self.bound_ns else 0.0


def recompute(
    problem: Any, byte_limit: int | None = None, options: RecomputeOptions | None = None
) -> Recomputation:
    """The plan with the shortest step whose peak is at most byte_limit.

    Forward ops alone in their kernels may run again in the backward pass, before the parameters
    that they read are updated. The order of the kernels is given (options.start); where copies run
    in it is free.

    Args:
      byte_limit: None: the device's memory.

    Raises:
      ResourceExhaustedError: no recomputation fits in the limit, or none was found in time; or the
        graph is too large for the options: both numbers are named.
      FailedPreconditionError: the start plan uses several devices or clones ops; HiGHS is not
        installed.
    """
    options = options or RecomputeOptions()
    started = time.monotonic()
    tape = read_tape(problem, options.start)
    limit = problem.memory_limit(tape.start.device[0])
    limit = limit if byte_limit is None else min(limit, byte_limit)
    copies = Copies(tape)
    _check_size(problem, tape, copies, options)
    program = Program()
    copies.add_to(program)
    AliveBytes(tape, copies, program).bound(limit)
    answer = program.solve(options.seconds - (time.monotonic() - started), options.stop)
    if answer.values is None:
        raise _nothing_found(problem, limit, answer.infeasible)
    steps = copies.steps(answer.values)
    plan = _plan(problem, tape, steps)
    report = _price(problem, plan, sum(tape.items[item].time for _, item in steps), limit)
    bound = report.step_time if answer.optimal else min(report.step_time, _bound(copies, answer))
    plan.metadata = {"milp_bound_ns": str(bound)}
    return Recomputation(
        plan=plan,
        report=report,
        bound_ns=bound,
        recomputed=plan.kernels.recomputed_ops,
        places=copies.num_places,
        seconds=time.monotonic() - started,
    )


def _bound(copies: Copies, answer: Answer) -> int:
    """Nanoseconds that the program's bound proves."""
    if not math.isfinite(answer.bound):
        return copies.fixed_time
    cost = integer_bound(answer.bound) - len(copies.places)  # The copies' own part of the cost.
    return copies.fixed_time + max(0, math.ceil(cost / copies.weight))


def _check_size(problem: Any, tape: Tape, copies: Copies, options: RecomputeOptions) -> None:
    what = f"exact recomputation of graph '{problem.graph.name}': "
    if len(tape.items) > options.max_kernels:
        raise ResourceExhaustedError(
            f"{what}{len(tape.items)} kernels, at most {options.max_kernels} (max_kernels)"
        )
    if copies.num_places > options.max_places:
        raise ResourceExhaustedError(
            f"{what}{copies.num_places} places where an op may run again, at most "
            f"{options.max_places} (max_places)"
        )


def _nothing_found(problem: Any, limit: int, proven: bool) -> GoptError:
    what = f"exact recomputation of graph '{problem.graph.name}' in {bytes_text(limit)}: "
    if proven:
        return ResourceExhaustedError(
            f"{what}whatever runs again, this order of kernels needs more"
        )
    return ResourceExhaustedError(f"{what}nothing found in the time given")


def _plan(problem: Any, tape: Tape, steps: list[tuple[int, int]]) -> Any:
    """The steps as a sequence; kernels of the start plan keep their order, copies come after."""
    firsts = sorted((tape.items[item].kernel, k) for k, (t, item) in enumerate(steps) if t == item)
    copies = [k for k, (t, item) in enumerate(steps) if t != item]
    rank = [k for _, k in firsts] + copies
    groups = [tape.start.kernels[kernel] for kernel, _ in firsts]
    again = [tape.items[steps[k][1]].again for k in copies]
    kernels = _core.Kernels(
        problem.graph,
        [*groups, *([op] for op in again)],
        recompute=[False] * len(groups) + [True] * len(again),
        recomputed_ops=sorted(again),
    )
    return _core.Plan(
        kernels,
        device=[tape.start.device[0]] * len(kernels),
        rank=rank,
        parameter_home=tape.start.parameter_home,
        dispatch="SEQUENCE",
        sequence=sorted(range(len(kernels)), key=lambda kernel: rank[kernel]),
        producer="milp_recompute",
    )


def _price(problem: Any, plan: Any, expected: int, limit: int) -> Any:
    """The simulator's report, which must say what the program said."""
    problem.validate(plan)
    report = evaluate(problem, plan)
    peak = max(report.peak_bytes)
    if report.step_time != expected or peak > limit:
        raise GoptError(
            f"exact recomputation: the program says {expected} ns in {limit} bytes, the simulator "
            f"{report.step_time} ns in {peak}; please report this"
        )
    return report
