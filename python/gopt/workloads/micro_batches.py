"""Micro-batches: a batch that is run in parts through the same weights.

Parts depend on each other through the weights only, so that devices that hold different layers can
work at the same time, each on another part; gradients of the parts are summed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch


def check_divides(part: str, number: int, of: str, total: int) -> None:
    """Raises ValueError unless `total` (called `of`) is a multiple of `number` (called `part`)."""
    if number < 1 or total < 1 or total % number:
        raise ValueError(f"{of} {total} is not a multiple of {part} {number}")


def mean_loss(
    loss: Callable[..., torch.Tensor], parts: int, *tensors: torch.Tensor
) -> torch.Tensor:
    """Mean of `loss(*part)` over `parts` equal parts of the tensors' first dimension; a scalar."""
    chunks = zip(*(tensor.chunk(parts) for tensor in tensors), strict=True)
    losses = [loss(*chunk) for chunk in chunks]
    return losses[0] if parts == 1 else torch.stack(losses).mean()
