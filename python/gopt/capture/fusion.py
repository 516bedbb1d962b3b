"""Fusion class of an op from its row of the table and its shapes; when in doubt, opaque."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from gopt.capture import contract
from gopt.capture.contract import Value
from gopt.capture.op_table import OpInfo


def fusion_class(
    info: OpInfo, node: fx.Node, operands: list[Value], outputs: list[torch.Tensor]
) -> str:
    """The class that the builder takes: what the op may be fused as."""
    if not outputs:
        return "opaque"
    if info.fusion == "pointwise":
        return _pointwise(operands, outputs[0])
    if info.fusion == "row_reduction":
        return _row_reduction(info, node, outputs[0])
    if info.fusion == "reduction":
        return _reduction(node, operands, outputs[0])
    if info.fusion == "data_movement" and len(operands) == 1:
        source = operands[0].tensor
        same = source.shape == outputs[0].shape and _order(source) != _order(outputs[0])
        return "opaque" if same else "data_movement"  # a transposition
    if info.fusion == "gather":
        same = bool(operands) and operands[0].tensor.numel() == outputs[0].numel()
        return "opaque" if same else "data_movement"  # equal counts would look elementwise
    return "broadcast" if info.fusion == "fill" else info.fusion


def _pointwise(operands: list[Value], output: torch.Tensor) -> str:
    """Elementwise if every operand has the output's elements in the output's order."""
    order = _order(output)
    result = "elementwise" if operands else "broadcast"
    for value in operands:
        tensor = value.tensor
        if tensor.shape != output.shape or _is_expanded(tensor):
            result = "broadcast"
        elif _order(tensor) != order:
            return "opaque"  # reads across rows: a transposition
    return result


def _is_expanded(tensor: torch.Tensor) -> bool:
    return any(
        stride == 0 and size > 1 for size, stride in zip(tensor.shape, tensor.stride(), strict=True)
    )


def _order(tensor: torch.Tensor) -> list[int]:
    """Dimensions of size over 1, from the outermost in memory to the innermost."""
    strides = tensor.stride()
    dims = [d for d, size in enumerate(tensor.shape) if size > 1]
    return sorted(dims, key=lambda d: -strides[d])


def _row_reduction(info: OpInfo, node: fx.Node, output: torch.Tensor) -> str:
    """Softmax and normalisation, along the last dimension only."""
    axis = _last_axis(info, node, output.dim())
    return "reduction" if axis else "opaque"


def _last_axis(info: OpInfo, node: fx.Node, rank: int) -> bool:
    if info.type in ("layer_norm", "rms_norm"):
        return len(node.args[1]) == 1  # normalized_shape
    position = 2 if info.type.endswith("_backward") else 1
    dim = node.args[position]
    return isinstance(dim, int) and dim % max(rank, 1) == rank - 1


def _reduction(node: fx.Node, operands: list[Value], output: torch.Tensor) -> str:
    """Opaque where the shapes look like a row-wise reduction and the axis is another one."""
    if not operands:
        return "opaque"
    source = operands[0].tensor
    if source.dim() == 0 or output.numel() == 1 or _reduces_last(node, source.dim()):
        return "reduction"
    for shape in (tuple(source.shape), contract.port_shape(operands[0])):
        leading = shape[:-1]
        if tuple(output.shape) in (leading, (*leading, 1)):
            return "opaque"
    return "reduction"


def _reduces_last(node: fx.Node, rank: int) -> bool:
    dims: Any = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
    if isinstance(dims, int):
        dims = [dims]
    if not isinstance(dims, (list, tuple)) or not all(isinstance(d, int) for d in dims):
        return False
    return [d % rank for d in dims] == [rank - 1]
