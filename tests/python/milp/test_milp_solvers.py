"""The exact baselines in tables and under budgets."""

import pytest

import gopt

pytest.importorskip("highspy", reason="the extra gopt[milp] is not installed")

CHAIN = (
    "x:input -> " + " -> ".join(f"v{i}:relu[dims=4,bytes=16]" for i in range(6)) + " -> y:output"
)
TRAINING = (
    "x:input -> a[time=1,bytes=50] -> b[time=9,bytes=1] -> big[time=9,bytes=100]"
    " -> d[time=9,bytes=1,phase=b] -> e[time=9,bytes=1,phase=b] -> y:output; a -> e"
)


def test_fusion_stands_in_a_table():
    problem = gopt.Problem(gopt.parse_graph(CHAIN), gopt.Machine.uniform(1, launch=10), fusion=True)
    row = gopt.compare(problem, solvers=[gopt.milp.FusionSolver()]).rows[0]
    exact = gopt.milp.fuse(problem)
    assert (row.solver, row.stop, row.step_time_ns) == ("milp_fusion", "completed", 20 - 10 + 1)
    assert row.step_time_ns == exact.kernel_time_ns
    assert row.solution.plan.metadata["milp_bound_ns"] == str(exact.bound_ns)


def test_closed_fusion_is_the_reason_of_a_row():
    problem = gopt.Problem(gopt.parse_graph(CHAIN), gopt.Machine.uniform(1))
    row = gopt.compare(problem, solvers=[gopt.milp.FusionSolver()]).rows[0]
    assert row.outcome == "FAILED" and "fusion is closed" in row.reason


def test_recomputation_stays_within_the_byte_limit():
    problem = gopt.Problem(gopt.parse_graph(TRAINING), gopt.Machine.uniform(1))
    table = {
        limit: gopt.compare(
            problem,
            solvers=[gopt.milp.RecomputeSolver()],
            objective="step_time_under_limit",
            byte_limit=limit,
        ).rows[0]
        for limit in (200, 120, 60)
    }
    assert [row.step_time_ns for row in table.values()] == [37, 38, None]
    assert table[120].peak_bytes <= 120
    assert table[60].outcome == "INFEASIBLE" and "needs more" in table[60].reason


def test_recomputation_tries_the_orders_it_is_given():
    """In op order the long-lived a waits for c; the start plan runs c first."""
    graph = gopt.parse_graph(
        "x:input -> a[time=1,bytes=50]; x -> c[time=5,bytes=60] -> d[time=1,bytes=1];"
        "a -> e[time=1,bytes=1] ; d -> e -> y:output"
    )
    problem = gopt.Problem(graph, gopt.Machine.uniform(1))
    kernels = problem.base_kernels
    order = [graph.find(name) for name in ("c", "d", "a", "e")]
    start = gopt.Plan(
        kernels, dispatch="SEQUENCE", sequence=[kernels.kernel_of(op) for op in order]
    )
    request = {"objective": "step_time_under_limit", "byte_limit": 80}
    solver = gopt.milp.RecomputeSolver()
    with pytest.raises(gopt.ResourceExhaustedError):
        gopt.optimize(problem, solver=solver, baselines=(), **request)
    found = gopt.optimize(problem, solver=solver, baselines=(), start_plans=[start], **request)
    assert found.best.peak_bytes <= 80


def test_a_cancelled_search_keeps_the_plan_it_has():
    problem = gopt.Problem(gopt.parse_graph(CHAIN), gopt.Machine.uniform(1, launch=10), fusion=True)
    token = gopt.CancelToken()
    token.cancel()
    solver = gopt.milp.FusionSolver()
    result = gopt.optimize(problem, solver=solver, baselines=(), cancel=token)
    assert result.best.stop == "cancelled"
    assert len(result.plan.kernels) == 6
