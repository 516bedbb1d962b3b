"""Actors that die or hang, and backends that fail, cost a report and never the search."""

import tempfile
import threading
import time
from pathlib import Path

import pytest
import ray_inner

import gopt
import gopt.ray


def plan_of(problem, producer="") -> gopt.Plan:
    return gopt.Plan(problem.base_kernels, device=[0, 1, 0, 1], producer=producer)


def outcomes(reports) -> list[str]:
    return [report.outcome for report in reports]


def test_killed_actors_are_replaced(ray, problem):
    with gopt.ray.RayCostBackend(ray_inner.Moody(), actors=2) as backend:
        evaluator = backend.bind(problem)
        ray.get([handle.ready.remote() for handle in backend.actor_handles])
        plans = [plan_of(problem)] * 6
        expected = [r.step_time for r in evaluator.evaluate(plans)]
        for handle in backend.actor_handles:
            ray.kill(handle)
        assert [r.step_time for r in evaluator.evaluate(plans)] == expected == [102] * 6
        assert backend.lost_actors == 2
        assert len(backend.actor_handles) == 2


def test_an_actor_killed_in_the_middle_changes_no_result(ray, problem):
    def search(backend, progress=None):
        result = gopt.optimize(
            problem, solver="anneal", evaluations=300, backend=backend, progress=progress
        )
        return gopt.PlanFile(result.plan).to_text()

    expected = search(gopt.Simulator())
    with gopt.ray.RayCostBackend(actors=2) as backend:
        bind, killed = backend.bind, []

        class KillsInTheMiddle(gopt.CostBackend):
            def bind(self, problem):
                self.evaluator = bind(problem)
                return self

            def evaluate(self, plans, options):
                if len(killed) == 0 and backend.actor_handles:
                    killed.extend(backend.actor_handles)
                    for handle in killed:
                        ray.kill(handle)
                return self.evaluator.evaluate(plans, options)

        assert search(KillsInTheMiddle()) == expected
        assert backend.lost_actors == len(killed) == 2


def test_an_actor_killed_at_work_is_survived(ray, problem):
    """The plan hangs the first actor; the test kills that one, and the next is told to answer."""

    class HangsOnce(gopt.CostBackend):
        def __init__(self, mark):
            super().__init__()
            self.mark = mark

        def evaluate(self, problem, plan):
            if not Path(self.mark).exists():
                Path(self.mark).touch()
                time.sleep(60)
            return 55

    with tempfile.TemporaryDirectory() as folder:
        mark = Path(folder, "began")
        with gopt.ray.RayCostBackend(HangsOnce(str(mark)), actors=1) as backend:
            evaluator = backend.bind(problem)

            def kill():
                while not mark.exists():
                    time.sleep(0.01)
                ray.kill(backend.actor_handles[0])

            killer = threading.Thread(target=kill)
            killer.start()
            [report] = evaluator.evaluate([plan_of(problem)])
            killer.join()
        assert (report.step_time, backend.lost_actors) == (55, 1)


def test_a_plan_that_ends_actors_fails_alone(ray, problem):
    with gopt.ray.RayCostBackend(ray_inner.Moody(), actors=2, retries=1) as backend:
        plans = [plan_of(problem), plan_of(problem, ray_inner.DIE), *[plan_of(problem)] * 3]
        reports = backend.bind(problem).evaluate(plans)
        assert outcomes(reports) == ["OK", "FAILED", "OK", "OK", "OK"]
        assert "given up after 2 attempts" in reports[1].reason
        assert "died" in reports[1].reason.lower()


def test_a_plan_that_hangs_fails_alone(ray, problem):
    with gopt.ray.RayCostBackend(ray_inner.Moody(), actors=2, timeout=1, retries=1) as backend:
        plans = [plan_of(problem), plan_of(problem, ray_inner.HANG), *[plan_of(problem)] * 2]
        reports = backend.bind(problem).evaluate(plans)
        assert outcomes(reports) == ["OK", "FAILED", "OK", "OK"]
        assert reports[1].reason == "given up after 2 attempts: no answer within 1 s"
        assert backend.lost_actors == 2


def test_an_exception_fails_its_plan_and_no_actor(ray, problem):
    with gopt.ray.RayCostBackend(ray_inner.Moody(), actors=1) as backend:
        plans = [plan_of(problem, ray_inner.RAISE), plan_of(problem)]
        reports = backend.bind(problem).evaluate(plans)
        assert outcomes(reports) == ["FAILED", "OK"]
        assert reports[0].reason == "ZeroDivisionError: a bad day"
        assert backend.lost_actors == 0


@pytest.mark.parametrize(
    "inner",
    [
        ray_inner.Nonsense("fast"),
        ray_inner.Nonsense(float("nan")),
        ray_inner.Miscounts(),
        ray_inner.Negative(),
    ],
    ids=["text", "nan", "count", "negative"],
)
def test_nonsense_is_a_failed_report(ray, problem, inner):
    with gopt.ray.RayCostBackend(inner, actors=1) as backend:
        reports = backend.bind(problem).evaluate([plan_of(problem)] * 2)
    assert outcomes(reports) == ["FAILED"] * 2
    assert "answered with" in reports[0].reason


def test_a_problem_that_is_refused_is_an_error_of_bind(ray, problem):
    with (
        gopt.ray.RayCostBackend(ray_inner.Picky(), actors=1) as backend,
        pytest.raises(gopt.InvalidArgumentError, match="not this graph"),
    ):
        backend.bind(problem)


def test_a_function_that_makes_no_backend_is_an_error_of_bind(ray, problem):
    with (
        gopt.ray.RayCostBackend(lambda: 5, actors=1) as backend,
        pytest.raises(gopt.GoptError, match="made a int, not a CostBackend"),
    ):
        backend.bind(problem)


def test_a_search_that_found_nothing_says_why(ray, problem):
    with (
        gopt.ray.RayCostBackend(ray_inner.Nonsense("fast"), actors=1) as backend,
        pytest.raises(gopt.GoptError, match="answered with str"),
    ):
        gopt.optimize(problem, solver="random", backend=backend, evaluations=5, baselines=())


def test_actors_that_never_start_are_failed_reports(ray, problem):
    options = {"num_gpus": 1}
    with gopt.ray.RayCostBackend(actors=1, start_timeout=0.5, actor_options=options) as backend:
        [report] = backend.bind(problem).evaluate([plan_of(problem)])
        assert report.outcome == "FAILED"
        assert report.reason == "no actor can be started: not ready within 0.5 s"


def test_fewer_actors_than_asked_for_are_enough(ray, problem):
    with gopt.ray.RayCostBackend(ray_inner.Moody(), actors=4) as backend:  # On two CPUs.
        assert outcomes(backend.bind(problem).evaluate([plan_of(problem)] * 8)) == ["OK"] * 8


def test_closing_ends_what_is_under_way(ray, problem):
    backend = gopt.ray.RayCostBackend(ray_inner.Moody(), actors=1, timeout=None)
    evaluator = backend.bind(problem)
    found = []
    thread = threading.Thread(
        target=lambda: found.extend(evaluator.evaluate([plan_of(problem, ray_inner.HANG)]))
    )
    thread.start()
    time.sleep(0.2)
    backend.close()
    thread.join(timeout=30)
    assert [report.reason for report in found] == ["the backend is closed"]
    [report] = evaluator.evaluate([plan_of(problem)])
    assert (report.outcome, report.reason) == ("FAILED", "the backend is closed")
    with pytest.raises(gopt.FailedPreconditionError, match="closed"):
        backend.bind(problem)
    backend.close()
    assert ray.is_initialized()  # It was there before.
