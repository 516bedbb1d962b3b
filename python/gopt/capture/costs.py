"""Arithmetic and bytes of one op. A multiply-add is two operations."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx

from gopt.capture import contract
from gopt.capture.contract import Value
from gopt.capture.op_table import OpInfo


def shape(argument: Any) -> tuple[int, ...]:
    """Shape of an FX argument that is a tensor; () for anything else."""
    value = argument.meta.get("val") if isinstance(argument, fx.Node) else None
    return tuple(int(d) for d in value.shape) if hasattr(value, "shape") else ()


def convolution_flops(
    weight: Sequence[int], output: Sequence[int], data: Sequence[int], transposed: bool
) -> float:
    """Of a convolution, of its input gradient and of its weight gradient: all the same.

    Args:
      weight: [out channels, in channels / groups, *kernel]; transposed [in, out / groups, *kernel].
      output, data: [batch, channels, *space].
    """
    positions = data if transposed else output
    return 2.0 * math.prod(positions) * math.prod(weight[1:])


def attention_flops(
    query: Sequence[int], key: Sequence[int], value: Sequence[int], causal: bool
) -> float:
    """softmax(q k') v for [batch, heads, length, width]; half of it if causal."""
    batch_heads, q_len = math.prod(query[:-2]), query[-2]
    full = 2.0 * batch_heads * q_len * key[-2] * (query[-1] + value[-1])
    return full / 2 if causal else full


def op_flops(info: OpInfo, name: str, node: fx.Node, largest: int) -> float:
    """Operations of one op, -1 where unknown.

    Args:
      info: its row of the table.
      name: schema name, "aten::mm".
      node: the FX node, with shapes of arguments in meta["val"].
      largest: elements of the largest tensor that it reads or writes.
    """
    args = node.args
    if name == "aten::mm":
        return 2.0 * math.prod(shape(args[0])) * shape(args[1])[-1]
    if name == "aten::addmm":
        return 2.0 * math.prod(shape(args[1])) * shape(args[2])[-1]
    if name == "aten::bmm":
        return 2.0 * math.prod(shape(args[0])) * shape(args[1])[-1]
    if name == "aten::baddbmm":
        return 2.0 * math.prod(shape(args[1])) * shape(args[2])[-1]
    if name in ("aten::mv", "aten::dot", "aten::vdot"):
        return 2.0 * math.prod(shape(args[0]))
    if name == "aten::addmv":
        return 2.0 * math.prod(shape(args[1]))
    if name == "aten::convolution":
        output = tuple(node.meta["val"].shape)
        return convolution_flops(shape(args[1]), output, shape(args[0]), bool(args[6]))
    if info.type == "attention":
        return attention_flops(*map(shape, args[:3]), _is_causal(node))
    if info.type == "attention_backward":  # five matrix products instead of two
        return 2.5 * attention_flops(*map(shape, args[1:4]), _is_causal(node))
    if info.type in ("average_pool", "max_pool"):
        output = node.meta["val"]
        output = output[0] if isinstance(output, (tuple, list)) else output
        return float(math.prod(output.shape) * _window(args[1], output.dim()))
    if info.type == "average_pool_backward":
        return float(math.prod(shape(args[0])) * _window(args[2], len(shape(args[0]))))
    if info.type in _FORMULAS:
        return _FORMULAS[info.type](node)
    return info.flops * largest if info.flops >= 0 else -1.0


def _window(kernel: Any, rank: int) -> int:
    sizes = [kernel] if isinstance(kernel, int) else list(kernel)
    return math.prod(sizes) if len(sizes) > 1 else sizes[0] ** max(rank - 2, 1)


def _argument(node: fx.Node, name: str, otherwise: Any = None) -> Any:
    """An argument by its name in the schema, its default if it is not given."""
    for position, argument in enumerate(node.target._schema.arguments):
        if argument.name == name:
            given = node.args[position] if position < len(node.args) else argument.default_value
            return node.kwargs.get(name, given)
    return otherwise


def _is_causal(node: fx.Node) -> bool:
    return bool(_argument(node, "is_causal"))


def _levels(length: int) -> int:
    """Of a binary tree over so many leaves; at least one."""
    return max(1, (length - 1).bit_length())


def _sort(node: fx.Node) -> float:
    sizes = shape(node.args[0]) or (1,)
    return float(math.prod(sizes) * _levels(sizes[_argument(node, "dim")]))


def _top(node: fx.Node) -> float:
    """A heap of the k largest, fed with every element; without k one pass over them."""
    return float(math.prod(shape(node.args[0])) * _levels(_argument(node, "k", 1)))


def _search(node: fx.Node) -> float:
    """A binary search of each element of `self`."""
    sequence = _argument(node, "boundaries", _argument(node, "sorted_sequence"))
    return float(math.prod(shape(_argument(node, "self"))) * _levels(shape(sequence)[-1]))


def _fourier(node: fx.Node) -> float:
    """5 n log2 n for n numbers (Van Loan 1992, section 1.4), of the larger side."""
    sizes = max(shape(node.args[0]), tuple(node.meta["val"].shape), key=math.prod)
    length = math.prod(sizes[dim] for dim in node.args[1])
    return 5.0 * math.prod(sizes) * _levels(length)


def _bag(node: fx.Node) -> float:
    """An addition per number looked up; the first argument is the table, or the gradient."""
    return float(math.prod(shape(node.args[1])) * shape(node.args[0])[-1])


def _grouped_product(node: fx.Node) -> float:
    """Rows of [rows, inner], each times one of the matrices [groups, inner, outer]."""
    return 2.0 * math.prod(shape(node.args[0])) * shape(node.args[1])[-1]


_FORMULAS: dict[str, Callable[[fx.Node], float]] = {
    "sort": _sort,
    "topk": _top,
    "median": _top,
    "search": _search,
    "fourier": _fourier,
    "embedding_bag": _bag,
    "embedding_bag_backward": _bag,
    "grouped_matmul": _grouped_product,
    "grouped_matmul_backward": lambda node: 2 * _grouped_product(node),
}


def stored_elements(value: Value) -> int:
    """Elements that a value has in memory."""
    return value.region.nbytes // max(value.tensor.element_size(), 1)


def bytes_read(
    node: fx.Node, info: OpInfo, operands: list[Value], outputs: list[torch.Tensor]
) -> int:
    """Distinct bytes that the kernel reads.

    A gather reads of its first operand what it gives, a bag of embeddings the rows it looks up.
    """
    skipped = set()
    for position in info.shape_only:
        argument = node.args[position]
        skipped.add(id(argument.meta.get("val")) if isinstance(argument, fx.Node) else 0)
    distinct: dict[Any, int] = {}
    for i, value in enumerate(operands):
        if id(value.tensor) in skipped:
            continue
        nbytes = value.region.nbytes
        if i == 0 and info.fusion == "gather":
            nbytes = min(nbytes, sum(contract.region_of(t).nbytes for t in outputs))
        if i == 0 and info.type == "embedding_bag":
            nbytes = min(nbytes, int(_bag(node)) * value.tensor.element_size())
        distinct.setdefault(value.key, nbytes)
    return sum(distinct.values())
