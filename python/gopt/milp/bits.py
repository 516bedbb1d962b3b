"""Sets of ops as integers: bit i stands for the i-th op that runs in a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def members(mask: int) -> Iterator[int]:
    """Positions of the bits that are set, ascending."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


class OpSets:
    """The ops of a graph that run in kernels, and how they depend on each other.

    Attributes:
      ops: op id of each position, ascending, so in topological order.
      position: the other way round; ops that run nowhere have none.
      successors: by position, those that depend on it directly, by tensor or control.
      ancestors, descendants: by position, all that it depends on, and all that depend on it.
      readers: by position, those that read a tensor of it.
    """

    def __init__(self, graph: Any) -> None:
        self.ops: list[int] = graph.kernel_ops
        self.position = {op: i for i, op in enumerate(self.ops)}
        size = len(self.ops)
        self.successors = [self._mask(graph.op(op).successors) for op in self.ops]
        self.readers = [
            self._mask(r for p in graph.op(op).ports for r in graph.port(p).readers)
            for op in self.ops
        ]
        self.descendants = [0] * size
        for i in reversed(range(size)):
            for j in members(self.successors[i]):
                self.descendants[i] |= self.descendants[j] | 1 << j
        self.ancestors = [0] * size
        for i in range(size):
            for j in members(self.successors[i]):
                self.ancestors[j] |= self.ancestors[i] | 1 << i

    def __len__(self) -> int:
        return len(self.ops)

    def ids(self, mask: int) -> list[int]:
        """Op ids of a set, ascending."""
        return [self.ops[i] for i in members(mask)]

    def outside_readers(self, graph: Any, op: int) -> list[tuple[int, int]]:
        """(port, set of ops that read it) for each port of the op."""
        return [(port, self._mask(graph.port(port).readers)) for port in graph.op(op).ports]

    def _mask(self, ops: Any) -> int:
        mask = 0
        for op in ops:
            if op in self.position:
                mask |= 1 << self.position[op]
        return mask
