"""The stored graphs of the paper's suite: as large and as long as the models they stand for.

The figures are those that the sizes were chosen by, measured with another capture and another
simulator; the placement papers do not give theirs.
"""

import pytest
from graph_view import ops

import gopt
from gopt import workloads

# FX nodes, ops, edges (thousands), and ms on p100: all work on one device, critical path.
FIGURES = {
    "rnnlm2": (5006, 2932, 5.6, 225, 46),
    "rnnlm4": (9080, 5412, 10.2, 398, 48),
    "rnnlm8": (17228, 10372, 19.5, 745, 53),
    "gnmt2": (14374, 8626, 16, 451, 118),
    "gnmt4": (23160, 14064, 26, 655, 121),
    "gnmt8": (40732, 24940, 47, 1064, 128),
    "gnmt8_80": (81492, 49860, None, 2182, 280),
    "txl2": (2301, 825, 1.5, 308, 50),
    "txl4": (4429, 1561, 2.8, 419, 66),
    "txl8": (8685, 3033, 5.5, 640, 96),
    "inception32": (2597, 1746, 2.9, 150, 72),
    "amoebanet": (7599, 5185, 8.7, 122, 42),
    "wavenet2": (1203, 1229, 1.9, 400, 146),
    "wavenet4": (2355, 2417, 3.8, 795, 288),
}


@pytest.fixture(scope="module", params=FIGURES)
def graph(request):
    if not workloads.info(request.param).stored:
        pytest.skip(f"{request.param} is not stored: gopt workloads make-all")
    return workloads.load(request.param)


def test_nodes_ops_and_edges_are_the_tables(graph):
    nodes, op_count, edges, _, _ = FIGURES[graph.name]
    names = {name for op in ops(graph) for name in op.ungroup}
    assert len(names) == pytest.approx(nodes, rel=0.15)
    assert graph.num_ops == pytest.approx(op_count, rel=0.15)
    if edges is not None:
        assert graph.num_edges == pytest.approx(1000 * edges, rel=0.15)


def test_times_are_the_tables(graph):
    *_, one_device, critical_path = FIGURES[graph.name]
    devices = graph.metadata["workload.devices"]
    costs = gopt.OpCosts(gopt.Problem(graph, gopt.Machine.preset(f"p100x{devices}")))
    times = costs.op_times(0)
    work = sum(times[op] for op in graph.kernel_ops)
    assert work / 1e6 == pytest.approx(one_device, rel=0.15)
    assert costs.lower_bounds().critical_path / 1e6 == pytest.approx(critical_path, rel=0.15)


def test_the_largest_has_more_than_80_000_nodes():
    if not workloads.info("gnmt8_80").stored:
        pytest.skip("gnmt8_80 is not stored: gopt workloads make-all")
    graph = workloads.load("gnmt8_80")
    assert len({name for op in ops(graph) for name in op.ungroup}) > 80_000
