"""Learned policies: files, weights, decisions, and the solvers that they make.

policy = gopt.Policy.load("policy.gopt")
result = policy.decide(graph, "v100x4")
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gopt import _core, api
from gopt._learned import native
from gopt.result import Result

if TYPE_CHECKING:
    import torch


class Policy:
    """A network with all that is needed to use it: configuration, features, model card.

    Policy(config) has fresh weights, which decide as the heuristics do. Solvers share the policy
    that they were made of: load no weights while one of them runs.
    """

    def __init__(self, config: _core.TrainingConfig | None = None) -> None:
        """InvalidArgumentError for a configuration that breaks a rule; it needs no problem."""
        self._native = native().Policy.create(config or _core.TrainingConfig())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Policy:
        """Reads a policy, or that of a checkpoint.

        NotFoundError; InvalidArgumentError for a file that is none, is damaged, or was made for
        other features than this version computes.
        """
        return cls._of(native().Policy.load(path))

    @classmethod
    def from_state_dict(
        cls, config: _core.TrainingConfig, state: Mapping[str, torch.Tensor]
    ) -> Policy:
        """A policy of this configuration's network with these weights, as load_state_dict."""
        policy = cls(config)
        policy.load_state_dict(state)
        return policy

    @classmethod
    def _of(cls, made: Any) -> Policy:
        policy = cls.__new__(cls)
        policy._native = made
        return policy

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the file, atomically; one that is replaced stays as PATH.previous."""
        self._native.save(path)

    @property
    def config(self) -> _core.TrainingConfig:
        """A copy of the configuration that it was made and trained with."""
        return self._native.config

    @property
    def model_card(self) -> str:
        """Markdown: what it was trained on, how, and what it reached."""
        return self._native.model_card

    @model_card.setter
    def model_card(self, text: str) -> None:
        self._native.model_card = text

    @property
    def metadata(self) -> dict[str, str]:
        """A copy; set it as a whole."""
        return self._native.metadata

    @metadata.setter
    def metadata(self, values: Mapping[str, str]) -> None:
        self._native.metadata = dict(values)

    @property
    def num_parameters(self) -> int:
        """Trained numbers in the network."""
        return self._native.num_parameters

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Copies of the weights by name, float32 on the CPU: `torch.save` and others take them."""
        return self._native.state_dict()

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Replaces all weights.

        InvalidArgumentError lists what is missing, not expected or of another shape, and names what
        is not finite; nothing is changed then.
        """
        self._native.load_state_dict(dict(state))

    def decide(
        self,
        graph: Any,
        machine: _core.Machine | str | None = None,
        *,
        samples: int = 64,
        **options: Any,
    ) -> Result:
        """The best of the classical plans and of `samples` plans that the policy draws.

        It learns nothing of the problem. Zero-shot plans alone: result.rows[-1]; `who` is "policy"
        where its plan is the best.

        Args:
          graph, machine, options: As for gopt.optimize: backend, seconds, evaluations, seed, ...
          samples: The first is drawn without noise.
        """
        return api.optimize(graph, machine, policy_solver(self, samples=samples), **options)

    def __repr__(self) -> str:
        return f"<gopt.Policy '{self.config.name}' of {self.num_parameters:,} parameters>"


def as_policy(policy: str | os.PathLike[str] | Policy) -> Policy:
    """A policy as it is, or that of a file."""
    return policy if isinstance(policy, Policy) else Policy.load(policy)


def policy_solver(policy: str | os.PathLike[str] | Policy, *, samples: int = 64) -> _core.Solver:
    """The solver "policy": the classical plans, then at most `samples` plans of the policy."""
    return native().policy_solver(as_policy(policy)._native, samples=samples)


def gopt_solver(
    policy: str | os.PathLike[str] | Policy,
    *,
    samples: int = 64,
    policy_share: float = 0.3,
    evaluations: int = 0,
) -> _core.Solver:
    """The solver "gopt": the classical plans, the policy's, then annealing from the best of all.

    Args:
      policy_share: Of the evaluations left after the classical plans, the policy's at most.
      evaluations: At most; 0: the caller's budget, or 10,000 without one.
    """
    return native().gopt_solver(
        as_policy(policy)._native,
        samples=samples,
        policy_share=policy_share,
        evaluations=evaluations,
    )
