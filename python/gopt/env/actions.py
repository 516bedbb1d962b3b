"""What actions mean: spaces, and the guidance that an action writes."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from gymnasium import spaces

from gopt.env.guided import Array, Guidance, GuidedKernels, checked


class Actions(Protocol):
    """Actions decide the kernels `begin` .. `end` - 1. Those of a segment have entries for
    `segment` kernels, of which the last ones may stand for none."""

    decoder: str

    def start(self) -> Guidance:
        """Of an episode in which nothing is decided yet."""

    def one_shot_space(self) -> spaces.Space: ...
    def one_shot_default(self) -> Array:
        """The action that leaves the heuristic, or the reference, as it is."""

    def decide_all(self, action: Any, guidance: Guidance) -> None: ...
    def segment_space(self, segment: int) -> spaces.Space: ...
    def segment_default(self, segment: int, begin: int, end: int) -> Array: ...
    def decide_segment(
        self, action: Any, segment: int, begin: int, end: int, guidance: Guidance
    ) -> None: ...


class ListActions:
    """Offsets in [-1, 1] to what the list scheduler does by itself; beyond is cut off. First the
    priorities, one per kernel, if scheduling is open; then the stickiness, if placement is: one per
    edge, or in segments one per kernel for all its edges.
    """

    decoder = "list"

    def __init__(
        self, kernels: GuidedKernels, priority_scale: float, stickiness_scale: float
    ) -> None:
        self._kernels = kernels
        self._priority_scale = priority_scale
        self._stickiness_scale = stickiness_scale
        self._scheduling = int(kernels.problem.scheduling)
        self._placement = int(kernels.problem.placement)

    def start(self) -> Guidance:
        return Guidance(
            priority=self._kernels.reference_priority.copy(),
            stickiness=np.zeros(self._kernels.num_edges, np.float32),
            device=self._kernels.reference_device,
        )

    def one_shot_space(self) -> spaces.Box:
        return self._box(len(self._kernels), self._kernels.num_edges)

    def one_shot_default(self) -> Array:
        return np.zeros(self.one_shot_space().shape, np.float32)

    def decide_all(self, action: Any, guidance: Guidance) -> None:
        kernels, edges = len(self._kernels), self._kernels.num_edges
        priority, stickiness = self._split(action, kernels, edges)
        guidance.priority += self._priority_scale * priority
        guidance.stickiness[:] = self._stickiness_scale * stickiness

    def segment_space(self, segment: int) -> spaces.Box:
        return self._box(segment, segment)

    def segment_default(self, segment: int, begin: int, end: int) -> Array:
        return np.zeros(self.segment_space(segment).shape, np.float32)

    def decide_segment(
        self, action: Any, segment: int, begin: int, end: int, guidance: Guidance
    ) -> None:
        priority, stickiness = self._split(action, segment, segment)
        guidance.priority[begin:end] += self._priority_scale * priority[: end - begin]
        edges = slice(*self._kernels.edge_begin[[begin, end]])
        reader = self._kernels.edge_index[1, edges] - begin
        guidance.stickiness[edges] = self._stickiness_scale * stickiness[reader]

    def _box(self, priorities: int, stickinesses: int) -> spaces.Box:
        size = priorities * self._scheduling + stickinesses * self._placement
        return spaces.Box(-1.0, 1.0, (size,), np.float32)

    def _split(self, action: Any, priorities: int, stickinesses: int) -> tuple[Array, Array]:
        """Zeros for what is closed."""
        action = checked(action, self._box(priorities, stickinesses).shape, np.float32)
        action = np.clip(np.nan_to_num(action), -1.0, 1.0)
        cut = priorities * self._scheduling
        priority = action[:cut] if self._scheduling else np.zeros(priorities, np.float32)
        stickiness = action[cut:] if self._placement else np.zeros(stickinesses, np.float32)
        return priority, stickiness


class DirectActions:
    """First the devices, one per kernel, if placement is open; then the levels, if scheduling is.
    Kernels of higher levels come first, those of one level in the reference's order. A device that
    a kernel may not use stands for the nearest one by id that it may.
    """

    decoder = "direct"

    def __init__(self, kernels: GuidedKernels, levels: int) -> None:
        self._kernels = kernels
        self._levels = levels
        self._scheduling = int(kernels.problem.scheduling)
        self._placement = int(kernels.problem.placement)

    def start(self) -> Guidance:
        level = np.full(len(self._kernels), self._levels // 2)
        return Guidance(
            priority=self._priority(level, slice(None)),
            stickiness=np.zeros(self._kernels.num_edges, np.float32),
            device=self._kernels.reference_device.copy(),
        )

    def one_shot_space(self) -> spaces.MultiDiscrete:
        return self.segment_space(len(self._kernels))

    def one_shot_default(self) -> Array:
        return self.segment_default(len(self._kernels), 0, len(self._kernels))

    def decide_all(self, action: Any, guidance: Guidance) -> None:
        self.decide_segment(action, len(self._kernels), 0, len(self._kernels), guidance)

    def segment_space(self, segment: int) -> spaces.MultiDiscrete:
        devices = [self._kernels.num_devices] * (segment * self._placement)
        levels = [self._levels] * (segment * self._scheduling)
        return spaces.MultiDiscrete(np.array(devices + levels))

    def segment_default(self, segment: int, begin: int, end: int) -> Array:
        device = np.zeros(segment * self._placement, np.int64)
        if self._placement:
            device[: end - begin] = self._kernels.reference_device[begin:end]
        level = np.full(segment * self._scheduling, self._levels // 2)
        return np.concatenate([device, level])

    def decide_segment(
        self, action: Any, segment: int, begin: int, end: int, guidance: Guidance
    ) -> None:
        action = checked(action, self.segment_space(segment).shape, np.int64)
        cut = segment * self._placement
        if self._placement:
            guidance.device[begin:end] = action[: end - begin]
        if self._scheduling:
            level = action[cut : cut + end - begin]
            guidance.priority[begin:end] = self._priority(level, slice(begin, end))

    def _priority(self, level: Array, kernels: slice) -> Array:
        # The reference's are in [-1, 0]: half of that keeps levels apart.
        return level + 0.5 * (1.0 + self._kernels.reference_priority[kernels])
