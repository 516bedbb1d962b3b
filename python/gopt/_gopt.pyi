"""What needs LibTorch. Users meet these through `gopt`."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.distributed

from gopt._core import CancelToken, CostBackend, Solver, TrainingConfig

__doc__: str

_Path = str | os.PathLike[str]

def log_bytes(bytes: Sequence[int]) -> torch.Tensor: ...
def register_all() -> None: ...

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
