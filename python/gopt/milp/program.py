"""A mixed-integer linear program that grows, and its solution by HiGHS.

(Huangfu, Hall: Parallelizing the dual revised simplex method, Math. Prog. Comp. 10, 2018.)
"""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gopt.errors import FailedPreconditionError, GoptError

# Costs are integers, so an answer this close to its bound is the best one.
_INTEGER_GAP = 0.9
# HiGHS counts a value this far from an integer as one. Costs reach 1e9, the sum must be exact.
_INTEGRALITY = 1e-9
# What HiGHS's own tolerances may move a bound by, as a part of it.
_BOUND_TOLERANCE = 1e-6


@dataclasses.dataclass(frozen=True)
class Relaxation:
    """The best solution when variables may be fractions.

    Attributes:
      cost: no solution costs less.
      reduced_costs: one per variable: a solution with this variable at 1 costs at least so much
        more than `cost`.
    """

    cost: float
    reduced_costs: list[float]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What is known of a program.

    Attributes:
      values: one per variable; None if no solution was found.
      bound: no solution costs less; +infinity if it is proven that there is none.
      optimal: `values` are the best, or it is proven that there are none.
    """

    values: list[float] | None
    bound: float
    optimal: bool

    @property
    def infeasible(self) -> bool:
        return self.bound == math.inf


class Program:
    """Minimises an integer cost over variables between bounds, subject to rows."""

    def __init__(self) -> None:
        self._cost: list[float] = []
        self._upper: list[float] = []
        self._integer: list[bool] = []
        self._rows: list[tuple[float, float, dict[int, float]]] = []

    @property
    def num_variables(self) -> int:
        return len(self._cost)

    @property
    def num_rows(self) -> int:
        return len(self._rows)

    def add_binary(self, cost: int = 0) -> int:
        """A variable that is 0 or 1; gives its index."""
        return self._add(cost, integer=True)

    def add_fraction(self, cost: int = 0) -> int:
        """A variable in [0, 1]; gives its index."""
        return self._add(cost, integer=False)

    def add_row(
        self, terms: Mapping[int, float], lower: float = -math.inf, upper: float = math.inf
    ) -> None:
        """lower <= sum of coefficient * variable <= upper; terms: coefficient by variable."""
        self._rows.append((lower, upper, dict(terms)))

    def relax(self, seconds: float = math.inf) -> Relaxation | None:
        """None if the time was too short, or there is no solution."""
        highs = _engine(seconds, None)
        _checked(highs.passModel(self._model(self._upper, integer=False)), "the program is refused")
        _checked(highs.run(), "the relaxation failed")
        if highs.getModelStatus() != _highspy().HighsModelStatus.kOptimal:
            return None
        cost = highs.getInfo().objective_function_value
        return Relaxation(cost, list(highs.getSolution().col_dual))

    def solve(
        self,
        seconds: float = math.inf,
        stop: Callable[[], bool] | None = None,
        only: Sequence[bool] | None = None,
    ) -> Answer:
        """The cheapest solution, or the best within the time. The same in every run unless the time
        ends it.

        Args:
          stop: asked now and then; True ends the search.
          only: per variable, False for those that stay 0.

        Raises:
          FailedPreconditionError: highspy is not installed.
        """
        highs = _engine(seconds, stop)
        if not self._cost:
            return self._without_variables()
        upper = self._upper
        if only is not None:
            upper = [float(u and free) for u, free in zip(upper, only, strict=True)]
        _checked(highs.passModel(self._model(upper, integer=True)), "the program is refused")
        _checked(highs.run(), "the search failed")
        return _answer(highs)

    def _without_variables(self) -> Answer:
        """HiGHS does not look at the rows of such a program."""
        if all(lower <= 0 <= upper for lower, upper, _ in self._rows):
            return Answer([], 0.0, True)
        return Answer(None, math.inf, True)

    def _add(self, cost: int, integer: bool) -> int:
        self._cost.append(float(cost))
        self._upper.append(1.0)
        self._integer.append(integer)
        return len(self._cost) - 1

    def _model(self, upper: list[float], integer: bool) -> Any:
        highspy = _highspy()
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = self.num_variables, self.num_rows
        lp.col_cost_ = self._cost
        lp.col_lower_ = [0.0] * self.num_variables
        lp.col_upper_ = upper
        lp.row_lower_ = [row[0] for row in self._rows]
        lp.row_upper_ = [row[1] for row in self._rows]
        starts, index, value = [0], [], []
        for _, _, terms in self._rows:
            index += terms.keys()
            value += terms.values()
            starts.append(len(index))
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = self.num_variables, self.num_rows
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = starts, index, value
        if integer:
            kinds = highspy.HighsVarType
            lp.integrality_ = [kinds.kInteger if i else kinds.kContinuous for i in self._integer]
        return lp


def integer_bound(bound: float) -> float:
    """What a bound of HiGHS proves of integer costs, its tolerances taken off; may be infinite."""
    if math.isinf(bound):
        return bound
    return math.ceil(bound - _BOUND_TOLERANCE * max(1.0, abs(bound)))


def exceeding(cost: float) -> float:
    """A little more than this difference of costs: what HiGHS may mean by it."""
    return cost + 1.0 + _BOUND_TOLERANCE * abs(cost)


def _highspy() -> Any:
    try:
        return importlib.import_module("highspy")
    except ImportError as error:
        raise FailedPreconditionError(
            "gopt.milp needs the solver HiGHS: pip install 'gopt[milp]', or pip install highspy"
        ) from error


def _engine(seconds: float, stop: Callable[[], bool] | None) -> Any:
    highs = _highspy().Highs()
    options = {
        "output_flag": False,
        "threads": 1,
        "random_seed": 0,
        "mip_rel_gap": 0.0,
        "mip_abs_gap": _INTEGER_GAP,
        "mip_feasibility_tolerance": _INTEGRALITY,
        "time_limit": max(0.0, seconds),
    }
    for name, value in options.items():
        _checked(highs.setOptionValue(name, value), f"no option {name}={value}")
    if stop is not None:
        highs.cbMipInterrupt += lambda event: event.interrupt(stop())
    return highs


def _checked(status: Any, what: str) -> None:
    if status == _highspy().HighsStatus.kError:
        raise GoptError(f"HiGHS: {what}")


def _answer(highs: Any) -> Answer:
    states = _highspy().HighsModelStatus
    state, info = highs.getModelStatus(), highs.getInfo()
    if state == states.kInfeasible:
        return Answer(None, math.inf, True)
    found = info.primal_solution_status == _highspy().SolutionStatus.kSolutionStatusFeasible
    values = list(highs.getSolution().col_value) if found else None
    return Answer(values, info.mip_dual_bound, state == states.kOptimal)
