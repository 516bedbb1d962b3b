"""The front door: optimize, compare, results, explain."""

import json
import time

import pytest

import gopt
from gopt._slack import slacks
from gopt.api import split_specs

TEXT = """
x:input[bytes=1000] -> a1:matmul[time=50000,bytes=1000] -> a2:relu[time=30000,bytes=1000];
x -> b1:matmul[time=40000,bytes=1000] -> b2:relu[time=40000,bytes=1000];
a2, b2 -> join:add[time=1000,bytes=10] -> y:output;
w:parameter[bytes=4000,copies=2] -> a1; w -> step:optimizer[time=100]
""".replace("\n", "")


@pytest.fixture
def graph() -> gopt.Graph:
    return gopt.parse_graph(TEXT)


@pytest.fixture
def machine() -> gopt.Machine:
    return gopt.Machine.uniform(2)


def test_result_shows_rows_bound_and_winner(graph, machine):
    result = gopt.optimize(graph, machine, evaluations=300, seed=1)
    names = [row.solver for row in result]
    assert names[-1] == "portfolio"
    assert {"single_device", "expert", "heft"} <= set(names)
    assert result.step_time_ns == min(row.step_time_ns for row in result if row.ok)
    assert result.step_time_ns >= result.lower_bound_ns > 0
    text = str(result)
    assert "bound:" in text
    assert "best:" in text
    assert all(name in text for name in names)
    result.problem.validate(result.plan)
    assert gopt.evaluate(result.problem, result.plan).step_time == result.step_time_ns


def test_two_devices_beat_one(graph, machine):
    result = gopt.optimize(graph, machine, evaluations=300)
    one = next(row for row in result if row.solver == "single_device")
    assert result.step_time_ns < one.step_time_ns


def test_same_seed_same_plan(graph, machine):
    plans = [gopt.optimize(graph, machine, evaluations=200, seed=5).plan for _ in range(2)]
    assert plans[0].device == plans[1].device
    assert plans[0].rank == plans[1].rank


def test_never_worse_than_the_base_plan(graph, machine):
    base = gopt.optimize(graph, machine, evaluations=300).plan
    problem = gopt.Problem(graph, machine, fusion=True, base_plan=base)
    before = gopt.evaluate(problem, base).step_time
    result = gopt.optimize(problem, solver="hill_climb", evaluations=1, baselines=())
    assert result.step_time_ns <= before


@pytest.mark.parametrize("option", [{"fusion": True}, {"scheduling": False}, {"machine": "p100"}])
def test_a_problem_brings_what_it_decides(graph, machine, option):
    with pytest.raises(
        gopt.InvalidArgumentError, match=f"{next(iter(option))}: a Problem is given"
    ):
        gopt.optimize(gopt.Problem(graph, machine), evaluations=1, **option)


def test_base_plans_that_the_rules_forbid_are_no_starts(graph, machine):
    base = gopt.optimize(graph, machine, evaluations=30).plan
    device = base.device[base.kernels.kernel_of(graph.find("a1"))]
    rules = gopt.Constraints()
    rules.pin(graph.find("a1"), 1 - device)
    problem = gopt.Problem(graph, machine, rules, base_plan=base)
    result = gopt.optimize(problem, evaluations=30, baselines=())
    problem.validate(result.plan)


def test_never_worse_than_start_plans(graph, machine):
    problem = gopt.Problem(graph, machine)
    good = gopt.optimize(problem, evaluations=300).plan
    again = gopt.optimize(problem, solver="random", evaluations=3, start_plans=[good], baselines=())
    assert again.step_time_ns <= gopt.evaluate(problem, good).step_time


def test_a_deadline_is_kept(graph, machine):
    started = time.monotonic()
    result = gopt.optimize(graph, machine, seconds=0.3)
    assert time.monotonic() - started < 1.5
    assert result.best.ok


def test_compare_gives_rows_in_order(graph, machine):
    result = gopt.compare(graph, machine, "heft, list, hill_climb(),random", evaluations=50, seed=2)
    assert [row.solver for row in result.rows] == ["heft", "list", "hill_climb()", "random"]
    assert len(result) == 4
    for row in result:
        assert row.ok
        assert row.evaluations <= 50
        assert row.curve[-1].best == row.step_time_ns
    with pytest.raises(gopt.NotFoundError, match="heft"):
        gopt.compare(graph, machine, ["hefd"])
    with pytest.raises(gopt.InvalidArgumentError):
        gopt.compare(graph, machine, [])


def test_what_does_not_fit_is_a_row(graph, machine):
    tight = machine.with_memory_limit(100)
    rows = gopt.compare(graph, tight, ["heft", "anneal"], evaluations=20).rows
    assert [row.outcome for row in rows] == ["INFEASIBLE", "INFEASIBLE"]
    assert all(row.reason and row.step_time_ns is None for row in rows)
    with pytest.raises(gopt.ResourceExhaustedError):
        gopt.optimize(graph, tight, evaluations=20)
    with pytest.raises(gopt.ResourceExhaustedError):
        gopt.compare(graph, tight, ["heft"], evaluations=20).plan  # noqa: B018
    least_bad = gopt.optimize(graph, tight, evaluations=20, best_effort=True)
    assert least_bad.best.outcome == "INFEASIBLE"
    assert least_bad.plan is not None


def test_constraints_are_obeyed(graph, machine):
    constraints = gopt.Constraints()
    constraints.pin(graph.find("b2"), 1, "the user says so")
    plan = gopt.optimize(graph, machine, evaluations=100, constraints=constraints).plan
    assert plan.op_devices[graph.find("b2")] == 1


def test_machine_may_be_named(graph):
    result = gopt.optimize(graph, "p100x4", evaluations=20, baselines=())
    assert len(result.problem.machine) == 4
    with pytest.raises(gopt.InvalidArgumentError, match="no machine"):
        gopt.optimize(graph)
    with pytest.raises(TypeError, match="Graph"):
        gopt.optimize("graph.gopt", "p100x4")


def test_what_has_a_graph_will_do(graph, machine):
    class Step:
        pass

    step = Step()
    step.graph = graph
    assert gopt.optimize(step, machine, evaluations=20, baselines=()).best.ok


def test_results_are_saved_and_loaded(graph, machine, tmp_path):
    result = gopt.optimize(graph, machine, evaluations=50)
    result.save(tmp_path / "plan.txtpb")
    file = gopt.PlanFile.load(tmp_path / "plan.txtpb", graph)
    assert file.plan.device == result.plan.device
    assert file.expected.step_time == result.step_time_ns
    assert file.lower_bound == result.lower_bound_ns
    assert file.machine.name == machine.name
    json.dumps(result.to_json())
    again = gopt.Result.of_plan(result.problem, file.plan)
    assert again.step_time_ns == result.step_time_ns
    assert again.plan.rank == result.plan.rank


def test_cost_report_has_the_timeline(graph, machine):
    result = gopt.optimize(graph, machine, evaluations=50)
    assert len(result.cost_report.kernel_spans) == len(result.plan.kernels)
    assert result.cost_report.step_time == result.step_time_ns


def test_objectives(graph, machine):
    small = gopt.optimize(graph, machine, evaluations=200, objective="peak_bytes", baselines=())
    assert small.best.ok
    with pytest.raises(gopt.InvalidArgumentError, match="peak_bytes"):
        gopt.optimize(graph, machine, objective="speed")


def test_specs_split_at_outer_commas():
    assert split_specs("a, b(x=1,y=2),c ") == ["a", "b(x=1,y=2)", "c"]
    assert split_specs("portfolio(inner=heft(insertion=false,k=1)),b") == [
        "portfolio(inner=heft(insertion=false,k=1))",
        "b",
    ]


def test_explain_prices_every_move(graph, machine):
    problem = gopt.Problem(graph, machine)
    plan = gopt.optimize(problem, evaluations=300).plan
    found = gopt.explain(problem, plan, "b1")
    assert found.device == plan.op_devices[graph.find("b1")]
    assert [move.device for move in found.moves] == [0, 1]
    assert found.moves[found.device].step_time_ns == found.step_time_ns
    moved = plan.copy()
    devices = plan.device
    devices[found.kernel] = 1 - found.device
    moved.device = devices
    other = gopt.evaluate(problem, moved).step_time
    assert found.moves[1 - found.device].step_time_ns == other
    assert found.slack_ns >= 0
    assert "b1" in str(found)
    json.dumps(found.to_json())


def test_explain_names_inputs_and_their_homes():
    graph = gopt.parse_graph("a:op[time=5,bytes=100] -> b:op[time=3]; w:parameter[bytes=40] -> b")
    problem = gopt.Problem(graph, gopt.Machine.uniform(2))
    plan = gopt.Plan(problem.base_kernels, device=[0, 1])
    found = gopt.explain(problem, plan, "b")
    by_name = {operand.producer: operand for operand in found.operands}
    assert (by_name["a"].home, by_name["a"].bytes) == (0, 100)
    assert (by_name["a"].transfer_ns, by_name["a"].arrival_ns) == (100, 105)
    assert (by_name["w"].home, by_name["w"].transfer_ns) == (1, 0)
    assert found.critical
    assert "transfer of 'a'" in found.waits_for
    assert found.moves[0].step_time_ns == 8
    assert "would make the step shorter" in str(found)


def recomputed_step():
    """f runs again before g, so that 10 bytes are free while h runs to its end."""
    graph = gopt.parse_graph("f[time=2,bytes=10] -> h[time=1]; f -> g[time=1,phase=b]; h -> g")
    kernels = gopt.Kernels(
        graph, [[0], [1], [2], [0]], recompute=[False, False, False, True], recomputed_ops=[0]
    )
    problem = gopt.Problem(graph, gopt.Machine.uniform(1))
    return problem, gopt.Plan(kernels, dispatch="SEQUENCE", sequence=[0, 1, 3, 2])


def test_explain_shows_where_an_op_is_recomputed():
    problem, plan = recomputed_step()
    found = gopt.explain(problem, plan, "f")
    assert (found.kernel, found.copies, found.recomputed) == (0, [3], True)
    assert "recomputed for the backward pass in kernel 3" in str(found)
    assert not gopt.explain(problem, plan, "h").copies


def test_recomputation_makes_a_step_fit_and_its_plan_is_a_file(tmp_path):
    graph = gopt.parse_graph(
        "x:input -> f1[time=2,bytes=10] -> f2[time=3,bytes=10] -> f3[time=4,bytes=10]"
        " -> b3[time=1,bytes=1,phase=b]; f2, b3 -> b2[time=1,bytes=1,phase=b];"
        "f1, b2 -> b1[time=1,bytes=1,phase=b]; b1 -> y:output"
    )
    machine = gopt.Machine.uniform(1, memory_bytes=25)
    result = gopt.optimize(graph, machine, solver="recompute", baselines=(), evaluations=50)
    assert (result.cost_report.step_time, result.cost_report.peak_bytes) == (14, [21])
    assert result.plan.kernels.recomputed_ops == [graph.find("f1")]
    result.plan.save(tmp_path / "plan.txtpb")
    problem = gopt.Problem(graph, machine)
    read = gopt.Plan.load(tmp_path / "plan.txtpb", graph)
    assert read.kernels.recomputed_ops == result.plan.kernels.recomputed_ops
    assert gopt.evaluate(problem, read).step_time == 14


def test_explain_knows_slack():
    graph = gopt.parse_graph(
        "a:op[time=5,bytes=0] -> long:op[time=50,bytes=0] -> c:op[time=1];"
        "a -> short:op[time=10,bytes=0] -> c"
    )
    problem = gopt.Problem(graph, gopt.Machine.uniform(2))
    plan = gopt.Plan(problem.base_kernels)
    devices = [0] * 4
    devices[plan.kernels.kernel_of(graph.find("short"))] = 1
    plan.device = devices
    assert gopt.explain(problem, plan, "short").slack_ns == 40
    assert gopt.explain(problem, plan, "long").slack_ns == 0
    assert not gopt.explain(problem, plan, "short").critical
    assert gopt.explain(problem, plan, "a").slack_ns == 0


def test_slack_is_what_a_kernel_can_take():
    """Making any kernel longer by its slack keeps the step; by more makes it longer."""
    times = {"a": 40, "b": 70, "c": 30, "d": 90, "e": 20, "f": 50}
    edges = "a -> b -> d; a -> c -> e; b -> e; c -> d; d, e -> f"
    devices = {"a": 0, "b": 0, "c": 1, "d": 0, "e": 1, "f": 1}

    def priced(times):
        ops = "; ".join(f"{name}:op[time={time},bytes=25]" for name, time in times.items())
        graph = gopt.parse_graph(f"{ops}; {edges}")
        problem = gopt.Problem(graph, gopt.Machine.uniform(2, latency=3))
        placed = [devices[graph.op(k[0]).name] for k in problem.base_kernels]
        plan = gopt.Plan(problem.base_kernels, device=placed)
        return problem, plan, gopt.evaluate(problem, plan)

    problem, plan, report = priced(times)
    found = slacks(problem, plan, report)
    assert min(found) == 0
    for kernel, slack in enumerate(found):
        name = problem.graph.op(plan.kernels[kernel][0]).name
        assert priced(times | {name: times[name] + slack})[2].step_time == report.step_time
        longer = priced(times | {name: times[name] + slack + 1})[2].step_time
        assert longer == report.step_time + 1, name


def test_explain_moves_what_must_go_together():
    graph = gopt.parse_graph("a:op[time=5,colocate=1] -> b:op[time=3,colocate=1] -> c:op[time=1]")
    problem = gopt.Problem(graph, gopt.Machine.uniform(2))
    found = gopt.explain(problem, gopt.Plan(problem.base_kernels), "a")
    assert found.moves_with == ["a", "b"]
    assert all(move.step_time_ns is not None for move in found.moves)


def test_explain_says_what_is_illegal():
    graph = gopt.parse_graph("a:op[time=5] -> b:op[time=3]")
    constraints = gopt.Constraints()
    constraints.pin(0, 0, "the camera is there")
    problem = gopt.Problem(graph, gopt.Machine.uniform(2), constraints)
    found = gopt.explain(problem, gopt.Plan(problem.base_kernels), "a")
    assert found.moves[1].step_time_ns is None
    assert "the camera is there" in found.moves[1].reason


def test_explain_wants_an_op_that_runs(graph, machine):
    problem = gopt.Problem(graph, machine)
    plan = gopt.optimize(problem, evaluations=20, baselines=()).plan
    with pytest.raises(gopt.InvalidArgumentError, match="'w' is a parameter"):
        gopt.explain(problem, plan, "w")
    with pytest.raises(gopt.NotFoundError, match="'zz'"):
        gopt.explain(problem, plan, "zz")


def test_the_gil_is_free_during_a_search(graph, machine):
    import threading

    ticks = []
    done = threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(1)
            time.sleep(0.005)

    thread = threading.Thread(target=tick)
    thread.start()
    gopt.optimize(graph, machine, solver="anneal", seconds=0.4, baselines=())
    done.set()
    thread.join()
    assert len(ticks) > 20
