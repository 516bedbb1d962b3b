"""Copies of the user's model and inputs that have shapes but no data, so that tracing is free."""

from __future__ import annotations

import contextlib
import copy
import random
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from gopt.capture.errors import CaptureError


def home_device(tensors: list[torch.Tensor]) -> torch.device:
    """The device that tensors on "meta" are taken to be on: the first real one, else the CPU."""
    for tensor in tensors:
        if tensor.device.type != "meta":
            return tensor.device
    return torch.device("cpu")


def fake_tensor(mode: FakeTensorMode, tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor of the same shape, strides and dtype in `mode`, without data.

    Real, "meta" and other modes' fake tensors are accepted; parameters stay parameters.
    """
    if tensor.device.type != "meta" and not isinstance(tensor, FakeTensor):
        fake = mode.from_tensor(tensor)
        return fake if isinstance(tensor, nn.Parameter) else fake.detach()
    where = device if tensor.device.type == "meta" else tensor.device
    with mode:
        fake = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=where)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(fake, requires_grad=tensor.requires_grad)
    return fake


def fake_model(mode: FakeTensorMode, model: nn.Module, device: torch.device) -> nn.Module:
    """A deep copy of `model` whose parameters and buffers are fake; no weight is copied.

    A parameter that is registered under several names (tied weights) stays one: the later names
    become properties that read the first, since tracing would give each a gradient of its own.

    Raises:
      CaptureError: the module holds something that copy.deepcopy refuses (a lock, a file).
    """
    memo: dict[int, Any] = {}
    for tensor in [*model.parameters(), *model.buffers()]:
        memo[id(tensor)] = fake_tensor(mode, tensor, device)
    for module in model.modules():
        for value in vars(module).values():  # plain attributes: shared, never copied
            if isinstance(value, torch.Tensor) and id(value) not in memo:
                shared = value if value.is_leaf else value.detach()
                memo[id(value)] = fake_tensor(mode, shared, device) if _is_empty(value) else shared
    try:
        fake = copy.deepcopy(model, memo)
    except Exception as error:
        raise CaptureError(
            "a model that cannot be copied",
            f"{type(error).__name__}: {error}",
            "keep locks, files and other handles out of the module, or give it a __deepcopy__",
        ) from error
    _tie(fake)
    _register_empty(fake)
    return fake


def _is_empty(tensor: torch.Tensor) -> bool:
    """Whether it has a shape and no data."""
    return tensor.device.type == "meta" or isinstance(tensor, FakeTensor)


def _register_empty(model: nn.Module) -> None:
    """Makes buffers of plain attributes without data, which cannot be constants of a graph."""
    for module in model.modules():
        for name, value in list(vars(module).items()):
            if isinstance(value, FakeTensor):
                delattr(module, name)
                module.register_buffer(name, value, persistent=False)


def _tie(model: nn.Module) -> None:
    owners: dict[int, tuple[nn.Module, str]] = {}
    for module in model.modules():
        for name, parameter in list(module._parameters.items()):
            if parameter is None:
                continue
            owner = owners.setdefault(id(parameter), (module, name))
            if owner != (module, name):
                del module._parameters[name]
                _read_from(module, name, *owner)


def _read_from(module: nn.Module, name: str, owner: nn.Module, owner_name: str) -> None:
    cls = type(module)
    alias = property(lambda self: getattr(owner, owner_name))
    module.__class__ = type(cls.__name__, (cls,), {name: alias, "__module__": cls.__module__})


def canonical_names(model: nn.Module) -> dict[str, str]:
    """Every parameter and buffer name, mapped to the first name of the same tensor."""
    first: dict[int, str] = {}
    names: dict[str, str] = {}
    for name, tensor in [
        *model.named_parameters(remove_duplicate=False),
        *model.named_buffers(remove_duplicate=False),
    ]:
        names[name] = first.setdefault(id(tensor), name)
    return names


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Keeps the caller's random states, grad mode and oneDNN switch as they were.

    oneDNN is off inside, so that an LSTM becomes its arithmetic and not one CPU-only kernel.
    """
    python_state = random.getstate()
    grad = torch.is_grad_enabled()
    onednn = torch._C._get_mkldnn_enabled()
    try:
        with torch.random.fork_rng(devices=[]):
            torch._C._set_mkldnn_enabled(False)
            yield
    finally:
        torch._C._set_mkldnn_enabled(onednn)
        torch.set_grad_enabled(grad)
        random.setstate(python_state)
