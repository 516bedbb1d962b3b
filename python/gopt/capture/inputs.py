"""Example inputs and targets as one flat list of tensors, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree

from gopt.capture.errors import CaptureError

PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device)


class Inputs:
    """Inputs and targets as one flat list of tensors, and how to put them together again.

    Attributes:
      tensors: the tensors, in order.
      names: of each, such as "input0", "input.mask", "target0".
    """

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any], targets: tuple[Any, ...]):
        leaves, self._spec = pytree.tree_flatten_with_path((args, kwargs, targets))
        self.tensors: list[torch.Tensor] = []
        self.names: list[str] = []
        self._constants: list[Any] = []  # None where a tensor goes
        for path, leaf in leaves:
            where = _input_name(path, kwargs)
            if isinstance(leaf, torch.Tensor):
                self.tensors.append(leaf)
                self.names.append(where)
            elif not isinstance(leaf, PLAIN):
                raise CaptureError(
                    "a non-tensor input",
                    f"{where} is a {type(leaf).__module__}.{type(leaf).__qualname__}",
                    "pass tensors, numbers, strings, None, or tuples, lists and dicts of them "
                    "(numpy: torch.as_tensor)",
                )
            self._constants.append(None if isinstance(leaf, torch.Tensor) else leaf)
        self._is_tensor = [isinstance(leaf, torch.Tensor) for _, leaf in leaves]

    def assemble(self, tensors: Sequence[torch.Tensor]) -> tuple[Any, Any, Any]:
        """(args, kwargs, targets) with `tensors` in place."""
        rest = iter(tensors)
        leaves = [
            next(rest) if is_tensor else constant
            for is_tensor, constant in zip(self._is_tensor, self._constants, strict=True)
        ]
        return pytree.tree_unflatten(leaves, self._spec)


def _input_name(path: Any, kwargs: Mapping[str, Any]) -> str:
    """ "input0", "input.mask", "target0", with the path inside nested values appended."""
    part, *rest = path
    prefix = ("input", "input.", "target")[part.idx]
    first, *inner = rest
    key = getattr(first, "key", getattr(first, "idx", ""))
    return f"{prefix}{key}{pytree.keystr(tuple(inner))}"


def flatten_inputs(example_inputs: Any, targets: Any) -> Inputs:
    """Inputs as `capture` takes them: a tensor, a tuple or list, or a dict of keyword arguments.

    Raises:
      CaptureError: something in there is neither a tensor nor a plain value.
    """
    targets = tuple(targets) if isinstance(targets, (tuple, list)) else (targets,)
    if isinstance(example_inputs, Mapping):
        return Inputs((), dict(example_inputs), targets)
    if isinstance(example_inputs, (tuple, list)):
        return Inputs(tuple(example_inputs), {}, targets)
    return Inputs((example_inputs,), {}, targets)
