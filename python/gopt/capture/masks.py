"""Assignments through a mask, in a form whose shapes do not depend on data."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class FixedShapes(TorchFunctionMode):
    """While inside, `x[mask] = value` is written as `x.copy_(torch.where(mask, value, x))`.

    Both give the same numbers; but the gradient of the first to `value` has as many rows as the
    mask has ones, which no graph of fixed shape can hold. What needs a row per one stays as it is.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is torch.Tensor.__setitem__ and _is_masked_fill(*args):
            tensor, mask, value = args
            mask = mask.reshape(mask.shape + (1,) * (tensor.dim() - mask.dim()))
            tensor.copy_(torch.where(mask, value.to(tensor.dtype), tensor))
            return None
        return func(*args, **(kwargs or {}))


def _is_masked_fill(tensor: torch.Tensor, index: Any, value: Any) -> bool:
    """One mask over the leading dimensions, and a tensor that is the same at each place."""
    return (
        isinstance(index, torch.Tensor)
        and index.dtype == torch.bool
        and isinstance(value, torch.Tensor)
        and value.dim() <= tensor.dim() - index.dim()
        and value.requires_grad
    )
