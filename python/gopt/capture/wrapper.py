"""Model and loss as one module of flat tensors: what gets traced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedTensorMixin
from torch.utils import _pytree as pytree

from gopt.capture.errors import CaptureError, no_gradient
from gopt.capture.inputs import PLAIN
from gopt.capture.masks import FixedShapes


def plain_model(model: Any) -> nn.Module:
    """The module to trace: what torch.compile wrapped is taken out.

    Raises:
      CaptureError: no module, or one of a kind that cannot be traced.
    """
    if not isinstance(model, nn.Module):
        raise CaptureError(
            f"a {type(model).__name__}",
            "the first argument is not a torch.nn.Module",
            "wrap functions in a module whose forward calls them",
        )
    model = getattr(model, "_orig_mod", model)
    if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        raise CaptureError(
            f"a {type(model).__name__}",
            "it copies the model to devices by itself",
            "pass model.module: placing is what gopt decides",
        )
    for name, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            raise CaptureError(
                "TorchScript",
                f"{name or 'the model'} is a {type(module).__name__}",
                "pass the Python module that was scripted or traced",
            )
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if isinstance(tensor, UninitializedTensorMixin):
            raise CaptureError(
                "a lazy module",
                f"{name} has no shape yet",
                "call model(*example_inputs) once before",
            )
    return model


class Step(nn.Module):
    """Model and loss as a function of flat tensors, which is what gets traced."""

    assemble: Callable[[Sequence[torch.Tensor]], tuple[Any, Any, Any]]

    def __init__(self, model: nn.Module, loss: Any, train: bool) -> None:
        super().__init__()
        self.model = model
        self.loss = loss
        self._train = train

    def forward(self, *tensors: torch.Tensor) -> Any:
        args, kwargs, targets = self.assemble(tensors)
        with FixedShapes():
            output = self.model(*args, **kwargs)
        if not self._train:
            return _tensors_of(output)
        value = self.loss(output, *targets) if self.loss is not None else _own_loss(output)
        return _check_loss(value, self.loss is not None)


def _own_loss(output: Any) -> Any:
    if isinstance(output, Mapping) and "loss" in output:
        return output["loss"]
    return getattr(output, "loss", output)


def _check_loss(value: Any, given: bool) -> torch.Tensor:
    who = "the loss" if given else "the model, with loss=None,"
    if not isinstance(value, torch.Tensor):
        found = f"a {type(value).__name__}"
    elif value.numel() != 1:
        found = f"a tensor of shape {tuple(value.shape)}"
    elif not value.requires_grad:
        raise no_gradient("no gradient flows from it")
    else:
        return value
    raise CaptureError(
        "a loss that is not one number",
        f"{who} gives {found}",
        "pass loss=f with f(output) or f(output, *targets) giving a scalar tensor, "
        "or train=False for inference",
    )


def _tensors_of(output: Any) -> tuple[torch.Tensor, ...]:
    tensors: list[torch.Tensor] = []
    for leaf in pytree.tree_leaves(output):
        held = [] if isinstance(leaf, PLAIN) else _held(leaf)
        if not held and not isinstance(leaf, PLAIN):
            raise CaptureError(
                "a non-tensor output",
                f"the model gives a {type(leaf).__name__}",
                "return tensors, or tuples, lists and dicts of them",
            )
        tensors += held
    if not tensors:
        raise CaptureError("a model without outputs", "it returns no tensor", "return a tensor")
    return tuple(tensors)


def _held(result: Any) -> list[torch.Tensor]:
    """A tensor itself; of an object (a cache of keys and values) those that its attributes hold."""
    found: list[torch.Tensor] = []
    seen: set[int] = set()
    todo = [result]
    while todo:
        item = todo.pop()
        if isinstance(item, torch.Tensor):
            found.append(item)
        elif id(item) not in seen and not isinstance(item, (*PLAIN, nn.Module, type)):
            seen.add(id(item))
            todo.extend(reversed(_parts(item)))
    return found


def _parts(item: Any) -> list[Any]:
    if isinstance(item, Mapping):
        return list(item.values())
    if isinstance(item, (list, tuple)):
        return list(item)
    return list(getattr(item, "__dict__", {}).values())
