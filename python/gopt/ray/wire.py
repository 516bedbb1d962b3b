"""Problems, plans and reports as plain values and bytes, and back.

A report travels as in a plan file, and with its critical chain, by which searches are guided; its
timeline stays behind.
"""

from __future__ import annotations

import hashlib
import pickle
from array import array
from typing import NamedTuple

from gopt._core import (
    Constraints,
    CostReport,
    EvaluateOptions,
    FusionLimits,
    Graph,
    Kernels,
    Machine,
    Plan,
    PlanFile,
    Problem,
    parse_graph,
)


class PackedProblem(NamedTuple):
    graph: bytes
    machine: str
    constraints: str
    fusion: bool
    placement: bool
    scheduling: bool
    fusion_limits: tuple[int, int, int]  # max_ops, max_operands, on_chip_bytes
    base_plan: str  # Empty: none.

    def key(self) -> str:
        """Equal for equal problems."""
        return hashlib.sha256(pickle.dumps(tuple(self), protocol=5)).hexdigest()


def pack_problem(problem: Problem) -> PackedProblem:
    limits, plan = problem.fusion_limits, problem.base_plan
    return PackedProblem(
        graph=problem.graph.to_bytes(),
        machine=problem.machine.to_text(),
        constraints=problem.constraints.to_text(),
        fusion=problem.fusion,
        placement=problem.placement,
        scheduling=problem.scheduling,
        fusion_limits=(limits.max_ops, limits.max_operands, limits.on_chip_bytes),
        base_plan="" if plan is None else PlanFile(plan).to_text(),
    )


def unpack_problem(packed: PackedProblem) -> Problem:
    graph = Graph.from_bytes(packed.graph)
    max_ops, max_operands, on_chip_bytes = packed.fusion_limits
    base = PlanFile.from_text(packed.base_plan, graph).plan if packed.base_plan else None
    return Problem(
        graph,
        Machine.from_text(packed.machine),
        Constraints.from_text(packed.constraints, graph),
        fusion=packed.fusion,
        placement=packed.placement,
        scheduling=packed.scheduling,
        fusion_limits=FusionLimits(
            max_ops=max_ops, max_operands=max_operands, on_chip_bytes=on_chip_bytes
        ),
        base_plan=base,
    )


class PackedPlan(NamedTuple):
    kernels: str  # A plan file of them; empty: the problem's base kernels.
    device: bytes  # int32, as are the next three.
    rank: bytes
    parameter_home: bytes
    sequence: bytes
    dispatch: str
    producer: str
    metadata: dict[str, str]


class PackedOptions(NamedTuple):
    start_order: bool
    critical_chain: bool


def pack_options(options: EvaluateOptions | None) -> PackedOptions:
    if options is None:
        return PackedOptions(False, False)
    return PackedOptions(options.start_order, options.critical_chain)


class PlanPacker:
    """Packs plans for one problem. Those that share kernels share their text."""

    def __init__(self, problem: Problem) -> None:
        self._base = problem.base_kernels
        self._last: tuple[Kernels, str] = (self._base, "")

    def pack(self, plan: Plan) -> PackedPlan:
        return PackedPlan(
            self._text(plan.kernels),
            _int32_bytes(plan.device),
            _int32_bytes(plan.rank),
            _int32_bytes(plan.parameter_home),
            _int32_bytes(plan.sequence),
            plan.dispatch,
            plan.producer,
            plan.metadata,
        )

    def _text(self, kernels: Kernels) -> str:
        if kernels is self._base:
            return ""
        if kernels is not self._last[0]:
            self._last = (kernels, PlanFile(Plan(kernels)).to_text())
        return self._last[1]


class PlanUnpacker:
    """Plans of one problem. Those packed with the same kernels share them again."""

    def __init__(self, problem: Problem) -> None:
        self._graph = problem.graph
        self._base = problem.base_kernels
        self._last: tuple[str, Kernels] = ("", self._base)

    def unpack(self, packed: PackedPlan) -> Plan:
        """InvalidArgumentError for columns of the wrong length."""
        return Plan(
            self._kernels(packed.kernels),
            device=_int32_list(packed.device),
            rank=_int32_list(packed.rank),
            parameter_home=_int32_list(packed.parameter_home),
            sequence=_int32_list(packed.sequence),
            dispatch=packed.dispatch,
            producer=packed.producer,
            metadata=packed.metadata,
        )

    def _kernels(self, text: str) -> Kernels:
        if not text:
            return self._base
        if text != self._last[0]:
            self._last = (text, PlanFile.from_text(text, self._graph).plan.kernels)
        return self._last[1]


class PackedReport(NamedTuple):
    text: str  # A plan file with it.
    critical_chain: list[tuple[int, str, int]]  # Kernel, reason, cause.


# A plan file may hold a report: of the smallest plan there is.
_CARRIER = Plan(Kernels.singletons(parse_graph("a:op")))


def pack_report(report: CostReport) -> PackedReport:
    chain = [(step.kernel, step.reason, step.cause) for step in report.critical_chain]
    return PackedReport(PlanFile(_CARRIER, expected=report).to_text(), chain)


def unpack_report(packed: PackedReport) -> CostReport:
    """InvalidArgumentError for a report that no backend may give, as one of negative times."""
    report = PlanFile.from_text(packed.text, _CARRIER.graph).expected
    assert report is not None
    chain = packed.critical_chain
    return report.with_critical_chain(chain) if chain else report


def failed(reason: str) -> CostReport:
    return CostReport(outcome="FAILED", reason=reason)


def _int32_bytes(values: list[int]) -> bytes:
    return array("i", values).tobytes()


def _int32_list(data: bytes) -> list[int]:
    values = array("i")
    values.frombytes(data)
    return values.tolist()
