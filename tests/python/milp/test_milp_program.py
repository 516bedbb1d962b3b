"""Programs and their answers; what is said where HiGHS is missing."""

import math
import sys

import pytest

import gopt

pytest.importorskip("highspy", reason="the extra gopt[milp] is not installed")

from gopt.milp.program import Program, integer_bound


def knapsack() -> Program:
    """Worth 60, 100, 120 at weights 10, 20, 30; room for 50."""
    program = Program()
    items = [program.add_binary(-worth) for worth in (60, 100, 120)]
    program.add_row(dict(zip(items, (10.0, 20.0, 30.0), strict=True)), upper=50.0)
    return program


def test_the_cheapest_solution_is_found_and_proven():
    answer = knapsack().solve()
    assert [round(x) for x in answer.values] == [0, 1, 1]
    assert answer.optimal and integer_bound(answer.bound) <= -220


def test_the_relaxation_bounds_from_below():
    relaxed = knapsack().relax()
    assert relaxed.cost == pytest.approx(-240)
    assert len(relaxed.reduced_costs) == 3


def test_variables_can_be_left_out():
    answer = knapsack().solve(only=[True, True, False])
    assert [round(x) for x in answer.values] == [1, 1, 0]


def test_rows_that_contradict_are_proven_to():
    program = Program()
    x = program.add_binary(1)
    program.add_row({x: 1.0}, lower=0.25, upper=0.75)
    answer = program.solve()
    assert answer.infeasible and answer.optimal and answer.values is None


def test_a_program_without_variables_has_rows_too():
    program = Program()
    program.add_row({}, upper=1.0)
    assert program.solve().values == []
    program.add_row({}, lower=1.0)
    assert program.solve().infeasible


def test_no_time_proves_nothing():
    answer = knapsack().solve(seconds=0.0)
    assert not answer.optimal and not answer.infeasible


def test_a_bound_is_rounded_up_only_beyond_tolerance():
    assert integer_bound(6.2) == 7
    assert integer_bound(7.0 + 1e-9) == 7
    assert integer_bound(-math.inf) == -math.inf


def test_without_highspy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "highspy", None)
    graph = gopt.parse_graph("a:relu[dims=4,bytes=16] -> b:exp; b -> y:output")
    problem = gopt.Problem(graph, gopt.Machine.uniform(1), fusion=True)
    with pytest.raises(gopt.FailedPreconditionError, match=r"gopt\[milp\]"):
        gopt.milp.fuse(problem)
