"""Cost backends and solvers written in Python, called from C++ threads."""

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import pytest

import gopt

TEXT = (
    "a:op[time=5,bytes=1] -> b:op[time=3,bytes=1]; a -> c:op[time=4,bytes=1]; b, c -> d:op[time=2]"
)


@pytest.fixture
def problem() -> gopt.Problem:
    return gopt.Problem(gopt.parse_graph(TEXT), gopt.Machine.uniform(2))


def plan_of(problem: gopt.Problem) -> gopt.Plan:
    return gopt.Plan(problem.base_kernels)


class Spread(gopt.CostBackend):
    """Likes plans that use few devices."""

    def __init__(self):
        super().__init__()
        self.calls = 0
        self.threads = set()

    def evaluate(self, problem, plan):
        self.calls += 1
        self.threads.add(threading.get_ident())
        return 1000 * len(set(plan.device)) + sum(plan.device)


def test_a_number_is_nanoseconds(problem):
    report = gopt.evaluate(problem, plan_of(problem), Spread())
    assert report.ok
    assert report.step_time == 1000


def test_name_is_the_class_unless_given(problem):
    class Named(Spread):
        def name(self):
            return "mine"

    assert Spread().name() == "Spread"
    assert Named().name() == "mine"
    assert gopt.optimize(problem, backend=Named(), evaluations=5).backend.name() == "mine"


def test_a_search_calls_it_from_its_own_thread(problem):
    backend = Spread()
    result = gopt.optimize(problem, solver="hill_climb", backend=backend, evaluations=50, seed=3)
    assert result.step_time_ns == 1000
    assert backend.calls >= 10
    assert threading.get_ident() not in backend.threads


def test_a_report_comes_through_whole(problem):
    class Tells(gopt.CostBackend):
        def evaluate(self, problem, plan):
            return gopt.CostReport(outcome="INFEASIBLE", reason="too warm", peak_bytes=[1, 2])

    report = gopt.evaluate(problem, plan_of(problem), Tells())
    assert (report.outcome, report.reason, report.peak_bytes) == ("INFEASIBLE", "too warm", [1, 2])


@pytest.mark.parametrize("answer", [None, "fast", float("nan"), float("inf"), -1, object()])
def test_nonsense_is_a_failed_report(problem, answer):
    class Nonsense(gopt.CostBackend):
        def evaluate(self, problem, plan):
            return answer

    assert gopt.evaluate(problem, plan_of(problem), Nonsense()).outcome == "FAILED"


def test_bind_prices_batches(problem):
    class Batches(gopt.CostBackend):
        def bind(self, problem):
            self.bound = getattr(self, "bound", 0) + 1
            return self

        def evaluate(self, plans, options):
            assert isinstance(options, gopt.EvaluateOptions)
            return [100 + sum(plan.device) for plan in plans]

    backend = Batches()
    assert gopt.evaluate(problem, plan_of(problem), backend).step_time == 100
    assert backend.bound == 1


def test_bind_may_give_a_cpp_evaluator(problem):
    class Wrapper(gopt.CostBackend):
        def bind(self, problem):
            return gopt.Simulator().bind(problem)

    expected = gopt.evaluate(problem, plan_of(problem)).step_time
    assert gopt.evaluate(problem, plan_of(problem), Wrapper()).step_time == expected


def test_a_backend_without_either_says_so(problem):
    class Empty(gopt.CostBackend):
        pass

    with pytest.raises(gopt.GoptError, match="Empty defines neither"):
        gopt.evaluate(problem, plan_of(problem), Empty())


class Fussy(gopt.CostBackend):
    """Fails on all but the first few plans."""

    def __init__(self, good):
        super().__init__()
        self.good = good

    def evaluate(self, problem, plan):
        self.good -= 1
        if self.good < 0:
            raise ZeroDivisionError("no more")
        return 10


def test_an_exception_of_one_evaluation_comes_back_as_itself(problem):
    with pytest.raises(ZeroDivisionError, match="no more"):
        gopt.evaluate(problem, plan_of(problem), Fussy(0))


def test_a_search_goes_on_past_exceptions_and_warns(problem):
    with pytest.warns(RuntimeWarning, match="ZeroDivisionError"):
        result = gopt.optimize(
            problem, solver="random", backend=Fussy(3), evaluations=10, baselines=()
        )
    assert result.step_time_ns == 10


def test_a_search_that_found_nothing_raises_the_exception(problem):
    with pytest.raises(ZeroDivisionError):
        gopt.optimize(problem, solver="random", backend=Fussy(0), evaluations=10, baselines=())


def test_a_registered_backend_survives_its_names(problem):
    class Gone(gopt.CostBackend):
        def __init__(self, factor=1):
            super().__init__()
            self.factor = factor

        def evaluate(self, problem, plan):
            return 7 * self.factor

    gopt.register_backend("gone", Gone, "seven, times a factor")
    del Gone
    gc.collect()
    assert gopt.evaluate(problem, plan_of(problem), "gone(factor=3)").step_time == 21
    assert ("gone", "seven, times a factor") in gopt.backends()
    with pytest.raises(gopt.InvalidArgumentError, match="already"):
        gopt.register_backend("gone", Spread)
    with pytest.raises(TypeError, match="nonsense"):
        gopt.evaluate(problem, plan_of(problem), "gone(nonsense=1)")


def test_a_factory_of_something_else_is_refused(problem):
    gopt.register_backend("no_backend", lambda: 5)
    with pytest.raises(gopt.InvalidArgumentError, match="no_backend"):
        gopt.evaluate(problem, plan_of(problem), "no_backend")


def test_an_evaluator_keeps_its_backend_alive(problem):
    backend = Spread()
    watch = weakref.ref(backend)
    evaluator = backend.bind(problem)
    del backend
    gc.collect()
    assert evaluator.evaluate([plan_of(problem)])[0].step_time == 1000
    assert watch() is not None
    del evaluator
    gc.collect()
    assert watch() is None


class Sweep(gopt.Solver):
    """Everything on device 0, then on device 1, ..."""

    def solve(self, search):
        for device in range(len(search.problem.machine)):
            kernels = search.problem.base_kernels
            search.evaluate(gopt.Plan(kernels, device=[device] * len(kernels)))


def test_a_solver_in_python(problem):
    result = gopt.optimize(problem, solver=Sweep(), baselines=())
    assert result.best.solver == "Sweep"
    assert result.step_time_ns == 14
    assert result.best.evaluations == 2
    assert result.best.stop == "completed"


def test_it_may_return_its_plan(problem):
    class Returns(gopt.Solver):
        def solve(self, search):
            return gopt.Plan(search.problem.base_kernels, device=[1, 1, 1, 1], producer="r")

    assert gopt.optimize(problem, solver=Returns(), baselines=()).plan.device == [1, 1, 1, 1]


def test_the_budget_ends_it(problem):
    class Endless(gopt.Solver):
        def solve(self, search):
            while True:
                search.evaluate(plan_of(search.problem))

    result = gopt.optimize(problem, solver=Endless(), evaluations=7, baselines=())
    assert result.best.evaluations == 7
    assert result.best.stop == "evaluations"
    started = time.monotonic()
    gopt.optimize(problem, solver=Endless(), seconds=0.3, baselines=())
    assert time.monotonic() - started < 1.0


def test_an_exception_in_solve_comes_back_as_itself(problem):
    class Broken(gopt.Solver):
        def solve(self, search):
            raise KeyError("what")

    with pytest.raises(KeyError, match="what"):
        gopt.optimize(problem, solver=Broken(), baselines=())


def test_an_illegal_plan_is_the_solvers_error(problem):
    class Illegal(gopt.Solver):
        def solve(self, search):
            search.evaluate(gopt.Plan(search.problem.base_kernels, device=[5, 5, 5, 5]))

    with pytest.raises(gopt.InvalidArgumentError, match="kernel 0"):
        gopt.optimize(problem, solver=Illegal(), baselines=())


def test_a_solver_without_solve_says_so(problem):
    class Empty(gopt.Solver):
        pass

    with pytest.raises(gopt.GoptError, match=r"Empty defines no solve\(search\)"):
        gopt.optimize(problem, solver=Empty(), baselines=())


def test_a_search_is_no_use_after_solve(problem):
    kept = []

    class Keeps(Sweep):
        def solve(self, search):
            kept.append(search)
            super().solve(search)

    gopt.optimize(problem, solver=Keeps(), baselines=())
    for use in (
        lambda s: s.evaluate(plan_of(problem)),
        lambda s: s.exhausted(),
        lambda s: s.problem,
        lambda s: s.best_plan,
    ):
        with pytest.raises(gopt.FailedPreconditionError, match="ended"):
            use(kept[0])


def test_python_backend_under_python_solver(problem):
    result = gopt.optimize(problem, solver=Sweep(), backend=Spread(), baselines=())
    assert result.step_time_ns == 1000


def test_two_searches_at_once(problem):
    backend = Spread()
    times = []

    def search(seed):
        result = gopt.optimize(
            problem, solver="hill_climb", backend=backend, evaluations=100, seed=seed
        )
        times.append(result.step_time_ns)

    threads = [threading.Thread(target=search, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()
    assert times == [1000] * 4


def test_progress_and_cancel(problem):
    class Slow(gopt.CostBackend):
        def evaluate(self, problem, plan):
            time.sleep(0.01)
            return 10 + sum(plan.device)

    token = gopt.CancelToken()
    seen = []

    def progress(step):
        seen.append((step.solver, step.evaluations))
        if step.evaluations >= 5:
            token.cancel()

    result = gopt.optimize(
        problem,
        solver="anneal",
        backend=Slow(),
        seconds=30,
        progress=progress,
        cancel=token,
        baselines=(),
    )
    assert seen
    assert token.cancelled
    assert result.best.stop == "cancelled"
    assert result.best.seconds < 5


def test_an_exception_in_progress_ends_the_search(problem):
    def progress(step):
        raise LookupError("stop it")

    started = time.monotonic()
    with pytest.raises(LookupError, match="stop it"):
        gopt.optimize(problem, solver="anneal", seconds=20, progress=progress, baselines=())
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("backend", ["simulator", "python"])
def test_ctrl_c_gives_the_best_so_far(backend):
    """In a process of its own, which gets a real SIGINT in the middle of a search."""
    code = f"""
        import gopt, signal, sys, time
        # Tests that run in the background inherit that it is ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        class Python(gopt.CostBackend):
            def evaluate(self, problem, plan):
                time.sleep(0.005)
                return 10 + sum(plan.device)
        backend = Python() if {backend!r} == "python" else "simulator"
        problem = gopt.Problem(gopt.parse_graph({TEXT!r}), gopt.Machine.uniform(2))
        print("ready", flush=True)
        result = gopt.optimize(
            problem, solver="anneal", backend=backend, seconds=60, baselines=()
        )
        print(result.best.stop, result.best.outcome)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    started = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert time.monotonic() - started < 5
    assert output == "cancelled OK\n"
    assert process.returncode == 0


def test_exit_with_registered_factories_is_clean():
    code = """
        import gopt
        class B(gopt.CostBackend):
            def evaluate(self, problem, plan): return 1
        class S(gopt.Solver):
            def solve(self, search): pass
        gopt.register_backend("b", B)
        gopt.register_solver("s", S)
        problem = gopt.Problem(gopt.parse_graph("a -> b"), gopt.Machine.uniform(2))
        evaluator = B().bind(problem)
        try:
            gopt.compare(problem, solvers=["s"], backend="b")
        except BaseException:
            raise
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
