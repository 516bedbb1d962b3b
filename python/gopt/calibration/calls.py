"""A signature made runnable: tensors of its shapes and strides, filled with values it may have.

Sizes decide the time of nearly all ops, values do not; but they must be legal: indices within what
they index, and positive floats, so that logarithms and roots stay finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

# Elements that are drawn; larger tensors repeat them.
_DRAWN = 1 << 20

Signature = dict[str, Any]  # As gopt.capture.signatures stores it.


def prepare(signature: Signature) -> Callable[[], Any]:
    """A function that runs the call once, on the CPU.

    Raises:
      ValueError: the call is not one of this torch, or an argument has no stored form.
    """
    call = signature["call"]
    if call.startswith("optimizer::"):
        return _update(call.removeprefix("optimizer::"), signature)
    operator = _operator(call)
    bounds = _index_bounds(call, signature)
    args = [_decode(argument, bounds.get(i, 1)) for i, argument in enumerate(signature["args"])]
    kwargs = {name: _decode(argument, 1) for name, argument in signature["kwargs"].items()}
    _place_offsets(call, args)
    return lambda: operator(*args, **kwargs)


def _operator(call: str) -> Any:
    """The overload named "aten::mm.default".

    A graph file may come from anywhere, so the name must be that of an operator that computes: not
    of what else `torch.ops` holds (it loads libraries), nor of one that opens files.
    """
    namespace, _, rest = call.partition("::")
    name, _, overload = rest.rpartition(".")
    try:
        operator = getattr(getattr(getattr(torch.ops, namespace), name), overload)
    except (AttributeError, RuntimeError):
        operator = None
    if not isinstance(operator, torch._ops.OpOverload):
        raise ValueError(f"torch {torch.__version__} has no operator {call}")
    is_dispatched = torch._C._dispatch_has_kernel(operator.name())
    opens_files = any(argument.name == "filename" for argument in operator._schema.arguments)
    if not is_dispatched or opens_files:
        raise ValueError(f"{call} is no operator to measure")
    return operator


def _decode(argument: Any, bound: int) -> Any:
    """An argument of the call; integer tensors hold values below `bound` (one per list entry)."""
    if isinstance(argument, list):
        return [_decode(item, bound) for item in argument]
    if not isinstance(argument, dict):
        return argument
    ((kind, value),) = argument.items()
    if kind == "tensor":
        return _tensor(*value, bound=bound)
    if kind == "float":
        return float(value)
    if kind == "device":
        return torch.device("cpu")
    if kind in ("dtype", "layout", "memory_format"):
        return getattr(torch, value)
    raise ValueError(f"the argument {value} has no stored form")


def _tensor(dtype_name: str, shape: list[int], strides: list[int], bound: int) -> torch.Tensor:
    dtype = getattr(torch, dtype_name)
    span = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    base = torch.empty(span if math.prod(shape) else 0, dtype=dtype)
    drawn = base[:_DRAWN]
    if dtype == torch.bool:
        drawn.random_(0, 2)
    elif dtype.is_floating_point or dtype.is_complex:
        drawn.copy_(torch.rand(drawn.shape) * 0.9 + 0.1)
    else:
        drawn.random_(0, max(bound, 1))
    for begin in range(_DRAWN, base.numel(), _DRAWN):
        part = base[begin : begin + _DRAWN]
        part.copy_(drawn[: part.numel()])
    return torch.as_strided(base, shape, strides)


def _shape(signature: Signature, position: int) -> list[int]:
    shape: list[int] = signature["args"][position]["tensor"][1]
    return shape


def _index_bounds(call: str, signature: Signature) -> dict[int, int]:
    """By position of an argument: values of its integer tensors must be below this."""
    name = call.removeprefix("aten::").partition(".")[0]
    args = signature["args"]
    if name in ("embedding", "_embedding_bag", "embedding_bag"):
        return {1: _shape(signature, 0)[0]}
    if name == "embedding_dense_backward":
        return {1: args[2]}
    if name in ("gather", "index_select", "scatter", "scatter_add", "index_add"):
        return {2: (_shape(signature, 0) or [1])[args[1]]}
    if name in ("index", "index_put", "_unsafe_index", "_unsafe_index_put"):
        return {1: min(_shape(signature, 0), default=1)}
    if name in ("nll_loss_forward", "nll_loss2d_forward"):
        return {1: _shape(signature, 0)[1 if len(_shape(signature, 0)) > 1 else 0]}
    if name in ("nll_loss_backward", "nll_loss2d_backward"):
        return {2: _shape(signature, 1)[1 if len(_shape(signature, 1)) > 1 else 0]}
    if name == "max_pool2d_with_indices_backward":
        return {7: math.prod(_shape(signature, 1)[-2:])}
    if name == "_embedding_bag_dense_backward":
        return {0: 1, 1: args[5] if isinstance(args[5], int) else 1}
    return {}


def _place_offsets(call: str, args: list[Any]) -> None:
    """Bags of equal size instead of empty ones."""
    if not call.startswith(("aten::_embedding_bag.", "aten::embedding_bag.")):
        return
    bags, indices = args[2].numel(), args[1].numel()
    if bags:
        args[2].copy_(torch.arange(bags) * (indices // bags))


_FUSED: dict[str, Callable[..., Any]] = {
    "adam": torch._fused_adam_,
    "adamw": torch._fused_adamw_,
    "sgd": torch._fused_sgd_,
}


def _update(name: str, signature: Signature) -> Callable[[], Any]:
    """One parameter's update, by torch's fused kernel."""
    parameter, gradient = (_decode(signature["args"][0], 1) for _ in range(2))
    copies = signature["kwargs"]["copies"]
    state = [torch.zeros_like(parameter) for _ in range(copies)]
    if name not in _FUSED:
        raise ValueError(f"torch has no fused CPU kernel for the optimizer {name}")
    fused = _FUSED[name]
    if name == "sgd":
        return lambda: fused(
            [parameter], [gradient], [state[0]] if state else [], weight_decay=0.0,
            momentum=0.9 if state else 0.0, lr=1e-6, dampening=0.0, nesterov=False,
            maximize=False, is_first_step=False,
        )  # fmt: skip
    maxima = state[2:3]
    step = [torch.ones(())]
    return lambda: fused(
        [parameter], [gradient], state[0:1], state[1:2], maxima, step, lr=1e-6, beta1=0.9,
        beta2=0.999, weight_decay=0.0, eps=1e-8, amsgrad=bool(maxima), maximize=False,
    )  # fmt: skip
