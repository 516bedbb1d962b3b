"""All groups of ops that may be one kernel, and what each costs.

A group is legal if `gopt.fusion_error` has nothing against it, its ops have one device, none of
them must never fuse, and it is convex: no path leaves it and comes back. Every such group grows
from any of its ops by taking a neighbour together with all that lies on paths between (the convex
hull), and stays inside the group while it grows. So what no legal group contains ends a branch:
all rules but the number of operands forbid a set's supersets too, once they forbid the set.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from gopt import _core
from gopt.errors import ResourceExhaustedError
from gopt.milp.bits import OpSets, members

_UNLIMITED = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class Candidates:
    """Attributes:
    sets: the ops that run in kernels.
    masks: of each group, singletons first.
    times: nanoseconds of each as a kernel.
    legal: how many legal groups there are; those that cost no less than two parts of them are left
      out of `masks`.
    """

    sets: OpSets
    masks: list[int]
    times: list[int]
    legal: int


def find_candidates(problem: Any, device: list[int], max_groups: int) -> Candidates:
    """All groups that an optimal partition into kernels may need.

    Args:
      device: of each op by id.
      max_groups: how many convex sets to look at.

    Raises:
      ResourceExhaustedError: there are more.
    """
    sets = OpSets(problem.graph)
    hulls = _Growth(problem, sets, device).run(max_groups)
    limits = problem.fusion_limits
    legal = [
        mask
        for mask in hulls
        if not _core.fusion_error(problem.graph, sets.ids(mask), limits)  # Operands, connectedness.
    ]
    times = _Prices(problem, sets, device).of(legal)
    kept = [mask for mask in legal if not _splits_for_free(mask, times)]
    return Candidates(sets, kept, [times[mask] for mask in kept], len(legal))


class _Growth:
    """Finds the convex sets that may be, or grow to be, legal groups."""

    def __init__(self, problem: Any, sets: OpSets, device: list[int]) -> None:
        self.graph = problem.graph
        self.sets = sets
        self.limits = _core.FusionLimits(
            max_ops=problem.fusion_limits.max_ops,
            max_operands=_UNLIMITED,
            on_chip_bytes=problem.fusion_limits.on_chip_bytes,
        )
        self.neighbours = list(sets.readers)
        for i, readers in enumerate(sets.readers):
            for j in members(readers):
                self.neighbours[j] |= 1 << i
        alone = {op for ops, _ in problem.constraints.never_fused for op in ops}
        by_device: dict[int, int] = {}
        for i, op in enumerate(sets.ops):
            by_device[device[op]] = by_device.get(device[op], 0) | (op not in alone) << i
        self.partners = [by_device[device[op]] for op in sets.ops]

    def run(self, max_groups: int) -> list[int]:
        found = [1 << i for i in range(len(self.sets))]
        seen = set(found)
        for mask in found:  # Grows while it is read.
            for hull in self._grown(mask):
                if hull in seen:
                    continue
                seen.add(hull)
                if self._may_grow(hull):
                    found.append(hull)
            if len(found) > max_groups:
                raise ResourceExhaustedError(
                    f"exact fusion of graph '{self.graph.name}' ({len(self.sets)} ops in kernels): "
                    f"more than {max_groups} convex groups, the limit (max_groups), after "
                    f"{len(found)} of them; take a smaller part of the graph or raise the limit"
                )
        return found

    def _grown(self, mask: int) -> list[int]:
        """Convex hulls of the set and one neighbour."""
        below = above = near = 0
        partners = -1
        for i in members(mask):
            below |= self.sets.descendants[i]
            above |= self.sets.ancestors[i]
            near |= self.neighbours[i]
            partners &= self.partners[i]
        hulls = []
        for j in members(near & partners & ~mask):
            between = (below | self.sets.descendants[j]) & (above | self.sets.ancestors[j])
            hull = mask | 1 << j | between
            if not hull & ~partners:
                hulls.append(hull)
        return hulls

    def _may_grow(self, mask: int) -> bool:
        """Whether some legal group may contain the set."""
        if mask.bit_count() > self.limits.max_ops:
            return False
        return all(
            not _core.fusion_error(self.graph, self.sets.ids(part), self.limits)
            for part in self._parts(mask)
        )

    def _parts(self, mask: int) -> list[int]:
        """The set's parts that tensors connect; control edges may have brought in others."""
        parts = []
        while mask:
            part, edge = 0, mask & -mask
            while edge:
                part |= edge
                near = 0
                for i in members(edge):
                    near |= self.neighbours[i]
                edge = near & mask & ~part
            parts.append(part)
            mask &= ~part
        return parts


class _Prices:
    """Time of each group as a kernel. A partition without clones fixes who reads from outside."""

    def __init__(self, problem: Any, sets: OpSets, device: list[int]) -> None:
        self.costs = _core.OpCosts(problem)
        self.sets = sets
        self.device = device
        self.ports = [sets.outside_readers(problem.graph, op) for op in sets.ops]

    def of(self, masks: list[int]) -> dict[int, int]:
        return {mask: self._time(mask) for mask in masks}

    def _time(self, mask: int) -> int:
        outputs = [p for i in members(mask) for p, readers in self.ports[i] if readers & ~mask]
        ops = self.sets.ids(mask)
        return self.costs.kernel_time(ops, sorted(outputs), self.device[ops[0]])


def _splits_for_free(mask: int, times: dict[int, int]) -> bool:
    """Whether one op and the rest are legal kernels that together cost no more.

    Such a group is not needed: whatever partition has it stays acyclic when it is split, since a
    cycle that leaves and enters the parts would have left and entered the whole.
    """
    for i in members(mask):
        one, rest = 1 << i, mask & ~(1 << i)
        if rest in times and times[one] + times[rest] <= times[mask]:
            return True
    return False
