"""What needs LibTorch. Users meet these through `gopt`."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing as npt
import torch
import torch.distributed

from gopt._core import (
    CancelToken,
    CostBackend,
    CostReport,
    Kernels,
    Plan,
    Problem,
    Solver,
    TrainingConfig,
)

__doc__: str

_Path = str | os.PathLike[str]

def log_bytes(bytes: Sequence[int]) -> torch.Tensor: ...
def register_all() -> None: ...

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

# --- policy

class Policy:
    @staticmethod
    def create(config: TrainingConfig) -> Policy: ...
    @staticmethod
    def load(path: _Path) -> Policy: ...
    def save(self, path: _Path) -> None: ...
    @property
    def config(self) -> TrainingConfig: ...
    model_card: str
    metadata: dict[str, str]
    @property
    def num_parameters(self) -> int: ...
    def state_dict(self) -> dict[str, torch.Tensor]: ...
    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None: ...

def policy_solver(policy: Policy, *, samples: int = 64) -> Solver: ...
def gopt_solver(
    policy: Policy, *, samples: int = 64, policy_share: float = 0.3, evaluations: int = 0
) -> Solver: ...

# --- training

class TrainingResult:
    @property
    def policy(self) -> Policy: ...
    @property
    def iterations(self) -> int: ...
    @property
    def evaluations(self) -> int: ...
    @property
    def stopped(self) -> str: ...
    @property
    def ratio_best(self) -> float: ...

def train(
    config: TrainingConfig,
    *,
    folder: _Path = "",
    resume: bool = False,
    backend: CostBackend | None = None,
    device: str = "cpu",
    process_group: torch.distributed.ProcessGroup | None = None,
    on_line: Callable[[str], Any] | None = None,
    cancel: CancelToken | None = None,
) -> TrainingResult: ...
