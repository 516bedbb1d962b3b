"""What the simulator knows of a chosen group, as a row of the table without times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gopt.capture.step import Captured
from gopt.fusion_gains.choose import Choice
from gopt.fusion_gains.table import OpRow, Row


def describe(step: Captured, choice: Choice) -> Row:
    """The row of the group; its times and kernels are still 0."""
    graph = step.graph
    classes = [graph.op(op).fusion_class for op in choice.ops]
    return Row(
        workload=choice.workload,
        group_class=choice.group_class,
        ops=tuple(_op_row(graph, op, set(choice.ops)) for op in choice.ops),
        leader=classes.index("contraction") if "contraction" in classes else len(classes) - 1,
    )


def outputs(graph: Any, ops: Sequence[int]) -> list[int]:
    """Ports of these ops that others read."""
    inside = set(ops)
    ports = [port for op in ops for port in graph.op(op).ports]
    return [port for port in ports if not inside.issuperset(graph.port(port).readers)]


def _op_row(graph: Any, op: int, inside: set[int]) -> OpRow:
    row = graph.op(op)
    read, written = _bytes(graph, op)
    return OpRow(
        name=row.name,
        type=row.type,
        op_class=row.fusion_class,
        phase=row.phase,
        shape=graph.port(row.ports[0]).shape,
        flops=max(row.flops, 0.0),
        bytes=read + written,
        left_bytes=_left_bytes(graph, op, inside),
    )


def _bytes(graph: Any, op: int) -> tuple[int, int]:
    """Read and written; where the graph does not say, what the distinct tensors have."""
    row = graph.op(op)
    read, written = (
        sum(graph.port(port).bytes for port in set(ports)) for ports in (row.operands, row.ports)
    )
    return (
        row.bytes_read if row.bytes_read >= 0 else read,
        row.bytes_written if row.bytes_written >= 0 else written,
    )


def _left_bytes(graph: Any, op: int, inside: set[int]) -> int:
    """Less operands made in the kernel, less results that nobody outside reads."""
    row = graph.op(op)
    read, written = _bytes(graph, op)
    made = [port for port in set(row.operands) if graph.port(port).producer in inside]
    kept = [port for port in row.ports if inside.issuperset(graph.port(port).readers)]
    not_read, not_written = (sum(graph.port(p).bytes for p in ports) for ports in (made, kept))
    return max(0, read - not_read) + max(0, written - not_written)
