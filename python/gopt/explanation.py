"""Why an op is where it is: its inputs, its slack, and what moving it would cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gopt import _core
from gopt._slack import slacks
from gopt._text import bytes_text, table, time_text
from gopt.errors import GoptError, InvalidArgumentError


@dataclass(frozen=True)
class Operand:
    """A tensor that the op's kernel reads from outside.

    Attributes:
      producer: Name of the op that makes it.
      bytes: Its size.
      home: Device that it comes from; -1: everywhere (inputs and constants).
      transfer_ns: Time on the route to the op's device, 0 if it is there.
      arrival_ns: When it is there in the timeline; 0: from the start.
    """

    producer: str
    bytes: int
    home: int
    transfer_ns: int
    arrival_ns: int


@dataclass(frozen=True)
class Move:
    """What the plan would be worth with the op's group on another device.

    Attributes:
      device: Where to.
      kernel_ns: The op's kernel there.
      step_time_ns: The whole step, priced by the backend; None if that plan is illegal.
      outcome: OK, INFEASIBLE or FAILED, and the reason.
    """

    device: int
    kernel_ns: int
    step_time_ns: int | None
    outcome: str
    reason: str


@dataclass(frozen=True)
class Explanation:
    """What `explain` found. `print` shows it.

    Attributes:
      op, type, scope: Of the op.
      kernel: Its kernel, the lowest of several; kernel_ops: the names of the ops that run in it.
      copies: The other kernels that hold the op; recomputed: backward ops read a backward one.
      device, start_ns, end_ns: Where and when it runs.
      step_time_ns: Of the plan as it is.
      critical: On the critical chain; `waits_for` says what its start waited for there.
      slack_ns: How much later it could end without a longer step, if all else kept its duration
        and every device and channel its order. On the chain it is 0, unless what the kernel makes
        has to wait for a channel.
      moves_with: Names of ops that must move with it: its kernel and colocation group.
      allowed: Devices that constraints leave open.
      operands, moves: Its inputs from outside; one move per device of the machine.
    """

    op: str
    type: str
    scope: str
    kernel: int
    kernel_ops: list[str]
    copies: list[int]
    recomputed: bool
    device: int
    start_ns: int
    end_ns: int
    step_time_ns: int
    critical: bool
    waits_for: str
    slack_ns: int
    moves_with: list[str]
    allowed: list[int]
    operands: list[Operand]
    moves: list[Move]
    devices: list[str]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join(
            [*self._place(), "", self._operand_table(), "", self._move_table(), *self._conclusion()]
        )

    def _place(self) -> list[str]:
        lines = [
            f"{self.op} ({self.type}" + (f" in {self.scope})" if self.scope else ")"),
            f"runs on {self.devices[self.device]} from {time_text(self.start_ns)} to "
            f"{time_text(self.end_ns)} of {time_text(self.step_time_ns)}, in kernel {self.kernel}",
        ]
        if len(self.kernel_ops) > 1:
            lines.append("fused with: " + _some(n for n in self.kernel_ops if n != self.op))
        if self.copies:
            again = "recomputed for the backward pass" if self.recomputed else "runs again"
            lines.append(f"{again} in kernel " + _some(str(kernel) for kernel in self.copies))
        if len(self.moves_with) > len(self.kernel_ops):
            lines.append("must share its device with: " + _some(self.moves_with, self.op))
        if len(self.allowed) < len(self.devices):
            lines.append("allowed on: " + ", ".join(self.devices[d] for d in self.allowed))
        if self.critical:
            lines.append(f"on the critical chain; its start waited for {self.waits_for}")
        else:
            lines.append("not on the critical chain")
        queued = ", since what it makes waits for a channel" if self.critical else ""
        lines.append(f"slack: {time_text(self.slack_ns)}{queued if self.slack_ns else ''}")
        return lines

    def _operand_table(self) -> str:
        if not self.operands:
            return "reads nothing from outside its kernel"
        rows = [
            (
                operand.producer,
                "everywhere" if operand.home < 0 else self.devices[operand.home],
                bytes_text(operand.bytes),
                time_text(operand.transfer_ns) if operand.transfer_ns else "-",
                time_text(operand.arrival_ns),
            )
            for operand in self.operands
        ]
        return table(("input", "home", "bytes", "transfer", "there at"), rows, left=2)

    def _move_table(self) -> str:
        rows = []
        for move in self.moves:
            here = move.device == self.device
            if move.step_time_ns is None:
                rows.append((self.devices[move.device], time_text(move.kernel_ns), "-", "illegal"))
                continue
            change = move.step_time_ns - self.step_time_ns
            note = "here" if here else f"{'+' if change >= 0 else '-'}{time_text(abs(change))}"
            if move.outcome != "OK":
                note += f", {move.outcome.lower()}"
            rows.append(
                (
                    self.devices[move.device],
                    time_text(move.kernel_ns),
                    time_text(move.step_time_ns),
                    note,
                )
            )
        return table(("on", "its kernel", "step time", "change"), rows)

    def _conclusion(self) -> list[str]:
        lines = [
            f"{self.devices[move.device]}: {move.reason}" for move in self.moves if move.reason
        ]
        better = [
            move
            for move in self.moves
            if move.outcome == "OK" and (move.step_time_ns or 0) < self.step_time_ns
        ]
        if better:
            best = min(better, key=lambda move: move.step_time_ns or 0)
            lines.append(f"moving it to {self.devices[best.device]} would make the step shorter")
        else:
            lines.append("no device makes the step shorter, everything else kept")
        return ["", *lines]


def explain(
    problem: _core.Problem,
    plan: _core.Plan,
    op: int | str,
    backend: _core.CostBackend | None = None,
) -> Explanation:
    """Explains one op of a legal plan.

    Moving an op moves its kernel and everything that must share its device; ranks and all else are
    kept, and the whole plan is priced again. A SEQUENCE plan is priced in the same order.

    Args:
      op: Id or name.
      backend: Prices the moves; default: the simulator. It must give timelines.

    Raises:
      NotFoundError: no op has the name. IndexError: no op has the id.
      InvalidArgumentError: the plan is illegal, or the op runs in no kernel.
    """
    return _Explainer(problem, plan, op, backend or _core.Simulator()).explanation()


class _Explainer:
    def __init__(
        self,
        problem: _core.Problem,
        plan: _core.Plan,
        op: int | str,
        backend: _core.CostBackend,
    ) -> None:
        problem.validate(plan)
        self.problem, self.plan, self.graph = problem, plan, plan.graph
        self.op = self.graph.op(self.graph.find(op) if isinstance(op, str) else op)
        self.kernel = plan.kernels.kernel_of(self.op.id)
        if self.kernel < 0:
            raise InvalidArgumentError(
                f"op '{self.op.name}' is a {self.op.kind}: it runs in no kernel"
            )
        self.evaluator = backend.bind(problem)
        self.costs = _core.OpCosts(problem)
        self.devices = plan.device
        self.homes = plan.homes
        options = _core.EvaluateOptions(start_order=True, timeline=True, critical_chain=True)
        self.report = self.evaluator.evaluate([plan], options)[0]
        if len(self.report.kernel_spans) != len(plan.kernels):
            raise InvalidArgumentError(
                f"the plan cannot be explained: {self.report.reason or 'no timeline'}"
            )

    def explanation(self) -> Explanation:
        device = self.devices[self.kernel]
        span = self.report.kernel_spans[self.kernel]
        link = next((s for s in self.report.critical_chain if s.kernel == self.kernel), None)
        group = self._group()
        names = self.graph.op_names
        return Explanation(
            op=self.op.name,
            type=self.op.type,
            scope=self.op.scope,
            kernel=self.kernel,
            kernel_ops=[names[i] for i in self.plan.kernels[self.kernel]],
            copies=self.plan.kernels.kernels_of(self.op.id)[1:],
            recomputed=self.op.id in self.plan.kernels.recomputed_ops,
            device=device,
            start_ns=int(span["start"]),
            end_ns=int(span["end"]),
            step_time_ns=self.report.step_time,
            critical=link is not None,
            waits_for="" if link is None else self._cause(link),
            slack_ns=slacks(self.problem, self.plan, self.report)[self.kernel],
            moves_with=sorted({names[i] for kernel in group for i in self.plan.kernels[kernel]}),
            allowed=self.problem.allowed_devices(self.op.id),
            operands=self._operands(),
            moves=self._moves(group),
            devices=[d.name for d in self.problem.machine.devices],
        )

    def _group(self) -> list[int]:
        """Kernels that must share the kernel's device, itself among them."""
        groups = self.problem.colocation_group
        members: dict[int, list[int]] = {}
        for op, group in enumerate(groups):
            if group >= 0:
                members.setdefault(group, []).append(op)
        found, waiting = {self.kernel}, [self.kernel]
        while waiting:
            for op in self.plan.kernels[waiting.pop()]:
                for other in members.pop(groups[op], []):
                    for kernel in self.plan.kernels.kernels_of(other):
                        if kernel not in found:
                            found.add(kernel)
                            waiting.append(kernel)
        return sorted(found)

    def _cause(self, link: _core.CriticalStep) -> str:
        if link.reason == "start":
            return "nothing"
        if link.cause < 0:
            return "a parameter's transfer"
        cause = self.graph.op(self.plan.kernels[link.cause][-1]).name
        return {
            "dependency": f"its input from '{cause}'",
            "transfer": f"the transfer of '{cause}'",
            "device": f"the device, which ran '{cause}'",
        }[link.reason]

    def _operands(self) -> list[Operand]:
        device = self.devices[self.kernel]
        inside = set(self.plan.kernels[self.kernel])
        arrivals = {
            int(t["port"]): int(t["arrival"])
            for t in self.report.transfer_spans
            if t["destination"] == device
        }
        found: dict[int, Operand] = {}
        for op in self.plan.kernels[self.kernel]:
            for port_id in self.graph.op(op).operands:
                port = self.graph.port(port_id)
                if port_id not in found and port.producer not in inside:
                    found[port_id] = self._operand(port, device, arrivals)
        return list(found.values())

    def _operand(self, port: _core.Port, device: int, arrivals: dict[int, int]) -> Operand:
        producer = self.graph.op(port.producer)
        home, ready = -1, 0
        if producer.parameter_index >= 0:
            home = self.homes[producer.parameter_index]
        elif producer.in_kernel:
            kernel = self._source(producer.id, device)
            home, ready = self.devices[kernel], int(self.report.kernel_spans[kernel]["end"])
        remote = home not in (-1, device)
        return Operand(
            producer=producer.name,
            bytes=port.bytes,
            home=home,
            transfer_ns=self.costs.transfer_time(port.bytes, home, device) if remote else 0,
            arrival_ns=arrivals.get(port.id, ready) if remote else ready,
        )

    def _source(self, op: int, device: int) -> int:
        """The kernel whose copy is read: one on the device, else the lowest."""
        copies = self.plan.kernels.kernels_of(op)
        return next((k for k in copies if self.devices[k] == device), copies[0])

    def _moves(self, group: list[int]) -> list[Move]:
        ops = self.plan.kernels[self.kernel]
        outputs = self._outputs(ops)
        moves = []
        for device in range(len(self.problem.machine)):
            kernel_time = self.costs.kernel_time(ops, outputs, device)
            moves.append(self._move(group, device, kernel_time))
        return moves

    def _move(self, group: list[int], device: int, kernel_time: int) -> Move:
        moved = self.plan.copy()
        devices = list(self.devices)
        for kernel in group:
            devices[kernel] = device
        moved.device = devices
        moved.parameter_home = self._homes_after(group, device)
        try:
            self.problem.validate(moved)
        except GoptError as error:
            reason = "; ".join([str(error), *self._rules_against(group, device)])
            return Move(device, kernel_time, None, "INFEASIBLE", reason)
        report = self.evaluator.evaluate([moved])[0]
        return Move(device, kernel_time, report.step_time, report.outcome, report.reason)

    def _rules_against(self, group: list[int], device: int) -> list[str]:
        """What the constraints say of why the group may not be there."""
        moved = {op for kernel in group for op in self.plan.kernels[kernel]}
        rules = self.problem.constraints
        reasons = [reason for op, pin, reason in rules.pins if op in moved and pin != device]
        reasons += [
            reason
            for ops, devices, reason in rules.allowed
            if device not in devices and moved.intersection(ops)
        ]
        return [reason for reason in dict.fromkeys(reasons) if reason]

    def _homes_after(self, group: list[int], device: int) -> list[int]:
        """Explicit homes follow their optimizer ops; homes by the default rule do so anyway."""
        homes = self.plan.parameter_home
        moved = set(group)
        for parameter, home in enumerate(homes):
            optimizer = self.graph.optimizer_op(parameter)
            if home >= 0 and optimizer >= 0 and self.plan.kernels.kernel_of(optimizer) in moved:
                homes[parameter] = device
        return homes

    def _outputs(self, ops: list[int]) -> list[int]:
        """Ports of the kernel that ops outside read."""
        inside = set(ops)
        return [
            port
            for op in ops
            for port in self.graph.op(op).ports
            if any(reader not in inside for reader in self.graph.port(port).readers)
        ]


def _some(names: Any, without: str = "", limit: int = 6) -> str:
    chosen = [name for name in names if name != without]
    more = f" and {len(chosen) - limit} more" if len(chosen) > limit else ""
    return ", ".join(chosen[:limit]) + more
