"""The environments: an episode decides one plan, whose worth is the reward at its end."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from gopt import _core
from gopt.env.actions import Actions
from gopt.env.guided import Array, Guidance, GuidedKernels

# Wider than what docs/policy_features.md says of the columns, and than the logarithm of any time.
_FEATURE_LIMIT = 4.0
_EDGE_LIMIT = 64.0

Observation = dict[str, Array]
Step = tuple[Observation, float, bool, bool, dict[str, Any]]


class PlanEnv(gymnasium.Env):
    """What all modes share. For one thread.

    Attributes:
      plan: Of the last episode that ended; None before.
      best_plan, best_step_time_ns: The fastest feasible plan of all episodes; None before.
      reference, reference_time_ns, reference_solver: What rewards are relative to.
      problem: The Problem.
      features: Tensors of the graph of ops and of the kernels, for networks on graphs;
        gopt._gopt.GuidedProblem.features describes them.
    """

    metadata = {"render_modes": []}  # noqa: RUF012  Gymnasium's own way.
    render_mode = None

    def __init__(self, kernels: GuidedKernels, actions: Actions, scale: Any) -> None:
        self.problem = kernels.problem
        self.reference = kernels.reference
        self.reference_time_ns = kernels.reference_time_ns
        self.reference_solver = kernels.reference_solver
        self.features = kernels.features
        self.plan: _core.Plan | None = None
        self.best_plan: _core.Plan | None = None
        self.best_step_time_ns: int | None = None
        self._kernels = kernels
        self._actions = actions
        self._scale = scale
        self._guidance: Guidance | None = None  # None: reset() is due.

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begins an episode. With a seed, rewards too are as in a new environment: graded ones
        depend on the plans before."""
        super().reset(seed=seed)
        if seed is not None:
            self._scale.worst_feasible = 0.0
        self._guidance = self._actions.start()
        return self._begin(), {}

    def default_action(self) -> Array:
        """What leaves things as they are: the heuristic of the list decoder, the reference's
        decisions of the direct one."""
        raise NotImplementedError

    def _begin(self) -> Observation:
        raise NotImplementedError

    def _open_guidance(self) -> Guidance:
        if self._guidance is None:
            raise gymnasium.error.ResetNeeded("the episode has ended: call reset()")
        return self._guidance

    def _end(self, observation: Observation) -> Step:
        plan, report = self._kernels.price(self._open_guidance(), self._actions.decoder)
        self._guidance = None
        self.plan = plan
        if report.outcome == "OK":
            self._keep_best(plan, report.step_time)
        reward = self._scale.reward(report)
        failed = reward is None  # The backend could not tell: the end is none of the plan's doing.
        # A plan over a memory limit has a step time, one that is illegal has none.
        known = report.outcome == "OK" or report.step_time > 0
        info = {
            "step_time_ns": report.step_time if known else None,
            "ratio": report.step_time / max(self.reference_time_ns, 1) if known else None,
            "outcome": report.outcome,
            "reason": report.reason,
            "plan": plan.copy(),
        }
        return observation, 0.0 if failed else reward, not failed, failed, info

    def _keep_best(self, plan: _core.Plan, step_time_ns: int) -> None:
        if self.best_step_time_ns is None or step_time_ns < self.best_step_time_ns:
            self.best_plan, self.best_step_time_ns = plan.copy(), step_time_ns


class OneShotEnv(PlanEnv):
    """One action decides all. The observation is the problem, always the same:

    node [kernels, columns], edge_index [2, edges], edge [edges, 3], device [devices, columns],
    allowed [kernels, devices].
    """

    def __init__(self, kernels: GuidedKernels, actions: Actions, scale: Any) -> None:
        super().__init__(kernels, actions, scale)
        self.observation_space = spaces.Dict(
            {
                "node": _box(kernels.node.shape, -_FEATURE_LIMIT, _FEATURE_LIMIT),
                "edge_index": spaces.Box(
                    0, max(len(kernels) - 1, 0), kernels.edge_index.shape, np.int64
                ),
                "edge": _box(kernels.edge.shape, 0.0, _EDGE_LIMIT),
                "device": _box(kernels.device.shape, -_FEATURE_LIMIT, _FEATURE_LIMIT),
                "allowed": _box(kernels.allowed.shape, 0.0, 1.0),
            }
        )
        self.action_space = actions.one_shot_space()

    def default_action(self) -> Array:
        return self._actions.one_shot_default()

    def step(self, action: Any) -> Step:
        self._actions.decide_all(action, self._open_guidance())
        return self._end(self._begin())

    def _begin(self) -> Observation:
        return {
            "node": self._kernels.node.copy(),
            "edge_index": self._kernels.edge_index.copy(),
            "edge": self._kernels.edge.copy(),
            "device": self._kernels.device.copy(),
            "allowed": self._kernels.allowed.astype(np.float32),
        }


class SegmentsEnv(PlanEnv):
    """Each action decides the next `segment` kernels, by id. The observation is of these, and of
    the plan so far: what the guidance until now means, the rest being left as it is.

    node [segment, columns], allowed [segment, devices]; mask [segment]: 1 for a kernel, 0 for
    padding at the end; placed [segment, devices]: 1 where the plan so far has it; inputs
    [segment, devices]: share of the tensors it reads that are made there; device
    [devices, columns]; load [devices]: share of all kernels' time; progress [1]: share of the
    kernels that are decided.
    """

    def __init__(self, kernels: GuidedKernels, actions: Actions, scale: Any, segment: int) -> None:
        super().__init__(kernels, actions, scale)
        self._segment = segment
        self._next = 0
        per_device = (segment, kernels.num_devices)
        self.observation_space = spaces.Dict(
            {
                "node": _box((segment, kernels.node.shape[1]), -_FEATURE_LIMIT, _FEATURE_LIMIT),
                "allowed": _box(per_device, 0.0, 1.0),
                "mask": _box((segment,), 0.0, 1.0),
                "placed": _box(per_device, 0.0, 1.0),
                "inputs": _box(per_device, 0.0, 1.0),
                "device": _box(kernels.device.shape, -_FEATURE_LIMIT, _FEATURE_LIMIT),
                "load": _box((kernels.num_devices,), 0.0, 1.0),
                "progress": _box((1,), 0.0, 1.0),
            }
        )
        self.action_space = actions.segment_space(segment)

    def default_action(self) -> Array:
        return self._actions.segment_default(self._segment, self._next, self._stop())

    def step(self, action: Any) -> Step:
        guidance = self._open_guidance()
        begin, end = self._next, self._stop()
        self._actions.decide_segment(action, self._segment, begin, end, guidance)
        self._next = end
        observation = self._observe(guidance)
        if end == len(self._kernels):
            return self._end(observation)
        return observation, 0.0, False, False, {}

    def _begin(self) -> Observation:
        self._next = 0
        return self._observe(self._open_guidance())

    def _stop(self) -> int:
        return min(self._next + self._segment, len(self._kernels))

    def _observe(self, guidance: Guidance) -> Observation:
        kernels, begin, end = self._kernels, self._next, self._stop()
        where = kernels.devices(guidance, self._actions.decoder)
        return {
            "node": self._padded(kernels.node[begin:end]),
            "allowed": self._padded(kernels.allowed[begin:end]),
            "mask": self._padded(np.ones(end - begin)),
            "placed": self._padded(np.eye(kernels.num_devices)[where[begin:end]]),
            "inputs": self._padded(self._inputs(where, begin, end)),
            "device": kernels.device.copy(),
            "load": self._load(where),
            "progress": np.array([begin / max(len(kernels), 1)], np.float32),
        }

    def _padded(self, rows: Array) -> Array:
        padded = np.zeros((self._segment, *rows.shape[1:]), np.float32)
        padded[: len(rows)] = rows
        return padded

    def _inputs(self, where: Array, begin: int, end: int) -> Array:
        edges = slice(*self._kernels.edge_begin[[begin, end]])
        source, target = self._kernels.edge_index[:, edges]
        counts = np.zeros((end - begin, self._kernels.num_devices))
        np.add.at(counts, (target - begin, where[source]), 1.0)
        return counts / np.maximum(counts.sum(1, keepdims=True), 1.0)

    def _load(self, where: Array) -> Array:
        times = self._kernels.time[np.arange(len(where)), where].astype(np.float64)
        load = np.bincount(where, times, minlength=self._kernels.num_devices)
        return (load / max(load.sum(), 1.0)).astype(np.float32)


def _box(shape: tuple[int, ...], low: float, high: float) -> spaces.Box:
    return spaces.Box(low, high, shape, np.float32)
