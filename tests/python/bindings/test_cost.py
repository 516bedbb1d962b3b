"""Prices, timelines and bounds."""

import gc
import subprocess
import sys

import numpy as np
import pytest

import gopt

TEXT = "a:op[time=5,bytes=100] -> b:op[time=3,bytes=10]; a -> c:op[time=4,bytes=10]"


@pytest.fixture
def problem() -> gopt.Problem:
    return gopt.Problem(gopt.parse_graph(TEXT), gopt.Machine.uniform(2, bandwidth=1e9))


def on(problem: gopt.Problem, *device: int) -> gopt.Plan:
    return gopt.Plan(problem.base_kernels, device=device)


def test_one_device_takes_the_sum(problem):
    report = gopt.evaluate(problem, on(problem, 0, 0, 0))
    assert report.ok
    assert (report.outcome, report.reason) == ("OK", "")
    assert report.step_time == 12
    assert report.busy == [12, 0]
    assert report.start_order == [0, 1, 2]
    assert report.transfers == 0


def test_a_remote_reader_waits_for_the_transfer(problem):
    report = gopt.evaluate(problem, on(problem, 0, 0, 1))
    assert report.step_time == 5 + 100 + 4
    assert (report.transfers, report.transfer_bytes) == (1, 100)
    (transfer,) = report.transfer_spans
    assert transfer["source"] == 0
    assert transfer["destination"] == 1
    assert (transfer["start"], transfer["end"], transfer["arrival"]) == (5, 105, 105)
    spans = report.kernel_spans
    assert spans.dtype.names == ("kernel", "device", "start", "end")
    assert spans["start"].tolist() == [0, 5, 105]
    assert [step.reason for step in report.critical_chain] == ["start", "transfer"]
    assert len(report.memory_samples) == 2
    assert max(report.memory_samples[0]["bytes"]) == report.peak_bytes[0]


def test_arrays_outlive_their_report(problem):
    spans = gopt.evaluate(problem, on(problem, 0, 1, 1)).kernel_spans
    gc.collect()
    assert spans["device"].tolist() == [0, 1, 1]


def test_nothing_more_than_asked_for(problem):
    report = gopt.evaluate(
        problem, on(problem, 0, 1, 0), timeline=False, start_order=False, critical_chain=False
    )
    assert report.ok
    assert report.start_order == []
    assert report.kernel_spans.shape == (0,)
    assert report.critical_chain == []


def test_memory_is_an_outcome_not_an_error(problem):
    tight = gopt.Problem(problem.graph, problem.machine.with_memory_limit(50))
    report = gopt.evaluate(tight, on(tight, 0, 0, 0))
    assert report.outcome == "INFEASIBLE"
    assert report.bytes_over_limit > 0
    assert report.step_time == 12
    free = gopt.evaluate(tight, on(tight, 0, 0, 0), "simulator(memory=false)")
    assert free.ok


def test_an_illegal_plan_is_an_outcome_too(problem):
    report = gopt.evaluate(problem, on(problem, 0, 0, 7))
    assert report.outcome == "INFEASIBLE"
    assert "kernel 2" in report.reason


def test_bad_specs_name_the_known(problem):
    with pytest.raises(gopt.NotFoundError, match="simulator"):
        gopt.evaluate(problem, on(problem, 0, 0, 0), "oracle")
    with pytest.raises(gopt.InvalidArgumentError, match="contention"):
        gopt.evaluate(problem, on(problem, 0, 0, 0), "simulator(contentoin=true)")


def test_binding_once_prices_many(problem):
    evaluator = gopt.Simulator(contention=False).bind(problem)
    plans = [on(problem, 0, 0, d) for d in (0, 1)]
    assert [r.step_time for r in evaluator.evaluate(plans)] == [12, 109]
    assert evaluator.evaluate([]) == []


def test_repricing_the_start_order_gives_the_same(problem):
    plan = on(problem, 0, 1, 0)
    report = gopt.evaluate(problem, plan)
    plan.dispatch = "SEQUENCE"
    plan.sequence = report.start_order
    assert gopt.evaluate(problem, plan).step_time == report.step_time


def test_op_costs_and_bounds(problem):
    costs = gopt.OpCosts(problem)
    assert costs.op_times(0) == [5, 3, 4]
    assert costs.kernel_time([0], [0], 1) == 5
    assert costs.transfer_time(100, 0, 1) == 100
    bounds = costs.lower_bounds()
    assert bounds.critical_path == 9
    assert bounds.step_time >= bounds.work == 6
    with pytest.raises(IndexError):
        costs.op_times(2)
    with pytest.raises(IndexError):
        costs.kernel_time([99], [], 0)


def test_reports_are_made_for_backends_in_python():
    report = gopt.CostReport(step_time=7, busy=[7, 0])
    assert report.ok
    with pytest.raises(gopt.InvalidArgumentError, match="INFEASIBLE"):
        gopt.CostReport(outcome="fine")


def test_import_needs_neither_torch_nor_numpy():
    code = "import gopt, sys; assert not {'torch', 'numpy', 'plotly'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_spans_are_structured_arrays(problem):
    report = gopt.evaluate(problem, on(problem, 0, 1, 1))
    assert isinstance(report.kernel_spans, np.ndarray)
    assert report.kernel_spans.dtype["start"] == np.int64
