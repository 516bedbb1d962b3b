"""What comes back from actors is what the inner backend says, on a real Ray of this machine."""

import random
import threading

import pytest
import ray_inner

import gopt
import gopt.ray

FIELDS = [
    "outcome",
    "reason",
    "step_time",
    "samples",
    "busy",
    "peak_bytes",
    "bytes_over_limit",
    "transfers",
    "transfer_bytes",
    "unknown_flops_ops",
    "unmodelled_collectives",
    "start_order",
]


def as_values(report: gopt.CostReport) -> dict:
    values = {name: getattr(report, name) for name in FIELDS}
    values["chain"] = [(step.kernel, step.reason, step.cause) for step in report.critical_chain]
    return values


def random_plans(problem: gopt.Problem, count: int, kernels=None) -> list[gopt.Plan]:
    rng = random.Random(7)
    kernels = kernels or problem.base_kernels
    plans = []
    for _ in range(count):
        device = [rng.randrange(len(problem.machine)) for _ in kernels]
        plans.append(gopt.Plan(kernels, device=device, rank=rng.sample(range(10**6), len(kernels))))
    return plans


def check_same(backend, problem, plans, inner=None) -> list[gopt.CostReport]:
    options = gopt.EvaluateOptions(start_order=True, critical_chain=True)
    expected = (inner or gopt.Simulator()).bind(problem).evaluate(plans, options)
    reports = backend.bind(problem).evaluate(plans, options)
    assert [as_values(r) for r in reports] == [as_values(r) for r in expected]
    return reports


@pytest.fixture(scope="module")
def workload() -> gopt.Problem:
    return gopt.Problem(gopt.workloads.load("txl2"), gopt.Machine.preset("p100x4"))


@pytest.fixture(scope="module")
def simulator(ray):
    # Leaves the CPUs to the other tests.
    with gopt.ray.RayCostBackend(actors=2, actor_options={"num_cpus": 0}) as backend:
        yield backend


def test_reports_are_those_of_the_simulator(simulator, workload):
    reports = check_same(simulator, workload, random_plans(workload, 21))
    assert len({report.step_time for report in reports}) > 1
    assert reports[0].start_order and reports[0].critical_chain


def test_no_plans_give_no_reports(simulator, workload):
    assert simulator.bind(workload).evaluate([], gopt.EvaluateOptions()) == []


def test_what_is_not_asked_for_is_empty(simulator, workload):
    [report] = simulator.bind(workload).evaluate(random_plans(workload, 1))
    assert report.ok and not report.start_order and not report.critical_chain


class Both(gopt.CostBackend):
    """Prices every plan that a search asks about with both, and answers with the second."""

    def __init__(self, first, second):
        super().__init__()
        self.backends = [first, second]
        self.asked = 0
        self.different = []

    def bind(self, problem):
        bound = [backend.bind(problem) for backend in self.backends]
        return BothEvaluators(self, bound)


class BothEvaluators:
    def __init__(self, both, bound):
        self.both = both
        self.bound = bound

    def evaluate(self, plans, options):
        first, second = (evaluator.evaluate(plans, options) for evaluator in self.bound)
        self.both.asked += len(plans)
        for one, other in zip(first, second, strict=True):
            if as_values(one) != as_values(other):
                self.both.different.append((as_values(one), as_values(other)))
        return second


@pytest.mark.parametrize("fusion", [False, True])
def test_a_search_is_answered_the_same(simulator, workload, fusion):
    """A search sees nothing but these answers, so it goes the same way."""
    problem = gopt.Problem(workload.graph, workload.machine, fusion=fusion)
    both = Both(gopt.Simulator(), simulator)
    assert gopt.optimize(
        problem, solver="anneal", evaluations=200, seed=5, backend=both, baselines=()
    )
    assert both.asked >= 200
    assert both.different == []


@pytest.mark.parametrize("fusion", [False, True])
def test_a_search_finds_the_same_plan(simulator, workload, fusion):
    # Placement is closed: its starts come from METIS, which draws from rand(), as Ray's threads in
    # this process do, so that two searches need not be the same with any backend.
    problem = gopt.Problem(
        workload.graph,
        workload.machine,
        fusion=fusion,
        placement=False,
        base_plan=random_plans(workload, 1)[0],
    )
    found = [
        gopt.optimize(
            problem, solver="anneal", evaluations=200, seed=5, backend=backend, baselines=()
        )
        for backend in (gopt.Simulator(), simulator)
    ]
    assert as_values(found[0].best.solution.report) == as_values(found[1].best.solution.report)
    assert gopt.PlanFile(found[0].plan).to_text() == gopt.PlanFile(found[1].plan).to_text()
    assert simulator.lost_actors == 0


def test_bytes_over_the_limit_come_through(simulator, workload):
    small = gopt.Problem(workload.graph, workload.machine.with_memory_limit(1 << 20))
    reports = check_same(simulator, small, random_plans(small, 3))
    assert {report.outcome for report in reports} == {"INFEASIBLE"}
    assert all(report.bytes_over_limit > 0 for report in reports)


def test_constraints_cross(ray, problem):
    rules = gopt.Constraints()
    rules.pin(0, 1, reason="the data is there")
    rules.keep_apart([1, 2], reason="replicas")
    bound = gopt.Problem(problem.graph, problem.machine, rules)
    inner = ray_inner.Validates()
    with gopt.ray.RayCostBackend(inner, actors=1) as backend:
        reports = check_same(backend, bound, random_plans(bound, 16), inner)
    reasons = " ".join(report.reason for report in reports)
    assert "the data is there" in reasons and "replicas" in reasons
    assert any(report.ok for report in reports)


def test_memory_limits_cross(simulator, problem):
    rules = gopt.Constraints()
    rules.limit_memory(0, 1, reason="shared")
    limited = gopt.Problem(problem.graph, problem.machine, rules)
    reports = check_same(simulator, limited, random_plans(limited, 16))
    assert {report.outcome for report in reports} == {"OK", "INFEASIBLE"}


def test_fused_plans_and_clones_cross(simulator):
    graph = gopt.parse_graph(
        "a:mul[class=elementwise,bytes=8] -> b:add[class=elementwise,bytes=8]; "
        "a -> c:exp[class=elementwise,bytes=8]; b, c -> d:add[class=elementwise]"
    )
    problem = gopt.Problem(graph, gopt.Machine.uniform(2), fusion=True)
    fused = gopt.Kernels(graph, [[0, 1], [2], [3]])
    cloned = gopt.Kernels(graph, [[0, 1], [0, 2], [3]])
    assert cloned.has_clones
    plans = [plan for kernels in (fused, cloned) for plan in random_plans(problem, 4, kernels)]
    plans += random_plans(problem, 2)
    reports = check_same(simulator, problem, plans)
    assert sum(report.ok for report in reports) >= 6


def test_recomputation_crosses(simulator):
    """Which kernels run in the backward pass is said nowhere but in the plan's file."""
    graph = gopt.parse_graph(
        "a:exp[time=5,bytes=8] -> b:mul[time=3,bytes=8]; a, b -> c:mul[time=4,phase=b]"
    )
    problem = gopt.Problem(graph, gopt.Machine.uniform(2))
    again = gopt.Kernels(
        graph,
        [[0], [0], [1], [2]],
        recompute=[False, True, False, False],
        recomputed_ops=[0],
    )
    reports = check_same(simulator, problem, random_plans(problem, 4, again))
    assert any(report.ok for report in reports)


def test_base_plan_sequence_and_homes_cross(simulator, workload):
    base = random_plans(workload, 1)[0]
    problem = gopt.Problem(workload.graph, workload.machine, scheduling=False, base_plan=base)
    start_order = gopt.evaluate(problem, base).start_order
    homes = [1] * len(workload.graph.parameters)
    plan = gopt.Plan(base.kernels, device=base.device, dispatch="SEQUENCE", sequence=start_order)
    check_same(simulator, problem, [base, plan])
    plan.parameter_home = homes
    check_same(simulator, problem, [plan])


def test_an_illegal_plan_is_infeasible_as_without(simulator, problem):
    [report] = check_same(simulator, problem, [gopt.Plan(problem.base_kernels, device=[9] * 4)])
    assert report.reason.startswith("illegal plan: ")


def test_options_of_a_spec_and_functions_reach_the_actors(ray, workload):
    plans = random_plans(workload, 3)
    for inner in ("simulator(contention=false)", ray_inner.make_simulator):
        with gopt.ray.RayCostBackend(inner, actors=1) as backend:
            check_same(backend, workload, plans, gopt.Simulator(contention=False))


def test_a_backend_in_python_travels_with_its_attributes(ray, problem):
    class Local(ray_inner.Moody):  # In no module: sent by value.
        def evaluate(self, problem, plan):
            return 10 * self.base + sum(plan.device)

    nested = ray_inner.Doubled(Local(7))
    with gopt.ray.RayCostBackend(nested, actors=1) as backend:
        assert backend.name() == "ray(Doubled)"
        assert gopt.evaluate(problem, gopt.Plan(problem.base_kernels), backend).step_time == 140


def test_threads_share_the_actors(simulator, workload):
    plans = random_plans(workload, 12)
    expected = [r.step_time for r in gopt.Simulator().bind(workload).evaluate(plans)]
    found = {}

    def work(name):
        evaluator = simulator.bind(workload)
        found[name] = [[r.step_time for r in evaluator.evaluate(plans)] for _ in range(3)]

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert found == {name: [expected] * 3 for name in range(4)}


@pytest.mark.parametrize(
    "wrong",
    [{"actors": 0}, {"timeout": 0.0}, {"retries": -1}, {"batch": 0}, {"start_timeout": 0}],
)
def test_bad_numbers_are_refused(ray, wrong):
    with pytest.raises(gopt.InvalidArgumentError, match=next(iter(wrong))):
        gopt.ray.RayCostBackend(**wrong)


def test_what_cannot_be_sent_is_refused(ray):
    with pytest.raises(gopt.NotFoundError, match="no_such"):
        gopt.ray.RayCostBackend("no_such")
    with pytest.raises(gopt.InvalidArgumentError, match="give a spec"):
        gopt.ray.RayCostBackend(gopt.Simulator())
    with pytest.raises(gopt.InvalidArgumentError, match="cannot be sent"):
        gopt.ray.RayCostBackend(ray_inner.Nonsense(threading.Lock()))


def test_another_address_than_the_connection_is_refused(ray):
    with pytest.raises(gopt.FailedPreconditionError, match="192.0.2.1:6379"):
        gopt.ray.RayCostBackend(address="192.0.2.1:6379")
