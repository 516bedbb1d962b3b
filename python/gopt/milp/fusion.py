"""Fusion decided exactly: set partitioning into kernels that no cycle joins.

minimise    sum of time(g) * x(g)            over all legal groups g
subject to  sum of x(g) over g with op = 1   for each op
            no cycle among the chosen groups

Cycles are excluded when they turn up. One of k groups enters group i at op v(i) and leaves it at
u(i); in any partition without it, some group holds no longer both v(i) and u(i), or one group holds
them all. With H(i) the groups that hold v(i) and u(i) but not all of these ops, that is
sum over i and H(i) of x <= k - 1.

Most groups are never looked at by the search: with L the cost of the linear relaxation, a partition
with a group of reduced cost r costs at least L + r, so that groups beyond the best partition found
are out. The search begins with those near L and goes on with wider reach until that is proven.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any

from gopt import _core
from gopt.api import evaluate
from gopt.errors import FailedPreconditionError, ResourceExhaustedError
from gopt.milp.bits import members
from gopt.milp.candidates import Candidates, find_candidates
from gopt.milp.cycles import Hop, shortest_cycles, strong_components
from gopt.milp.program import Program, exceeding, integer_bound

# Reduced costs of the groups that are tried first, as a part of the time without fusion.
_FIRST_REACH = 1e-3


@dataclasses.dataclass(frozen=True)
class FusionOptions:
    """Attributes:
    max_ops: ops in kernels that a graph may have.
    max_groups: convex groups to look at before giving up.
    seconds: wall clock for the search; the best partition so far is the answer when it ends.
    stop: asked now and then; True ends the search like the clock.
    """

    max_ops: int = 2000
    max_groups: int = 20_000
    seconds: float = 60.0
    stop: Callable[[], bool] | None = None


@dataclasses.dataclass(frozen=True)
class Fusion:
    """The best partition into kernels.

    Attributes:
      plan: its kernels on the ops' devices, in the base plan's order.
      report: of the plan, by the simulator.
      kernel_time_ns: sum of the kernels' times; on one device the step time.
      bound_ns: no legal partition of the ops (without clones) has a smaller sum.
      legal_groups: how many groups may be kernels.
      rounds: programs solved.
      seconds: that it took.
    """

    plan: Any
    report: Any
    kernel_time_ns: int
    bound_ns: int
    legal_groups: int
    rounds: int
    seconds: float

    @property
    def optimal(self) -> bool:
        return self.bound_ns == self.kernel_time_ns

    @property
    def gap(self) -> float:
        """How much larger than the bound, as a part of it."""
        return self.kernel_time_ns / self.bound_ns - 1 if self.bound_ns else 0.0


def fuse(problem: Any, options: FusionOptions | None = None) -> Fusion:
    """The partition into kernels with the smallest sum of kernel times, ops staying where they are.

    Ops are on the base plan's devices; on a machine of one device none is needed. Kernels follow
    the rules of docs/simulator.md, "What may fuse"; ops are not cloned. Memory is no constraint:
    `report` tells whether the plan fits.

    Raises:
      FailedPreconditionError: fusion is closed in the problem, ops have no devices, or HiGHS is not
        installed.
      ResourceExhaustedError: the graph is too large for the options; both numbers are named.
    """
    options = options or FusionOptions()
    started = time.monotonic()
    _check(problem, options)
    device = _op_devices(problem)
    candidates = find_candidates(problem, device, options.max_groups)
    search = _Partition(candidates, options)
    search.run(started + options.seconds)
    plan = _plan(problem, device, [candidates.sets.ids(mask) for mask in search.best])
    bound = min(search.bound, search.best_time)
    plan.metadata = {"milp_bound_ns": str(bound)}
    problem.validate(plan)
    return Fusion(
        plan=plan,
        report=evaluate(problem, plan),
        kernel_time_ns=search.best_time,
        bound_ns=bound,
        legal_groups=candidates.legal,
        rounds=search.rounds,
        seconds=time.monotonic() - started,
    )


def unfused(problem: Any) -> Any:
    """The plan in which each op is a kernel, ops staying where they are. Errors as of `fuse`."""
    return _plan(problem, _op_devices(problem), [[op] for op in problem.graph.kernel_ops])


class _Partition:
    """The program and its rounds; `best` are the groups of the best partition so far."""

    def __init__(self, candidates: Candidates, options: FusionOptions) -> None:
        self.sets = candidates.sets
        self.masks = candidates.masks
        self.time = dict(zip(candidates.masks, candidates.times, strict=True))
        self.stop = options.stop
        self.alone = [self.time[1 << i] for i in range(len(self.sets))]
        self.best = [1 << i for i in range(len(self.sets))]
        self.best_time = sum(self.alone)
        self.bound = 0
        self.rounds = 0
        self.program = self._program()

    def run(self, deadline: float) -> None:
        relaxed = self.program.relax(deadline - time.monotonic())
        if relaxed is None:
            return
        reach = _FIRST_REACH * self.best_time
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or (self.stop is not None and self.stop()):
                return
            near = [cost <= reach for cost in relaxed.reduced_costs]
            near[: len(self.sets)] = [True] * len(self.sets)
            answer = self.program.solve(left, self.stop, near)
            self.rounds += 1
            self._raise_bound(min(answer.bound, relaxed.cost + reach))
            cycles = [] if answer.values is None else self._take(answer.values)
            if cycles:
                self._forbid(cycles)
                continue
            if not answer.optimal:
                return
            needed = exceeding(self.best_time - sum(self.alone) - relaxed.cost)
            if needed <= reach:
                self.bound = self.best_time
                return
            reach = needed

    def _raise_bound(self, saved: float) -> None:
        """No partition costs less than its ops one by one and `saved` (below 0)."""
        proven = integer_bound(saved)
        if math.isfinite(proven):
            self.bound = max(self.bound, sum(self.alone) + int(proven))

    def _program(self) -> Program:
        """Costs are what a group saves against its ops alone: smaller numbers, the same best."""
        program = Program()
        holders: list[list[int]] = [[] for _ in range(len(self.sets))]
        for mask in self.masks:
            inside = list(members(mask))
            index = program.add_binary(self.time[mask] - sum(self.alone[i] for i in inside))
            for i in inside:
                holders[i].append(index)
        for row in holders:
            program.add_row(dict.fromkeys(row, 1.0), 1.0, 1.0)
        return program

    def _take(self, values: list[float]) -> list[list[Hop]]:
        """Remembers the partition, with its cyclic kernels taken apart; gives the cycles."""
        chosen = [m for m, x in zip(self.masks, values, strict=True) if x > 0.5]
        parts = []
        for component in strong_components(self.sets, chosen):
            if len(component) == 1:
                parts.append(component[0])
            else:
                parts += [1 << i for mask in component for i in members(mask)]
        total = sum(self.time[mask] for mask in parts)
        if total < self.best_time:
            self.best, self.best_time = parts, total
        return shortest_cycles(self.sets, chosen)

    def _forbid(self, cycles: list[list[Hop]]) -> None:
        for cycle in cycles:
            pairs = [1 << hop.enters | 1 << hop.leaves for hop in cycle]
            whole = 0
            for pair in pairs:
                whole |= pair
            terms: dict[int, float] = {}
            for index, mask in enumerate(self.masks):
                held = sum(1 for pair in pairs if pair & ~mask == 0)
                if held and whole & ~mask:
                    terms[index] = float(held)
            self.program.add_row(terms, upper=len(cycle) - 1.0)


def _check(problem: Any, options: FusionOptions) -> None:
    if not problem.fusion:
        raise FailedPreconditionError(
            f"exact fusion of graph '{problem.graph.name}': fusion is closed in this problem; make "
            "it with fusion=True"
        )
    count = len(problem.graph.kernel_ops)
    if count > options.max_ops:
        raise ResourceExhaustedError(
            f"exact fusion of graph '{problem.graph.name}': {count} ops in kernels, at most "
            f"{options.max_ops} (max_ops)"
        )


def _op_devices(problem: Any) -> list[int]:
    base = problem.base_plan
    if base is None and len(problem.machine) == 1:
        return [0] * problem.graph.num_ops
    if base is None:
        raise FailedPreconditionError(
            f"exact fusion on the {len(problem.machine)} devices of machine "
            f"'{problem.machine.name}' needs a placement: give the problem a base_plan"
        )
    if base.kernels.has_clones:
        raise FailedPreconditionError("exact fusion: the base plan clones ops, and no clones stay")
    return base.op_devices


def _plan(problem: Any, device: list[int], groups: list[list[int]]) -> Any:
    """The groups as kernels in the base plan's order: each has its ops' lowest rank."""
    groups = sorted(groups)
    base = problem.base_plan
    kernels = _core.Kernels(problem.graph, groups)
    placed = [device[group[0]] for group in groups]
    if base is None:
        return _core.Plan(kernels, device=placed, producer="milp_fusion")
    rank = base.rank
    if base.dispatch == "SEQUENCE":
        rank = [0] * len(base.kernels)
        for place, kernel in enumerate(base.sequence):
            rank[kernel] = place
    lowest = [min(rank[base.kernels.kernel_of(op)] for op in group) for group in groups]
    return _core.Plan(
        kernels,
        device=placed,
        rank=lowest,
        parameter_home=base.parameter_home,
        dispatch="FIFO" if base.dispatch == "FIFO" else "PRIORITY",
        producer="milp_fusion",
    )
