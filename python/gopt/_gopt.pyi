"""What needs LibTorch. Users meet these through `gopt`."""

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
import torch

from gopt._core import CostBackend, CostReport, Kernels, Plan, Problem

__doc__: str

def log_bytes(bytes: Sequence[int]) -> torch.Tensor: ...

# --- features

class GuidedProblem:
    def __init__(
        self,
        problem: Problem,
        backend: str | CostBackend = "simulator",
        *,
        reference_plan: Plan | None = None,
        solver: str = "portfolio(search=false)",
    ) -> None: ...
    @property
    def kernels(self) -> Kernels: ...
    @property
    def stickiness_size(self) -> int: ...
    @property
    def reference(self) -> Plan: ...
    @property
    def reference_report(self) -> CostReport: ...
    @property
    def reference_solver(self) -> str: ...
    def features(self) -> dict[str, Any]: ...
    def decode(
        self,
        priority: npt.ArrayLike | None = None,
        stickiness: npt.ArrayLike | None = None,
        device: npt.ArrayLike | None = None,
        decoder: str = "list",
    ) -> Plan: ...
    def price(
        self,
        priority: npt.ArrayLike | None = None,
        stickiness: npt.ArrayLike | None = None,
        device: npt.ArrayLike | None = None,
        decoder: str = "list",
    ) -> tuple[Plan, CostReport]: ...

class RewardScale:
    def __init__(
        self,
        problem: GuidedProblem,
        *,
        kind: str = "log",
        infeasible: float = -10.0,
        graded: bool = True,
    ) -> None: ...
    worst_feasible: float
    def reward(self, report: CostReport) -> float | None: ...

def problem_features(
    problem: Problem,
    reference_plan: Plan | None = None,
    backend: str | CostBackend = "simulator",
) -> dict[str, Any]: ...
