"""A problem in arrays, and what guidance for its kernels is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch  # Before gopt._gopt, which needs its libraries.

from gopt import _core, _gopt
from gopt.errors import InvalidArgumentError

Array = np.ndarray[Any, Any]


@dataclass
class Guidance:
    """What a decoder makes a plan of. The environment's own: it is written to."""

    priority: Array  # [kernels], higher first.
    stickiness: Array  # [edges]; list decoder.
    device: Array  # [kernels]; direct decoder.


class GuidedKernels:
    """The kernels that are decided over, in the order of their ids. Arrays are read only.

    node [kernels, columns]: features, the mean over a kernel's ops. edge_index [2, edges]: which
    kernel makes a tensor and which one reads it, by reader; edge [edges, 3]. edge_begin
    [kernels + 1]: the edges of each reader. device [devices, columns]. allowed [kernels, devices].
    time [kernels, devices]: ns. reference_priority, reference_device [kernels].
    """

    def __init__(
        self,
        problem: _core.Problem,
        backend: _core.CostBackend,
        reference: _core.Plan | str | None,
    ) -> None:
        how = {"solver": reference} if isinstance(reference, str) else {"reference_plan": reference}
        if reference is None:
            how = {}
        self.problem = problem
        self._native = _gopt.GuidedProblem(problem, backend, **how)
        self.features = self._native.features()
        self._read(self.features)

    def _read(self, features: dict[str, Any]) -> None:
        self.node = _pooled(features).numpy()
        source, target = features["kernel_edge_source"], features["kernel_edge_target"]
        self.edge_index = torch.stack([source, target]).numpy()
        self.edge = features["kernel_edge"].numpy()
        self._edge_input = features["kernel_edge_input"].numpy()
        self.edge_begin = np.searchsorted(self.edge_index[1], np.arange(len(self) + 1))
        self.device = features["device"].numpy()
        self.allowed = features["kernel_allowed"].numpy()
        self.time = features["kernel_time"].numpy()
        self.reference_priority = features["kernel_priority"].numpy()
        self.reference_device = features["kernel_device"].numpy()

    def __len__(self) -> int:
        return len(self.node)

    @property
    def num_devices(self) -> int:
        return len(self.device)

    @property
    def num_edges(self) -> int:
        return len(self.edge)

    @property
    def reference(self) -> _core.Plan:
        return self._native.reference

    @property
    def reference_time_ns(self) -> int:
        return self._native.reference_report.step_time

    @property
    def reference_solver(self) -> str:
        return self._native.reference_solver

    def reward_scale(self, *, kind: str, infeasible: float, graded: bool) -> Any:
        return _gopt.RewardScale(self._native, kind=kind, infeasible=infeasible, graded=graded)

    def price(self, guidance: Guidance, decoder: str) -> tuple[_core.Plan, _core.CostReport]:
        return self._native.price(*self._native_guidance(guidance), decoder)

    def devices(self, guidance: Guidance, decoder: str) -> Array:
        """Where the plan that the guidance means has the kernels."""
        return np.asarray(self._native.decode(*self._native_guidance(guidance), decoder).device)

    def _native_guidance(self, guidance: Guidance) -> tuple[Array, Array, Array]:
        stickiness = np.zeros(self._native.stickiness_size, np.float32)
        stickiness[self._edge_input] = guidance.stickiness
        return guidance.priority, stickiness, guidance.device


def checked(action: Any, shape: tuple[int, ...], dtype: type) -> Array:
    """The action as an array of its space's shape."""
    array = np.asarray(action, dtype)
    if array.shape != shape:
        raise InvalidArgumentError(f"action: its shape is {array.shape}, and must be {shape}")
    return array


def _pooled(features: dict[str, Any]) -> torch.Tensor:
    node, kernel = features["node"], features["member_kernel"]
    rows = node[features["member_op"]] * features["member_share"][:, None]
    kernels = len(features["kernel_priority"])
    return torch.zeros(kernels, node.shape[1]).index_add_(0, kernel, rows)
