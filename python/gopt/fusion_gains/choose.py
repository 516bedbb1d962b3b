"""Picks groups to compile: legal kernels of real training steps, of every class, of many sizes."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gopt import _core
from gopt.capture.step import Captured
from gopt.errors import GoptError
from gopt.fusion_gains.rebuild import can_rebuild
from gopt.fusion_gains.table import CLASSES

_RARE = ("data_movement", "broadcast", "reduction")


@dataclasses.dataclass(frozen=True)
class ChooseOptions:
    """Attributes:
    per_class: groups of one class, over all workloads.
    alone: of so many of each class every op is also compiled into a package of its own.
    largest: ops of a group; each group draws its own limit between 2 and this.
    flops, bytes: of a group's ops; more is left out, since one run should take under 50 ms.
    """

    per_class: int = 11
    alone: int = 2
    largest: int = 10
    flops: float = 1e9
    bytes: int = 200 << 20


@dataclasses.dataclass(frozen=True)
class Choice:
    """A group by the workload's name and options and its ops' ids, ascending."""

    workload: str
    ops: tuple[int, ...]
    group_class: str
    key: str  # Equal for groups of equal ops on equal shapes.
    bytes: int

    @property
    def name(self) -> str:
        """Of its files."""
        return self.key[:16]


def choose(steps: dict[str, Captured], options: ChooseOptions) -> list[Choice]:
    """The same groups for the same steps: in turn from each workload, small ones and large ones."""
    by_class: dict[str, dict[str, Choice]] = {name: {} for name in CLASSES}
    for name, step in steps.items():
        for choice in _candidates(name, step, options):
            by_class[choice.group_class].setdefault(choice.key, choice)
    chosen = []
    for candidates in by_class.values():
        chosen += _spread(list(candidates.values()), options.per_class)
    return chosen


def _spread(candidates: list[Choice], count: int) -> list[Choice]:
    """Round after round one of each workload; in turn of its smallest and its largest half."""
    queues: dict[str, list[Choice]] = defaultdict(list)
    for choice in sorted(candidates, key=lambda c: c.bytes):
        queues[choice.workload].append(choice)
    for name, queue in queues.items():
        half = len(queue) // 2
        small, large = (sorted(part, key=lambda c: c.key) for part in (queue[:half], queue[half:]))
        pairs = itertools.zip_longest(large, small)
        queues[name] = [choice for pair in pairs for choice in pair if choice is not None]
    chosen: list[Choice] = []
    while len(chosen) < count and any(queues.values()):
        for name in sorted(queues, key=_hash):
            if queues[name] and len(chosen) < count:
                chosen.append(queues[name].pop(0))
    return chosen


def _candidates(name: str, step: Captured, options: ChooseOptions) -> Iterator[Choice]:
    """Groups that do not overlap, from seeds in an order drawn by hash; rare classes come first."""
    graph = step.graph
    rules = _Rules(graph)
    usable = {op for op in graph.kernel_ops if _may_fuse(graph, op) and can_rebuild(step, op)}
    for seed in sorted(usable, key=lambda op: (_rank(graph, op), _hash(graph.op(op).name))):
        if seed not in usable:
            continue
        limit = 2 + int(_hash(f"limit {graph.op(seed).name}"), 16) % (options.largest - 1)
        ops = _grow(graph, rules, usable, seed, limit)
        usable.difference_update(ops)
        if len(ops) > 1 and _is_affordable(graph, ops, options):
            yield _choice(name, graph, ops)


def _grow(graph: Any, rules: _Rules, usable: set[int], seed: int, limit: int) -> tuple[int, ...]:
    ops = {seed}
    refused: set[int] = set()
    while len(ops) < limit:
        near = _neighbours(graph, ops) & usable - refused
        if not near:
            break
        op = min(near, key=lambda op: _hash(f"{graph.op(seed).name} {graph.op(op).name}"))
        if rules.allow({*ops, op}):
            ops.add(op)
        else:
            refused.add(op)
    return tuple(sorted(ops))


def _neighbours(graph: Any, ops: Iterable[int]) -> set[int]:
    near: set[int] = set()
    for op in ops:
        near.update(graph.op(op).successors, graph.op(op).predecessors)
    return near.difference(ops)


class _Rules:
    """Whether ops of a graph may be one kernel while all others stay alone."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._problem = _core.Problem(graph, _core.Machine.preset("cpux1"), fusion=True)
        self._all = list(graph.kernel_ops)

    def allow(self, ops: set[int]) -> bool:
        """Looks at the whole graph, for cycles, only where the ops themselves may fuse."""
        if _core.fusion_error(self._graph, sorted(ops)):
            return False
        groups = [[op] for op in self._all if op not in ops] + [sorted(ops)]
        try:
            self._problem.validate(_core.Plan(_core.Kernels(self._graph, groups)))
        except GoptError:
            return False
        return True


def _rank(graph: Any, op: int) -> int:
    """Ops that are rarely fused with anything begin."""
    fusion_class = graph.op(op).fusion_class
    return _RARE.index(fusion_class) if fusion_class in _RARE else len(_RARE)


def _may_fuse(graph: Any, op: int) -> bool:
    row = graph.op(op)
    return row.fusion_class != "opaque" and row.phase != "optimizer"


def _is_affordable(graph: Any, ops: Sequence[int], options: ChooseOptions) -> bool:
    rows = [graph.op(op) for op in ops]
    moved = sum(max(row.bytes_read, 0) + max(row.bytes_written, 0) for row in rows)
    return moved <= options.bytes and sum(row.flops for row in rows) <= options.flops


def _choice(name: str, graph: Any, ops: tuple[int, ...]) -> Choice:
    rows = [graph.op(op) for op in ops]
    shapes = [[graph.port(port).shape for port in (*row.operands, *row.ports)] for row in rows]
    return Choice(
        workload=name,
        ops=ops,
        group_class=group_class(graph, ops),
        key=_hash(str([(row.type, s) for row, s in zip(rows, shapes, strict=True)])),
        bytes=sum(max(row.bytes_read, 0) + max(row.bytes_written, 0) for row in rows),
    )


def group_class(graph: Any, ops: Sequence[int]) -> str:
    """What decides how the group is compiled, in the order of CLASSES."""
    of = {op: graph.op(op).fusion_class for op in ops}
    made = {op for op in ops for reader in graph.op(op).successors if reader in of}
    reductions = {op for op, name in of.items() if name == "reduction"}
    holds = (
        "contraction" in of.values(),
        "data_movement" in of.values(),
        bool(reductions & made),
        bool(reductions),
        "broadcast" in of.values(),
        True,
    )
    return CLASSES[holds.index(True)]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
