"""The report page: what it says, what it draws, and that a browser shows it."""

import itertools
import re

import pytest

import gopt
from gopt import report as gopt_report
from gopt.report import data as report_data
from gopt.report import figures


@pytest.fixture(scope="module")
def problem():
    ops = ["w:parameter[bytes=1000]", "w -> a0:matmul[time=500,bytes=1000,scope=net.l0]"]
    for i in range(1, 40):
        ops.append(f"a{i - 1} -> a{i}:add[time={100 + i},bytes=500,scope=net.l{i // 8}]")
        ops.append(f"a{i - 1} -> b{i}:mul[time={90 + i},bytes=300,phase=b,scope=net.l{i // 8}]")
    graph = gopt.parse_graph("; ".join(ops))
    machine = gopt.Machine.uniform(3, bandwidth=1e9, latency=10, memory_bytes=1 << 20)
    return gopt.Problem(graph, machine)


@pytest.fixture(scope="module")
def plan(problem):
    kernels = problem.base_kernels
    return gopt.Plan(kernels, device=[k % 3 for k in range(len(kernels))], producer="by hand")


def rows(step_time):
    return [
        gopt_report.SolverRow("single_device", "OK", step_time=9000, evaluations=3, seconds=0.01),
        gopt_report.SolverRow("heft", "INFEASIBLE", reason="<b>no</b> room", evaluations=1),
        gopt_report.SolverRow(
            "anneal",
            "OK",
            step_time=step_time,
            evaluations=50,
            seconds=0.1,
            curve=((1, 0.01, 9000), (20, 0.05, step_time)),
        ),
    ]


def gathered(problem, plan, **options):
    report = gopt.evaluate(problem, plan, timeline=True, critical_chain=True)
    return report, report_data.gather(
        problem,
        plan,
        report,
        rows(report.step_time),
        gopt.lower_bounds(problem),
        title="test",
        found_by="anneal",
        **options,
    )


def test_every_kernel_and_transfer_is_drawn_in_its_place(problem, plan):
    report, data = gathered(problem, plan)
    assert sum(span.kernels for span in data.spans) == len(plan.kernels)
    drawn = {(s.device, s.start, s.end) for s in data.spans}
    assert drawn == {
        (int(s["device"]), int(s["start"]), int(s["end"])) for s in report.kernel_spans
    }
    assert sum(t.tensors for t in data.transfers) == report.transfers > 0
    assert {s.phase for s in data.spans} == {"forward", "backward"}


def test_merging_keeps_kernels_and_busy_time_apart_by_scope(problem, plan):
    _, data = gathered(problem, plan, max_spans=1)
    assert sum(span.kernels for span in data.spans) == len(plan.kernels)
    for device, use in enumerate(data.devices):
        spans = [s for s in data.spans if s.device == device]
        assert sum(s.end - s.start for s in spans) >= use.busy
        assert all(a.end <= b.start for a, b in itertools.pairwise(spans))


def test_the_chain_explains_the_whole_step(problem, plan):
    report, data = gathered(problem, plan)
    assert sum(data.chain.values()) == report.step_time
    assert data.chain_points[-1][1] == report.step_time


def test_the_page_tells_the_numbers_and_escapes_names(problem, plan, tmp_path):
    path = tmp_path / "report.html"
    step_time = gopt.evaluate(problem, plan).step_time
    gopt.report.write_report(path, problem, plan, rows=rows(step_time), title="a <script> title")
    text = path.read_text("utf-8")
    assert "a &lt;script&gt; title" in text
    assert "&lt;b&gt;no&lt;/b&gt; room" in text
    assert "found by by hand" in text
    assert f"{9000 / step_time:.2f} times as long" in text
    # Self-contained: nothing is loaded from elsewhere.
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", text)


def test_a_bound_that_a_solver_proved_is_told(tmp_path):
    graph = gopt.parse_graph("a[time=5]; b[time=5]; c[time=5]")
    result = gopt.compare(graph, gopt.Machine.uniform(2, bandwidth=1e9), solvers=["exact"])
    assert gopt.lower_bounds(result.problem).step_time < result.step_time_ns
    result.report(tmp_path / "report.html")
    assert "this one is 0.0 % above that bound" in (tmp_path / "report.html").read_text()


def test_memory_thinning_keeps_the_peak():
    import numpy as np

    sizes = np.zeros(100_000, dtype=np.int64)
    sizes[77_777] = 5
    times, kept = figures._thinned(np.arange(100_000), sizes)
    assert len(times) <= 4001
    assert kept.max() == 5


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 ns"), (999, "999 ns"), (1500, "1.5 us"), (12_345_678, "12.3 ms")]
)
def test_times_are_written_in_a_unit_that_reads_well(value, text):
    assert report_data.format_time(value) == text


def test_a_browser_draws_all_figures_without_errors(problem, plan, tmp_path, shown):
    path = tmp_path / "report.html"
    step_time = gopt.evaluate(problem, plan).step_time
    gopt.report.write_report(path, problem, plan, rows=rows(step_time))
    page = shown(path)
    for figure in ("timeline", "utilisation", "memory", "curves"):
        drawn = re.search(rf'id="figure-{figure}".*?class="main-svg"', page, re.DOTALL)
        assert drawn, f"{figure} was not drawn"
    # One bar per kernel in the timeline, at least.
    assert page.count('class="point"') >= len(plan.kernels)
