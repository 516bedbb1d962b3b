"""Cycles among groups of ops that were chosen as kernels."""

from __future__ import annotations

import dataclasses
from collections import deque

from gopt.milp.bits import OpSets, members


@dataclasses.dataclass(frozen=True)
class Hop:
    """A group on a cycle: the positions of the ops at which the cycle enters and leaves it."""

    enters: int
    leaves: int


class _Quotient:
    """The graph of groups: for each, those that depend on it, and one edge of ops as proof."""

    def __init__(self, sets: OpSets, groups: list[int]) -> None:
        group_of = {i: g for g, mask in enumerate(groups) for i in members(mask)}
        self.edges: list[dict[int, tuple[int, int]]] = [{} for _ in groups]
        for source, g in group_of.items():
            for target in members(sets.successors[source]):
                if group_of[target] != g:
                    self.edges[g].setdefault(group_of[target], (source, target))


def strong_components(sets: OpSets, groups: list[int]) -> list[list[int]]:
    """The groups, those that cycles join together in one list. (Kosaraju's two passes.)"""
    edges = _Quotient(sets, groups).edges
    back: list[list[int]] = [[] for _ in groups]
    for g, targets in enumerate(edges):
        for target in targets:
            back[target].append(g)
    taken = [False] * len(groups)
    components = []
    for start in reversed(_finish_order(edges)):
        if taken[start]:
            continue
        taken[start] = True
        component = [start]
        for g in component:  # Grows while it is read.
            for other in back[g]:
                if not taken[other]:
                    taken[other] = True
                    component.append(other)
        components.append([groups[g] for g in sorted(component)])
    return components


def shortest_cycles(sets: OpSets, groups: list[int]) -> list[list[Hop]]:
    """For each group on a cycle a shortest one through it, each cycle once."""
    edges = _Quotient(sets, groups).edges
    cycles = {}
    for component in strong_components(sets, groups):
        if len(component) == 1:
            continue
        inside = set(component)
        for g, mask in enumerate(groups):
            if mask in inside:
                cycle = _cycle_through(g, edges)
                cycles[frozenset(cycle)] = _hops(cycle, edges)
    return list(cycles.values())


def _finish_order(edges: list[dict[int, tuple[int, int]]]) -> list[int]:
    order: list[int] = []
    seen = [False] * len(edges)
    for root in range(len(edges)):
        if seen[root]:
            continue
        seen[root] = True
        stack = [(root, iter(edges[root]))]
        while stack:
            g, targets = stack[-1]
            target = next((t for t in targets if not seen[t]), None)
            if target is None:
                order.append(g)
                stack.pop()
            else:
                seen[target] = True
                stack.append((target, iter(edges[target])))
    return order


def _cycle_through(start: int, edges: list[dict[int, tuple[int, int]]]) -> list[int]:
    """Groups of a shortest cycle, `start` first; breadth first. There must be one."""
    before: dict[int, int] = {}
    queue = deque([start])
    while start not in before:
        g = queue.popleft()
        for target in edges[g]:
            if target not in before:
                before[target] = g
                queue.append(target)
    cycle = [start]
    while before[cycle[-1]] != start:
        cycle.append(before[cycle[-1]])
    return [start, *reversed(cycle[1:])]


def _hops(cycle: list[int], edges: list[dict[int, tuple[int, int]]]) -> list[Hop]:
    hops = []
    for i, g in enumerate(cycle):
        enters = edges[cycle[i - 1]][g][1]
        leaves = edges[g][cycle[(i + 1) % len(cycle)]][0]
        hops.append(Hop(enters, leaves))
    return hops
