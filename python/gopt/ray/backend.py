"""A cost backend whose evaluators fan plans out to Ray actors."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gopt._core import CostBackend, CostReport, EvaluateOptions, Plan, Problem, backend_from_spec
from gopt.errors import FailedPreconditionError, GoptError, InvalidArgumentError, from_status
from gopt.ray import session, shipping, wire
from gopt.ray.actor import Answer, PlanPricer
from gopt.ray.calls import Call, Caller, Run
from gopt.ray.pool import Pool


class RayCostBackend(CostBackend):
    """Prices plans as `inner` does, in Ray actors on one or many machines.

    Reports are those of `inner` without the timeline. Plans whose actor is lost are priced by
    another; after the last attempt the report is FAILED and says why. What `inner` raises becomes
    FAILED too. Evaluators may be used on several threads, each on one at a time; they share the
    actors.

    Args:
      inner: A spec, "simulator(contention=false)", of a backend that gopt has everywhere; a backend
        written in Python, which travels with its attributes; or a function that makes one there.
      address: Of a running cluster; None: what this process is connected to, else $RAY_ADDRESS,
        else a new Ray on this machine.
      actors: How many; None: one per CPU of the cluster.
      timeout: Seconds for one batch, binding the problem included; None: no limit, and a backend
        that hangs is waited for.
      retries: Further attempts after an actor died or the timeout passed. The plans of a batch are
        then tried one by one.
      batch: Plans per call at most. A batch is shared out evenly first.
      start_timeout: Seconds for an actor to start, which takes free CPUs.
      actor_options: For Ray: {"num_gpus": 1, "runtime_env": ...}.
      ray_options: For ray.init, if this starts Ray.

    Raises:
      FailedPreconditionError: ray is not installed, or `address` is not the one connected to.
      InvalidArgumentError: a bad number or spec; `inner` cannot be sent. ConnectionError: of Ray.
    """

    def __init__(
        self,
        inner: shipping.Inner = "simulator",
        *,
        address: str | None = None,
        actors: int | None = None,
        timeout: float | None = 60.0,
        retries: int = 2,
        batch: int = 8,
        start_timeout: float = 60.0,
        actor_options: Mapping[str, Any] | None = None,
        ray_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        _check("actors", actors is None or actors >= 1, actors)
        _check("timeout", timeout is None or timeout > 0, timeout)
        _check("retries", retries >= 0, retries)
        _check("batch", batch >= 1, batch)
        _check("start_timeout", start_timeout > 0, start_timeout)
        if isinstance(inner, str):
            backend_from_spec(inner)
        self._name = f"ray({shipping.describe(inner)})"
        self._timeout = math.inf if timeout is None else timeout
        self._retries = retries
        self._batch = batch
        self._closed = False
        self._lock = threading.Lock()
        packed = shipping.pack_backend(inner, session.import_ray())
        self._ray = session.join(address, ray_options or {})
        try:
            options = {"num_cpus": 1, "scheduling_strategy": "SPREAD", **(actor_options or {})}
            # Restarts are the pool's, which knows what was lost.
            pricer = self._ray.remote(max_restarts=0, **options)(PlanPricer)
            count = actors or max(1, int(self._ray.cluster_resources().get("CPU", 1)))
            self._pool = Pool(self._ray, lambda: pricer.remote(packed), count, start_timeout)
        except BaseException:
            session.leave(self._ray)
            raise

    def name(self) -> str:
        return self._name

    def bind(self, problem: Problem) -> RayEvaluator:
        """Raises what the inner backend raises for this problem, as a GoptError."""
        if self._closed:
            raise FailedPreconditionError(f"{self._name} is closed")
        evaluator = RayEvaluator(self, problem)
        evaluator.check()
        return evaluator

    @property
    def lost_actors(self) -> int:
        """How many died, hung or did not start so far."""
        return self._pool.lost

    @property
    def actor_handles(self) -> list[Any]:
        """Ray's handles of those there are now."""
        return self._pool.handles()

    def _call_size(self, plans: int) -> int:
        return min(self._batch, math.ceil(plans / len(self._pool)))

    def close(self) -> None:
        """Ends the actors, and Ray if gopt started it and no other backend uses it.

        Plans that are priced at this moment, or later, are FAILED.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._pool.close()
        session.leave(self._ray)

    def __enter__(self) -> RayCostBackend:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class RayEvaluator:
    """Of one problem; for one thread at a time."""

    def __init__(self, backend: RayCostBackend, problem: Problem) -> None:
        self._backend = backend
        self._packer = wire.PlanPacker(problem)
        self._problem = wire.pack_problem(problem)
        self._key = self._problem.key()
        self._problem_ref: Any = None  # In Ray's store: sent once to each machine.

    def evaluate(
        self, plans: Sequence[Plan], options: EvaluateOptions | None = None
    ) -> list[CostReport]:
        """A CostReport for each plan; raises nothing but KeyboardInterrupt."""
        asked = wire.pack_options(options)
        packed = [self._packer.pack(plan) for plan in plans]
        reports = [wire.failed("not priced")] * len(packed)

        def answered(call: Call, answer: Answer) -> None:
            if answer.reports is None:
                given_up(call, answer.reason)
                return
            for place, report in zip(call.places, answer.reports, strict=True):
                reports[place] = _report(report)

        def given_up(call: Call, reason: str) -> None:
            for place in call.places:
                reports[place] = wire.failed(reason)

        places = list(range(len(packed)))
        size = max(1, self._backend._call_size(len(packed)))
        calls = [Call(places[i : i + size]) for i in range(0, len(packed), size)]
        self._finish(calls, packed, asked, answered, given_up)
        return reports

    def check(self) -> None:
        """GoptError if the inner backend refuses the problem; no plan is priced.

        Nothing if no actor answers: the reports of plans will say that.
        """
        errors = []

        def answered(_: Call, answer: Answer) -> None:
            if answer.reports is None:
                errors.append(from_status(answer.code, answer.reason))

        self._finish([Call([])], [], wire.pack_options(None), answered, lambda call, reason: None)
        if errors:
            raise errors[0]

    def _finish(
        self,
        calls: list[Call],
        packed: list[wire.PackedPlan],
        asked: wire.PackedOptions,
        answered: Callable[[Call, Answer], None],
        given_up: Callable[[Call, str], None],
    ) -> None:
        def ask(handle: Any, call: Call, with_problem: bool) -> Any:
            plans = [packed[place] for place in call.places]
            problem = self._stored_problem() if with_problem else None
            return handle.price.remote(self._key, plans, asked, problem)

        backend = self._backend
        caller = Caller(ask, answered, given_up, backend._timeout, backend._retries)
        Run(backend._pool, caller, calls).finish()

    def _stored_problem(self) -> Any:
        if self._problem_ref is None:
            self._problem_ref = self._backend._ray.put(self._problem)
        return self._problem_ref


def _report(packed: wire.PackedReport) -> CostReport:
    try:
        return wire.unpack_report(packed)
    except GoptError as error:
        return wire.failed(f"the backend answered with a report that is none: {error}")


def _check(name: str, good: bool, value: object) -> None:
    if not good:
        raise InvalidArgumentError(f"RayCostBackend: {name}={value} is out of range")
