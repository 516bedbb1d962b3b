"""What runs in each actor: the inner backend, bound to the problems it was last asked about."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from gopt._core import CostBackend, CostReport, EvaluateOptions
from gopt.errors import GoptError
from gopt.ray import shipping, wire

MAX_PROBLEMS = 4


class Answer(NamedTuple):
    """Plain values only, so that reading one never runs code of the inner backend."""

    reports: list[wire.PackedReport] | None = None
    unbound: bool = False  # The problem must be sent along.
    code: str = ""  # Set where the problem could not be bound.
    reason: str = ""


class PlanPricer:
    """One thread, one call at a time."""

    def __init__(self, inner: bytes) -> None:
        self._inner = inner
        self._backend: CostBackend | None = None
        self._bound: OrderedDict[str, _Bound] = OrderedDict()

    def ready(self) -> bool:
        return True

    def price(
        self,
        key: str,
        plans: list[wire.PackedPlan],
        options: wire.PackedOptions,
        problem: wire.PackedProblem | None = None,
    ) -> Answer:
        """Without `problem`, an Answer `unbound` if none of this key is known."""
        if problem is None and key not in self._bound:
            return Answer(unbound=True)
        try:
            bound = self._find(key, problem)
        except Exception as error:
            code = error.code if isinstance(error, GoptError) else "UNKNOWN"
            return Answer(code=code, reason=_text(error))
        try:
            return Answer(reports=bound.price(plans, options))
        except Exception as error:
            return Answer(reports=[wire.pack_report(wire.failed(_text(error)))] * len(plans))

    def _find(self, key: str, problem: wire.PackedProblem | None) -> _Bound:
        if self._backend is None:
            self._backend = shipping.unpack_backend(self._inner)
        if key not in self._bound:
            assert problem is not None
            self._bound[key] = _Bound(self._backend, problem)
            if len(self._bound) > MAX_PROBLEMS:
                self._bound.popitem(last=False)
        self._bound.move_to_end(key)
        return self._bound[key]


class _Bound:
    def __init__(self, backend: CostBackend, packed: wire.PackedProblem) -> None:
        problem = wire.unpack_problem(packed)
        self._unpacker = wire.PlanUnpacker(problem)
        # Through the base class, which judges whatever a backend written in Python answers.
        self._evaluator = CostBackend.bind(backend, problem)

    def price(
        self, packed: list[wire.PackedPlan], asked: wire.PackedOptions
    ) -> list[wire.PackedReport]:
        reports: list[CostReport | None] = [None] * len(packed)
        plans, places = [], []
        for place, plan in enumerate(packed):
            try:
                plans.append(self._unpacker.unpack(plan))
                places.append(place)
            except GoptError as error:
                reports[place] = CostReport(outcome="INFEASIBLE", reason=f"illegal plan: {error}")
        options = EvaluateOptions(**asked._asdict())
        for place, report in zip(places, self._evaluator.evaluate(plans, options), strict=True):
            reports[place] = report
        return [wire.pack_report(report) for report in reports]


def _text(error: Exception) -> str:
    return str(error) if isinstance(error, GoptError) else f"{type(error).__name__}: {error}"
