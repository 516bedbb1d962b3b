"""The exact baselines as solvers, for `gopt.compare` and `gopt.optimize`."""

from __future__ import annotations

import dataclasses
from typing import Any

from gopt import _core
from gopt.errors import FailedPreconditionError, ResourceExhaustedError
from gopt.milp.fusion import FusionOptions, fuse, unfused
from gopt.milp.recomputation import RecomputeOptions, recompute
from gopt.milp.tape import default_start


class FusionSolver(_core.Solver):
    """`gopt.milp.fuse` under a search's budget. The plan's metadata hold milp_bound_ns."""

    def __init__(self, options: FusionOptions | None = None) -> None:
        super().__init__()
        self.options = options or FusionOptions()

    def name(self) -> str:
        return "milp_fusion"

    def solve(self, search: Any) -> Any:
        """Gives the best partition found within the search's budget."""
        if search.problem.fusion:
            _price_first(search, unfused(search.problem))
        return fuse(search.problem, _within(search, self.options)).plan


class RecomputeSolver(_core.Solver):
    """`gopt.milp.recompute` under a search's budget, for the order of options.start, or for the
    default order and those of the search's start plans. The limit is the device's memory and that
    of the objective step_time_under_limit. The plan's metadata hold milp_bound_ns, which is for
    its order."""

    def __init__(self, options: RecomputeOptions | None = None) -> None:
        super().__init__()
        self.options = options or RecomputeOptions()

    def name(self) -> str:
        return "milp_recompute"

    def solve(self, search: Any) -> None:
        """Prices the best plan for each order.

        Raises:
          ResourceExhaustedError, FailedPreconditionError: no order has one; why the first has none.
        """
        starts = [self.options.start or default_start(search.problem)]
        if self.options.start is None:
            starts += search.start_plans
        _price_first(search, starts[0])
        refusals = []
        for start in starts:
            options = dataclasses.replace(_within(search, self.options), start=start)
            try:
                plan = recompute(search.problem, search.byte_limit, options).plan
            except (ResourceExhaustedError, FailedPreconditionError) as refusal:
                refusals.append(refusal)
                continue
            search.evaluate(plan)
        if len(refusals) == len(starts):
            raise refusals[0]


def _price_first(search: Any, plan: Any) -> None:
    """A search with no plan yet is never exhausted, not even by Ctrl-C."""
    if search.remaining > 1:
        search.evaluate(plan)


def _within(search: Any, options: Any) -> Any:
    """The options, for a program that ends when the search has to."""
    seconds = min(options.seconds, search.seconds_left)
    return dataclasses.replace(options, seconds=seconds, stop=options.stop or search.exhausted)
