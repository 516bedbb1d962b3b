"""The ops of a group as a module that torch can run or compile: cut out of the captured FX graph.

What the group reads from outside becomes an input, with the shape and strides that it has in the
step; what is read outside, or is a result of the step, becomes an output.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import torch
from torch import fx

from gopt.capture.step import Captured
from gopt.fusion_gains import apart

_RANDOM = torch.Tag.nondeterministic_seeded


def can_rebuild(step: Captured, op: int) -> bool:
    """Whether one FX node stands for this op alone, and gives the same on the same inputs."""
    nodes = step.nodes[op]
    if not nodes or nodes[0].op != "call_function" or step.op_of(nodes[0]) != op:
        return False
    target = nodes[0].target
    if not isinstance(target, torch._ops.OpOverload) or _RANDOM in target.tags:
        return False
    return "convolution_backward" not in target._schema.name  # Up to three ops share it.


class Group:
    """Some ops of a captured step, by themselves.

    Args:
      step: where they are.
      ops: their ids in step.graph; can_rebuild holds for each.
    """

    def __init__(self, step: Captured, ops: Collection[int]) -> None:
        self._step = step
        self._ops = frozenset(ops)
        self._wanted = self._find_nodes()
        self.inputs = self._find_inputs()
        self.outputs = list(self._find_outputs())

    def module(
        self, *, separate: bool = False, constants: Mapping[fx.Node, torch.Tensor] | None = None
    ) -> fx.GraphModule:
        """The group as a module of its inputs.

        Args:
          separate: a mark stands behind each op's results (gopt.fusion_gains.apart): a compiler
            makes every op a kernel of its own.
          constants: values of inputs that the module shall hold itself.
        """
        root, graph = torch.nn.Module(), fx.Graph()
        copied: dict[fx.Node, fx.Node] = {}
        for node in self.inputs:
            if constants and node in constants:
                root.register_buffer(node.name, constants[node])
                copied[node] = graph.get_attr(node.name)
            else:
                copied[node] = graph.placeholder(node.name)
        for node in self._wanted:
            if separate and _is_plain_copy(node):
                (source,) = node.all_input_nodes
                copied[node] = graph.call_function(apart.COPY, (copied[source],))
                continue
            copied[node] = graph.node_copy(node, copied.__getitem__)
            if separate and self._is_result(node):
                copied[node] = graph.call_function(apart.MARK, (copied[node],))
        graph.output(tuple(copied[node] for node in self.outputs))
        return fx.GraphModule(root, graph)

    def tensors(self) -> list[torch.Tensor]:
        """The same values for the inputs each time: floats in [0.1, 1), integers 0."""
        generator = torch.Generator().manual_seed(0)
        return [_fill(node.meta["val"], generator) for node in self.inputs]

    def is_parameter(self, node: fx.Node) -> bool:
        """Whether an input is a parameter of the model, or a view of one."""
        op = self._op_of(node)
        return op is not None and self._step.graph.op(op).kind == "parameter"

    def _op_of(self, node: fx.Node) -> int | None:
        try:
            return self._step.op_of(node)
        except KeyError:
            return None

    def _is_inside(self, node: fx.Node) -> bool:
        return self._op_of(node) in self._ops

    def _find_nodes(self) -> list[fx.Node]:
        """In the order of the step: what computes, and the views between."""
        wanted: set[fx.Node] = set()
        left = [self._step.nodes[op][0] for op in self._ops]
        left += [node for head in left for node in head.users if _is_getitem(node)]
        while left:
            node = left.pop()
            if node in wanted:
                continue
            wanted.add(node)
            left += [source for source in node.all_input_nodes if self._is_inside(source)]
        return [node for node in self._step.graph_module.graph.nodes if node in wanted]

    def _find_inputs(self) -> list[fx.Node]:
        inside = set(self._wanted)
        sources = (source for node in self._wanted for source in node.all_input_nodes)
        return list(dict.fromkeys(source for source in sources if source not in inside))

    def _is_result(self, node: fx.Node) -> bool:
        """A tensor that an op of the group computes: no view, no tuple."""
        if _is_getitem(node):
            return isinstance(node.meta["val"], torch.Tensor)
        head = self._step.nodes[self._step.op_of(node)][0]
        return node is head and isinstance(node.meta["val"], torch.Tensor)

    def _find_outputs(self) -> Iterator[fx.Node]:
        for node in self._wanted:
            if self._is_result(node) and self._is_read_outside(node):
                yield node

    def _is_read_outside(self, node: fx.Node) -> bool:
        """By itself or through views, which count for their op."""
        left, op = [node], self._op_of(node)
        while left:
            for user in left.pop().users:
                of = self._op_of(user)
                if of == op:
                    left.append(user)
                elif of not in self._ops:
                    return True
        return False


def _is_getitem(node: fx.Node) -> bool:
    return node.op == "call_function" and getattr(node.target, "__name__", "") == "getitem"


def _is_plain_copy(node: fx.Node) -> bool:
    """Not a transposing one: what the compiler leaves out, where the simulator counts its bytes."""
    if node.target not in (torch.ops.aten.clone.default, torch.ops.aten.cat.default):
        return False
    if len(node.all_input_nodes) != 1:
        return False
    source, copy = node.all_input_nodes[0].meta["val"], node.meta["val"]
    return source.shape == copy.shape and source.stride() == copy.stride()


def _fill(like: Any, generator: torch.Generator) -> torch.Tensor:
    sizes = zip(like.shape, like.stride(), strict=True)
    elements = 1 + sum((size - 1) * stride for size, stride in sizes) if like.numel() else 0
    base = torch.zeros(elements, dtype=like.dtype)  # Of an expanded tensor: what is stored.
    if like.dtype.is_floating_point:
        base.uniform_(0.1, 1.0, generator=generator)
    elif like.dtype == torch.bool:
        base.random_(0, 2, generator=generator)
    return base.as_strided(like.shape, like.stride())
