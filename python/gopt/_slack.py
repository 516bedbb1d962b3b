"""How much later each kernel of a priced plan could end without a longer step."""

from __future__ import annotations

from collections import defaultdict

from gopt import _core


def slacks(problem: _core.Problem, plan: _core.Plan, report: _core.CostReport) -> list[int]:
    """Nanoseconds per kernel, everything else keeping its duration and order.

    The kernels and transfers of the timeline are nodes; what waited for what are edges: inputs and
    control edges, the order on each device and on each channel, and what asked for a parameter.
    The latest start of a node follows from those after it, backwards (the critical path method).

    Args:
      report: Of the plan, with its start order and timeline.
    """
    return _Backwards(problem, plan, report).run()


class _Backwards:
    def __init__(self, problem: _core.Problem, plan: _core.Plan, report: _core.CostReport) -> None:
        self.graph, self.machine, self.kernels = plan.graph, problem.machine, plan.kernels
        self.device, self.homes, self.report = plan.device, plan.homes, report
        spans, moves = report.kernel_spans, report.transfer_spans
        self.count = len(self.kernels)
        # Nodes: the kernels, then the transfers in booking order.
        self.start = [*spans["start"].tolist(), *moves["start"].tolist()]
        self.end = [*spans["end"].tolist(), *moves["end"].tolist()]
        self.arrival = [*spans["end"].tolist(), *moves["arrival"].tolist()]
        self.moves = list(
            zip(
                *(moves[k].tolist() for k in ("port", "producer", "source", "destination")),
                strict=True,
            )
        )
        self.request = moves["request"].tolist()
        self.after: list[list[tuple[int, int]]] = [[] for _ in self.start]

    def run(self) -> list[int]:
        self._add_orders()
        self._add_reads()
        latest = [
            self.report.step_time - (e - s) for s, e in zip(self.start, self.end, strict=True)
        ]
        for node in reversed(self._sorted()):
            for later, wait in self.after[node]:
                latest[node] = min(latest[node], latest[later] - wait)
        return [latest[k] - self.start[k] for k in range(self.count)]

    def _add(self, node: int, later: int, wait: int) -> None:
        """An edge that held in the timeline: `later` starts at least `wait` after `node` does."""
        if node != later and self.start[later] - self.start[node] >= wait:
            self.after[node].append((later, wait))

    def _add_orders(self) -> None:
        last: dict[tuple[str, int], int] = {}
        for kernel in self.report.start_order:
            self._follow(last, ("device", self.device[kernel]), kernel)
        for i, (_, _, source, destination) in enumerate(self.moves):
            for channel in self.machine.route(source, destination):
                self._follow(last, ("channel", channel), self.count + i)

    def _follow(self, last: dict[tuple[str, int], int], line: tuple[str, int], node: int) -> None:
        if line in last:
            self._add(last[line], node, self.end[last[line]] - self.start[last[line]])
        last[line] = node

    def _add_reads(self) -> None:
        transfer = {
            (port, producer, destination): self.count + i
            for i, (port, producer, _, destination) in enumerate(self.moves)
        }
        for (_, producer, _), node in transfer.items():
            if producer >= 0:
                self._add(producer, node, self.end[producer] - self.start[producer])
        parameters: dict[int, list[int]] = defaultdict(list)  # kernel: transfers
        inputs: dict[int, set[int]] = defaultdict(set)  # kernel: nodes
        for kernel in range(self.count):
            device = self.device[kernel]
            for port, maker in self._reads(kernel):
                node = transfer.get((port, maker, device), maker)
                if maker < 0 and node >= 0:
                    parameters[kernel].append(node)
                elif node >= 0:
                    inputs[kernel].add(node)
        for kernel in range(self.count):
            for node in [*inputs[kernel], *parameters[kernel]]:
                self._add(node, kernel, self.arrival[node] - self.start[node])
            self._add_triggers(parameters[kernel], inputs[kernel])

    def _add_triggers(self, parameters: list[int], inputs: set[int]) -> None:
        """A parameter is asked for when its first reader has all else."""
        ready = max((self.arrival[node] for node in inputs), default=0)
        for parameter in parameters:
            if self.request[parameter - self.count] == ready:
                for node in inputs:
                    self._add(node, parameter, self.arrival[node] - self.start[node])

    def _reads(self, kernel: int) -> list[tuple[int, int]]:
        """(port, kernel that makes it) from outside; -1, -1 where it is a parameter or control."""
        found = []
        for op in self.kernels[kernel]:
            view = self.graph.op(op)
            makers = [(port, self.graph.port(port).producer) for port in view.operands]
            makers += [(-1, control) for control in view.controls]
            for port, maker in makers:
                copies = self.kernels.kernels_of(maker)
                if kernel not in copies:
                    found.append((port, self._copy(copies, kernel)))
        return found

    def _copy(self, copies: list[int], kernel: int) -> int:
        """The copy on the reader's device, else the lowest; -1 for what runs nowhere."""
        here = (k for k in copies if self.device[k] == self.device[kernel])
        return next(here, copies[0] if copies else -1)

    def _sorted(self) -> list[int]:
        """Topological order."""
        waits = [0] * len(self.after)
        for edges in self.after:
            for later, _ in edges:
                waits[later] += 1
        order = [node for node, count in enumerate(waits) if count == 0]
        for node in order:
            for later, _ in self.after[node]:
                waits[later] -= 1
                if waits[later] == 0:
                    order.append(later)
        return order
