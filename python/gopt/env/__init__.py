"""A problem as a Gymnasium environment, for learners that are not gopt's own; needs
`pip install 'gopt[gym]'`.

    import gopt

    env = gopt.make_env(graph, machine, decoder="direct")
    observation, info = env.reset(seed=1)
    observation, reward, terminated, truncated, info = env.step(env.action_space.sample())

docs/extending/gymnasium.md describes spaces and rewards.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gopt import _core, api
from gopt.errors import FailedPreconditionError, InvalidArgumentError

if TYPE_CHECKING:
    import gymnasium

__all__ = ["make_env"]


def make_env(
    graph: Any,
    machine: _core.Machine | str | None = None,
    *,
    decoder: str = "list",
    mode: str = "one_shot",
    segment: int = 64,
    backend: str | _core.CostBackend = "simulator",
    reward: str = "log",
    infeasible: float = -10.0,
    graded: bool = True,
    reference: _core.Plan | str | None = None,
    priority_scale: float = 0.2,
    stickiness_scale: float = 1.0,
    priority_levels: int = 16,
    constraints: _core.Constraints | None = None,
    base_plan: _core.Plan | None = None,
    fusion: bool = False,
    placement: bool = True,
    scheduling: bool = True,
) -> gymnasium.Env:
    """A Gymnasium environment in which an episode decides one plan.

    Args:
      graph, machine, constraints, base_plan, fusion, placement, scheduling: As `optimize`. Fusion
        is not decided here: where it is open the kernels are the reference plan's.
      decoder: "list": actions are offsets that steer a list scheduler, and zero means what it does
        by itself. "direct": actions are a device and a priority level per kernel.
      mode: "one_shot": one action decides all kernels. "segments": each decides the next `segment`
        kernels, and sees the plan that the actions before it make.
      segment: Kernels per step of mode "segments".
      backend: What prices plans: a spec or an object.
      reward: "log": -log(step time / reference's). "sqrt": -sqrt of it. At the end of the episode;
        0 before.
      infeasible, graded: The reward of a plan over a memory limit, or illegal. graded: where memory
        is exceeded, the worst feasible reward so far - 1 - bytes over / memory, if that is more.
      reference: The plan that rewards are relative to; a spec of the solver that makes it; None:
        the best of the quick ones.
      priority_scale, stickiness_scale: What an action of 1 means to the list decoder: how much
        sooner a kernel starts, in step times; how much it is drawn to where its input is.
      priority_levels: Of the direct decoder.

    An exception of the backend ends the episode as truncated, with reward 0.

    Raises:
      FailedPreconditionError: gymnasium is not installed, or the reference plan does not run.
      ResourceExhaustedError: nothing fits in memory.
      GoptError: a bad spec, contradictory constraints, ...
    """
    _check_name("decoder", decoder, ("list", "direct"))
    _check_name("mode", mode, ("one_shot", "segments"))
    _check_name("reward", reward, ("log", "sqrt"))
    for name, value in {"segment": segment, "priority_levels": priority_levels}.items():
        if value < 1:
            raise InvalidArgumentError(f"make_env: {name} is {value}; 1 is the least")
    _import_gymnasium()
    from gopt.env.actions import DirectActions, ListActions
    from gopt.env.guided import GuidedKernels
    from gopt.env.plan_env import OneShotEnv, SegmentsEnv

    problem = api.as_problem(
        graph,
        machine,
        constraints=constraints,
        base_plan=base_plan,
        fusion=fusion,
        placement=placement,
        scheduling=scheduling,
    )
    if not (problem.placement or problem.scheduling):
        raise InvalidArgumentError("make_env: neither placement nor scheduling is open")
    kernels = GuidedKernels(problem, api.as_backend(backend), reference)
    if decoder == "list":
        actions = ListActions(kernels, priority_scale, stickiness_scale)
    else:
        actions = DirectActions(kernels, priority_levels)
    scale = kernels.reward_scale(kind=reward, infeasible=infeasible, graded=graded)
    if mode == "one_shot":
        return OneShotEnv(kernels, actions, scale)
    return SegmentsEnv(kernels, actions, scale, segment)


def _check_name(argument: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InvalidArgumentError(f"make_env: {argument} is '{value}'; known: {', '.join(known)}")


def _import_gymnasium() -> None:
    try:
        importlib.import_module("gymnasium")
    except ImportError as error:
        raise FailedPreconditionError(
            f"gopt.make_env needs the package gymnasium ({error}): pip install 'gopt[gym]'"
        ) from error
