"""Problems, plans and reports as bytes and back; no Ray needed."""

import pytest

import gopt
from gopt.ray import wire


def test_a_problem_comes_back_whole():
    graph = gopt.parse_graph("a:op[time=5,bytes=1] -> b:op[time=3]; a -> c:op")
    rules = gopt.Constraints()
    rules.pin(0, 1, reason="here")
    base = gopt.Plan(gopt.Kernels.singletons(graph), device=[1, 0, 1])
    problem = gopt.Problem(
        graph,
        gopt.Machine.uniform(2, bandwidth=1.1e9),
        rules,
        fusion=True,
        scheduling=False,
        fusion_limits=gopt.FusionLimits(max_ops=3, max_operands=5, on_chip_bytes=7),
        base_plan=base,
    )
    packed = wire.pack_problem(problem)
    back = wire.unpack_problem(packed)
    assert back.graph.fingerprint == graph.fingerprint
    assert back.base_plan.device == [1, 0, 1]
    assert (back.fusion, back.placement, back.scheduling) == (True, True, False)
    assert wire.pack_problem(back) == packed
    assert wire.pack_problem(back).key() == packed.key()


def test_another_problem_has_another_key():
    graph = gopt.parse_graph("a:op[time=5]")
    keys = {
        wire.pack_problem(gopt.Problem(graph, gopt.Machine.uniform(n), fusion=fusion)).key()
        for n in (1, 2)
        for fusion in (False, True)
    }
    assert len(keys) == 4


def test_plans_that_share_kernels_share_them_again():
    problem = gopt.Problem(gopt.parse_graph("a:op -> b:op"), gopt.Machine.uniform(2))
    packer, unpacker = wire.PlanPacker(problem), wire.PlanUnpacker(problem)
    own = gopt.Kernels(problem.graph, [[0], [1]])
    plans = [gopt.Plan(k, device=[1, 0]) for k in (own, own, problem.base_kernels)]
    back = [unpacker.unpack(packer.pack(plan)) for plan in plans]
    assert back[0].kernels is back[1].kernels
    assert back[2].kernels is problem.base_kernels
    assert [plan.device for plan in back] == [[1, 0]] * 3


def test_a_chain_of_unknown_words_is_refused():
    report = gopt.CostReport(step_time=4).with_critical_chain([(0, "start", -1), (1, "device", 0)])
    assert [(s.kernel, s.reason, s.cause) for s in report.critical_chain] == [
        (0, "start", -1),
        (1, "device", 0),
    ]
    assert report.step_time == 4
    with pytest.raises(gopt.InvalidArgumentError, match="'bored'; known: start, dependency"):
        report.with_critical_chain([(0, "bored", -1)])
