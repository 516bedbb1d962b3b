"""What an optimizer costs: state per parameter and arithmetic per element. It is never traced."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from gopt.capture.errors import CaptureError


@dataclasses.dataclass(frozen=True)
class OptimizerSpec:
    """One fused update of a parameter.

    Attributes:
      name: canonical op type, such as "adam".
      copies: tensors of the parameter's size that it keeps (Adam 2, SGD with momentum 1).
      flops: operations per element.
      parameters: ids of the parameters that it updates; None: all.
    """

    name: str
    copies: int
    flops: float
    parameters: frozenset[int] | None = None


_BY_NAME = {
    "sgd": OptimizerSpec("sgd", 0, 2),
    "momentum": OptimizerSpec("sgd", 1, 4),
    "adam": OptimizerSpec("adam", 2, 12),
    "adamw": OptimizerSpec("adamw", 2, 14),
    "nadam": OptimizerSpec("nadam", 2, 16),
    "radam": OptimizerSpec("radam", 2, 16),
    "adamax": OptimizerSpec("adamax", 2, 10),
    "adagrad": OptimizerSpec("adagrad", 1, 6),
    "rmsprop": OptimizerSpec("rmsprop", 1, 8),
    "adadelta": OptimizerSpec("adadelta", 2, 12),
    "asgd": OptimizerSpec("asgd", 1, 6),
    "rprop": OptimizerSpec("rprop", 2, 8),
}


def resolve(optimizer: Any) -> OptimizerSpec | None:
    """What `capture` was given as optimizer, as costs.

    Args:
      optimizer: None (no update: gradients are results); a name ("sgd", "momentum", "adam",
        "adamw", ...); a torch.optim class; an instance (momentum, amsgrad and its list of
        parameters are honoured); an OptimizerSpec.

    Raises:
      CaptureError: an optimizer whose state is not known.
    """
    if optimizer is None or isinstance(optimizer, OptimizerSpec):
        return optimizer
    if isinstance(optimizer, str):
        return _named(optimizer)
    if isinstance(optimizer, type) and issubclass(optimizer, torch.optim.Optimizer):
        return _named(optimizer.__name__)
    if isinstance(optimizer, torch.optim.Optimizer):
        return _of_instance(optimizer)
    raise _unknown(repr(optimizer))


def _named(name: str) -> OptimizerSpec:
    spec = _BY_NAME.get(name.lower())
    if spec is None:
        raise _unknown(repr(name))
    return spec


def _of_instance(optimizer: torch.optim.Optimizer) -> OptimizerSpec:
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    ids = frozenset(map(id, parameters))
    name = type(optimizer).__name__.lower()
    known = _BY_NAME.get(name)
    if known is None:
        copies = _measured_copies(optimizer)
        if copies is None:
            raise _unknown(type(optimizer).__name__)
        return OptimizerSpec(name, copies, 2.0 + 5.0 * copies, ids)
    options = optimizer.param_groups[0]
    copies, flops = known.copies, known.flops
    if options.get("momentum", 0) and name in ("sgd", "rmsprop"):
        copies, flops = copies + 1, flops + 2
    if options.get("amsgrad") or options.get("centered"):
        copies, flops = copies + 1, flops + 2
    return OptimizerSpec(known.name, copies, flops, ids)


def _measured_copies(optimizer: torch.optim.Optimizer) -> int | None:
    """State tensors of a parameter's size, once the optimizer has made a step."""
    for parameter, state in optimizer.state.items():
        if isinstance(parameter, torch.Tensor) and state:
            sizes = [v.numel() for v in state.values() if isinstance(v, torch.Tensor)]
            return sizes.count(parameter.numel())
    return None


def _unknown(what: str) -> CaptureError:
    return CaptureError(
        "an unknown optimizer",
        f"the state that {what} keeps per parameter is not known",
        f"pass one of {', '.join(sorted(_BY_NAME))}, a torch.optim class or instance, an instance "
        "that has made one step, or gopt.capture.OptimizerSpec(name, copies, flops)",
    )
