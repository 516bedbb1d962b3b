"""Short words for looking at captured graphs."""

from __future__ import annotations

from typing import Any

import gopt


def ops(graph: gopt.Graph, **wanted: Any) -> list[Any]:
    """Ops whose attributes have the wanted values: ops(graph, type="matmul", phase="forward")."""
    all_ops = (graph.op(i) for i in range(len(graph)))
    return [op for op in all_ops if all(getattr(op, k) == v for k, v in wanted.items())]


def one(graph: gopt.Graph, **wanted: Any) -> Any:
    """The one such op."""
    (found,) = ops(graph, **wanted)
    return found


def operand_names(graph: gopt.Graph, op: Any) -> list[str]:
    """Names of the ops that made the operands, in order."""
    return [graph.op(graph.port(port).producer).name for port in op.operands]


def operand_bytes(graph: gopt.Graph, op: Any) -> list[int]:
    """Bytes of the operands' ports, in order."""
    return [graph.port(port).bytes for port in op.operands]
