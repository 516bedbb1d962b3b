"""A step on one device as a row of kernels: who reads which bytes, and what may run again."""

from __future__ import annotations

import dataclasses
from typing import Any

from gopt import _core
from gopt.api import evaluate
from gopt.errors import FailedPreconditionError


@dataclasses.dataclass(frozen=True)
class Storage:
    """What a kernel leaves behind.

    Attributes:
      bytes: of the storage.
      kept: an output of the step: stays to the end.
      readers: positions of other kernels that read a tensor in it, ascending.
    """

    bytes: int
    kept: bool
    readers: list[int]


@dataclasses.dataclass(frozen=True)
class Item:
    """The kernel at one position.

    Attributes:
      kernel: its id in the start plan.
      time: nanoseconds.
      scratch: bytes while it runs.
      backward: its readings of recomputed ops are of their backward copies.
      storages: that live longer than it, or while it runs.
      waiters: positions of the kernels that wait for it, by tensor or control, ascending.
      again: the op that may run once more in the backward pass, or None.
      latest: position of the first kernel that updates a parameter it reads, before which a copy
        must run; else the number of kernels.
    """

    kernel: int
    time: int
    scratch: int
    backward: bool
    storages: list[Storage]
    waiters: list[int]
    again: int | None
    latest: int


@dataclasses.dataclass(frozen=True)
class Tape:
    """Attributes:
    start: the plan whose kernels, device and start order stand.
    items: by position in that order.
    persistent: bytes of parameters and optimizer state.
    """

    start: Any
    items: list[Item]
    persistent: int

    @property
    def time(self) -> int:
        """Nanoseconds of the step without recomputation."""
        return sum(item.time for item in self.items)


def default_start(problem: Any) -> Any:
    """The problem's base plan, or its base kernels in their order on device 0."""
    return problem.base_plan or _core.Plan(problem.base_kernels)


def read_tape(problem: Any, start: Any | None = None) -> Tape:
    """The start plan's kernels in the order in which they start.

    Args:
      start: None: the default start.

    Raises:
      FailedPreconditionError: the plan clones ops, uses several devices, or cannot run.
    """
    start = start or default_start(problem)
    _check_one_device(start)
    problem.validate(start)
    report = evaluate(problem, start)
    if not report.start_order:
        raise FailedPreconditionError(f"exact recomputation: the start plan {report.reason}")
    spans = report.kernel_spans
    time = {int(span["kernel"]): int(span["end"] - span["start"]) for span in spans}
    reader = _Reader(problem.graph, start.kernels, report.start_order)
    items = [reader.item(kernel, time[kernel]) for kernel in report.start_order]
    ports = [p for op in problem.graph.parameters for p in problem.graph.op(op).ports]
    sizes = [problem.graph.port(port) for port in ports]
    return Tape(start, items, sum(port.bytes * (1 + port.optimizer_copies) for port in sizes))


def _check_one_device(start: Any) -> None:
    if start.kernels.has_clones:
        raise FailedPreconditionError("exact recomputation: the start plan clones ops already")
    devices = sorted({*start.device, *start.homes})
    if len(devices) > 1:
        raise FailedPreconditionError(
            f"exact recomputation is for one device; the start plan uses devices {devices}"
        )


class _Reader:
    """Turns kernels of a plan into items."""

    def __init__(self, graph: Any, kernels: Any, order: list[int]) -> None:
        self.graph = graph
        self.kernels = kernels
        place = {kernel: position for position, kernel in enumerate(order)}
        self.place = {op: place[k] for k, ops in enumerate(kernels) for op in ops}
        self.backward = {
            place[k]
            for k, ops in enumerate(kernels)
            if any(graph.op(op).phase == "backward" for op in ops)
        }

    def item(self, kernel: int, time: int) -> Item:
        ops = [self.graph.op(op) for op in self.kernels[kernel]]
        here = self.place[ops[0].id]
        waiters = self._others(here, [op.successors for op in ops])
        return Item(
            kernel=kernel,
            time=time,
            scratch=sum(op.scratch_bytes for op in ops),
            backward=here in self.backward,
            storages=self._storages(here, ops),
            waiters=waiters,
            again=ops[0].id if waiters and self._may_run_again(ops) else None,
            latest=min(self._updates(ops), default=len(self.kernels)),
        )

    def _others(self, here: int, ops: list[list[int]]) -> list[int]:
        places = {self.place[op] for row in ops for op in row if op in self.place}
        return sorted(places - {here})

    def _storages(self, here: int, ops: list[Any]) -> list[Storage]:
        ports: dict[int, list[Any]] = {}
        for op in ops:
            for port in op.ports:
                ports.setdefault(self.graph.port(port).storage, []).append(self.graph.port(port))
        storages = []
        for row in ports.values():
            readers = self._others(here, [port.readers for port in row])
            kept = any(port.is_output for port in row)
            if readers or kept or len(ops) == 1:  # Else a fused kernel never writes it.
                storages.append(Storage(row[0].storage_bytes, kept, readers))
        return storages

    def _may_run_again(self, ops: list[Any]) -> bool:
        """A forward op alone in its kernel, whose only effect is tensors that the step forgets."""
        if len(ops) > 1 or ops[0].phase != "forward" or ops[0].kind != "compute":
            return False
        outputs = any(self.graph.port(port).is_output for port in ops[0].ports)
        return not outputs and _core.clone_error(self.graph, ops[0].id) == ""

    def _updates(self, ops: list[Any]) -> list[int]:
        """Positions of the kernels that update parameters read by these ops."""
        sources = {self.graph.port(port).producer for op in ops for port in op.operands}
        parameters = [self.graph.op(op).parameter_index for op in sources]
        optimizers = [self.graph.optimizer_op(p) for p in parameters if p >= 0]
        return [self.place[op] for op in optimizers if op in self.place]
