"""Questions about a captured step that the tests of several models ask."""

from __future__ import annotations

import functools
from typing import Any

from torch import nn

from gopt import workloads
from gopt.capture import contract


@functools.cache
def captured(name: str) -> Any:
    """The step of a workload as it is in the registry; captured once for all tests."""
    return workloads.make(name).capture()


def all_ops(step: Any) -> list[Any]:
    """Every op of the graph, in order."""
    return [step.graph.op(i) for i in range(len(step.graph))]


def elements(model: nn.Module) -> int:
    """Numbers that the model learns."""
    return sum(parameter.numel() for parameter in model.parameters())


def views(step: Any) -> list[Any]:
    """FX nodes that only look at a tensor, `getitem` included."""
    return [
        node
        for node in step.graph_module.graph.nodes
        if node.op == "call_function"
        and (node.target.__name__ == "getitem" or contract.is_view(node.target))
    ]


def slices(step: Any) -> list[tuple[Any, Any]]:
    """(port, port of its whole storage) for every port that is a part of what an op made."""
    graph = step.graph
    ports = [graph.port(port) for op in all_ops(step) for port in op.ports]
    whole = {port.storage: port for port in reversed(ports)}
    return [(port, whole[port.storage]) for port in ports if port.bytes < port.storage_bytes]


def sums_of_gradient(step: Any, parameter: str) -> list[Any]:
    """The ops that add up a parameter's gradient, from its uses one by one."""
    graph = step.graph
    weight, update = (graph.op(ids[parameter]) for ids in (step.parameters, step.updates))
    found, stack = [], [port for port in update.operands if port not in weight.ports]
    while stack:
        op = graph.op(graph.port(stack.pop()).producer)
        if op.type == "add" and op.phase == "backward":
            found.append(op)
            stack.extend(op.operands)
    return found


def native_counts(step: Any, scope: str, phase: str) -> dict[str, int]:
    """How often each ATen call is in a scope and phase: {"mm": 2}."""
    counts: dict[str, int] = {}
    for op in all_ops(step):
        if op.scope == scope and op.phase == phase and op.native:
            name = op.native.removeprefix("aten::").partition(".")[0]
            counts[name] = counts.get(name, 0) + 1
    return counts


def split_convolutions(step: Any) -> list[dict[str, Any]]:
    """Per backward convolution its ops by what they are the gradient of: "input", "weight", "bias".

    Checks that each reads what it needs and no more, and gives one tensor.
    """
    graph, found = step.graph, []
    by_node: dict[Any, list[Any]] = {}
    for op in all_ops(step):
        for node in step.nodes[op.id][:1]:
            by_node.setdefault(node, []).append(op)
    reads = {"input": [0, 2], "weight": [0, 1], "bias": [0]}  # arguments of the ATen call
    for node in step.graph_module.graph.nodes:
        if node.op != "call_function" or "convolution_backward" not in str(node.target):
            continue
        parts = {op.name.rpartition(".")[2]: op for op in by_node[node]}
        for part, op in parts.items():
            makers = [graph.port(port).producer for port in op.operands]
            assert makers == [step.op_of(node.args[i]) for i in reads[part]], op.name
            assert len(op.ports) == 1
        found.append(parts)
    return found
