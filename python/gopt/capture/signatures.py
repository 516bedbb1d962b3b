"""What each op calls, and on which shapes: enough to run it again.

Stored in the graph's `attributes` as JSON:

  {"format": "gopt.signatures/1",
   "signatures": [{"call": "aten::mm.default", "args": [...], "kwargs": {...}}, ...],
   "op": [index of the signature, or -1, for each op]}

A tensor argument is {"tensor": [dtype, shape, strides]}; torch's own constants are {"dtype":
"float32"}, {"device": "cpu"}, {"layout": ...}, {"memory_format": ...}; floats that JSON has no
number for are {"float": "inf"}; the rest is itself. An optimizer op calls "optimizer::<name>" on
its parameter with kwargs {"copies": n}. Equal calls share a signature: a graph has few.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import fx

FORMAT = "gopt.signatures/1"

_NAMED = {
    torch.dtype: "dtype",
    torch.layout: "layout",
    torch.memory_format: "memory_format",
}


class Signatures:
    """Collects the calls of a graph's ops while it is lowered.

    Args:
      tensor_of: the tensor that an FX node stands for; None: none.
    """

    def __init__(self, tensor_of: Callable[[fx.Node], Any]) -> None:
        self._tensor_of = tensor_of
        self._index: dict[tuple[Any, ...], int] = {}
        self._of_op: dict[int, int] = {}

    def note_call(self, op: int, node: fx.Node, **replaced: Any) -> None:
        """The op is the node's call, with the arguments of these names replaced."""
        schema = node.target._schema
        args = [self._key(argument) for argument in node.args]
        kwargs = {name: self._key(argument) for name, argument in node.kwargs.items()}
        for i, argument in enumerate(schema.arguments):
            if argument.name in replaced:
                key = self._key(replaced[argument.name])
                if i < len(args):
                    args[i] = key
                else:
                    kwargs[argument.name] = key
        name = f"{schema.name}.{schema.overload_name or 'default'}"
        self._note(op, (name, tuple(args), tuple(sorted(kwargs.items()))))

    def note_update(self, op: int, optimizer: str, parameter: torch.Tensor, copies: int) -> None:
        """The op updates the parameter, with so many tensors of state."""
        key = (f"optimizer::{optimizer}", (_tensor_key(parameter),), (("copies", ("", copies)),))
        self._note(op, key)

    def attributes(self, num_ops: int) -> bytes:
        """The graph's `attributes`."""
        signatures = [
            {
                "call": name,
                "args": [_to_json(key) for key in args],
                "kwargs": {word: _to_json(key) for word, key in kwargs},
            }
            for name, args, kwargs in self._index
        ]
        of_op = [self._of_op.get(op, -1) for op in range(num_ops)]
        content = {"format": FORMAT, "signatures": signatures, "op": of_op}
        return json.dumps(content, separators=(",", ":"), allow_nan=False).encode()

    def _note(self, op: int, key: tuple[Any, ...]) -> None:
        self._of_op[op] = self._index.setdefault(key, len(self._index))

    def _key(self, argument: Any) -> tuple[Any, ...]:
        """A hashable (kind, value); the kind keeps True, 1 and 1.0 apart."""
        if isinstance(argument, fx.Node):
            value = self._tensor_of(argument)
            if isinstance(value, list):
                return ("list", tuple(_tensor_key(v) for v in value))
            return _tensor_key(value)
        if isinstance(argument, (list, tuple)):
            return ("list", tuple(self._key(item) for item in argument))
        if isinstance(argument, float) and not math.isfinite(argument):
            return ("float", str(argument))
        if argument is None or isinstance(argument, (bool, int, float, str)):
            return (type(argument).__name__, argument)
        if isinstance(argument, torch.device):
            return ("device", argument.type)
        for kind, word in _NAMED.items():
            if isinstance(argument, kind):
                return (word, str(argument).removeprefix("torch."))
        return ("unknown", str(argument))


def _tensor_key(tensor: Any) -> tuple[Any, ...]:
    if not isinstance(tensor, torch.Tensor):
        return ("NoneType", None)
    dtype = str(tensor.dtype).removeprefix("torch.")
    return ("tensor", dtype, tuple(map(int, tensor.shape)), tuple(map(int, tensor.stride())))


_TAGGED = frozenset({"float", "device", "dtype", "layout", "memory_format", "unknown"})


def _to_json(key: tuple[Any, ...]) -> Any:
    kind, *value = key
    if kind == "tensor":
        return {"tensor": value}
    if kind == "list":
        return [_to_json(item) for item in value[0]]
    if kind in _TAGGED and not isinstance(value[0], float):
        return {kind: value[0]}
    return value[0]
