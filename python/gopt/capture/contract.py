"""Views into ports: which stored bytes a tensor of the FX graph stands for.

A view moves nothing, so it is no op. A view of a whole storage is its producer's port; a slice is a
port of its own with its own bytes; an expanded tensor counts what is stored, not its `numel`.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import torch
from torch import fx

_EXTRA_VIEWS = {
    "aten::_unsafe_view",
    "aten::_reshape_alias",
    "aten::reshape",
    "aten::lift_fresh",
    "aten::lift",
    "aten::alias",
    "aten::unsafe_split",  # "unsafe" for autograd: the parts do share the storage
    "aten::unsafe_split_with_sizes",
    "aten::unsafe_chunk",
}


@dataclasses.dataclass(frozen=True)
class Region:
    """Bytes of a storage, in a form that transposing, reshaping and expanding do not change.

    Attributes:
      offset: first byte, counted from the start of the storage.
      dims: (size, stride in bytes), strides descending, merged where contiguous, no stride 0.
      nbytes: distinct bytes.
    """

    offset: int
    dims: tuple[tuple[int, int], ...]
    nbytes: int


def region_of(tensor: torch.Tensor) -> Region:
    """The stored bytes of a strided tensor; overlapping windows count each byte once."""
    offset, item = int(tensor.storage_offset()), tensor.element_size()
    return _region(offset, item, tuple(tensor.shape), tensor.stride())


@functools.lru_cache(maxsize=4096)  # a graph has few different shapes
def _region(offset: int, item: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Region:
    dims = [
        (int(size), int(stride) * item)
        for size, stride in zip(shape, strides, strict=True)
        if size != 1 and stride != 0
    ]
    if any(size == 0 for size in shape):
        return Region(offset * item, ((0, item),), 0)
    dims.sort(key=lambda dim: -dim[1])
    merged: list[tuple[int, int]] = []
    for size, stride in [*dims, (item, 1)]:
        if merged and merged[-1][1] == size * stride:
            merged[-1] = (merged[-1][0] * size, stride)
        else:
            merged.append((size, stride))
    product, span = 1, 1
    for size, stride in merged:
        product *= size
        span += (size - 1) * stride
    return Region(offset * item, tuple(merged), min(product, span))


def is_view(target: Any) -> bool:
    """True for operators that only look at an input: every return aliases without writing."""
    if not isinstance(target, torch._ops.OpOverload):
        return False
    if target._schema.name in _EXTRA_VIEWS:
        return True
    returns = target._schema.returns
    return bool(returns) and all(
        r.alias_info is not None and not r.alias_info.is_write for r in returns
    )


@dataclasses.dataclass(eq=False)
class Storage:
    """What one op made in one allocation.

    Attributes:
      op: builder id of the op.
      port: builder id of the port that covers the storage.
      region: all of it.
      divisible: False where slices are not ports of their own (parameters).
      shape: of the port that covers the storage.
      slices: ports of slices that something reads.
      node: the FX node that made it.
    """

    op: int
    port: int
    region: Region
    divisible: bool
    shape: tuple[int, ...]
    node: fx.Node
    slices: dict[Region, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, eq=False)
class Value:
    """A tensor of the FX graph: a part of a storage, as `tensor` sees it."""

    storage: Storage
    region: Region
    tensor: torch.Tensor

    @property
    def key(self) -> tuple[int, Region]:
        """Equal for values that are the same bytes."""
        return (self.storage.port, self.region)

    def viewed_as(self, tensor: torch.Tensor) -> Value:
        """The same storage, seen as the output of a view operator."""
        return Value(self.storage, region_of(tensor), tensor)


_DTYPES = frozenset(
    {
        *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
        *("float8_e4m3fn", "float8_e5m2"),
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"),
    }
)


def dtype_name(tensor: torch.Tensor) -> str:
    """The element type as ports name it: "float32"; "unknown" where they have no name for it."""
    name = str(tensor.dtype).removeprefix("torch.")
    return name if name in _DTYPES else "unknown"


def port_of(builder: Any, value: Value) -> int:
    """The builder's port for a value; made now if it is a slice that nothing read before."""
    storage = value.storage
    if _is_whole(value):
        return storage.port
    if value.region not in storage.slices:
        storage.slices[value.region] = builder.add_port(
            storage.op,
            bytes=value.region.nbytes,
            dtype=dtype_name(value.tensor),
            shape=stored_shape(value.tensor),
            storage=storage.port,
        )
    return storage.slices[value.region]


def port_shape(value: Value) -> tuple[int, ...]:
    """Shape of the value's port: the producer's for a whole storage, however it is viewed."""
    return value.storage.shape if _is_whole(value) else stored_shape(value.tensor)


def _is_whole(value: Value) -> bool:
    storage = value.storage
    return not storage.divisible or value.region.nbytes >= storage.region.nbytes


def natural_shape(node: fx.Node, tensor: torch.Tensor) -> tuple[int, ...]:
    """Shape of a matrix product as all its readers see it: [8, 512, 64], not ATen's [4096, 64].

    ATen flattens the leading dimensions of a linear layer's input and views the product back. The
    port has the shape that the model works with, so that it is its elementwise readers' shape too.
    """
    seen = {_leading_view(user, tensor) for user in node.users}
    return seen.pop() or stored_shape(tensor) if len(seen) == 1 else stored_shape(tensor)


def _leading_view(user: fx.Node, tensor: torch.Tensor) -> tuple[int, ...] | None:
    """Shape of a view that only splits leading dimensions; None for anything else."""
    result = user.meta.get("val")
    if not is_view(user.target) or not isinstance(result, torch.Tensor):
        return None
    keeps_rows = result.dim() > 0 and result.shape[-1:] == tensor.shape[-1:]
    if keeps_rows and result.is_contiguous() and region_of(result) == region_of(tensor):
        return tuple(int(size) for size in result.shape)
    return None


def stored_shape(tensor: torch.Tensor) -> tuple[int, ...]:
    """The shape without what `expand` adds: dimensions of stride 0 have size 1."""
    return tuple(
        1 if stride == 0 and size > 1 else int(size)
        for size, stride in zip(tensor.shape, tensor.stride(), strict=True)
    )
