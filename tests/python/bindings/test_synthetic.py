"""Generated graphs and files of foreign tools, from Python."""

import subprocess
import sys

import pytest

import gopt
import gopt.workloads


def test_a_spec_gives_a_graph_and_its_machine():
    generated = gopt.workloads.synthetic("layered(ops=300,width=8,devices=3)")
    assert generated.graph.num_ops == 300
    assert len(generated.machine) == 3
    again = gopt.workloads.synthetic("layered(ops=300,width=8,devices=3)")
    assert again.graph.fingerprint == generated.graph.fingerprint


def test_every_family_has_a_summary_and_a_default_member():
    for name, summary in gopt.workloads.synthetic_families():
        assert summary.endswith(".")
        assert gopt.workloads.synthetic(name).graph.num_ops > 100


def test_the_planted_plan_is_worth_the_figure_and_no_solver_beats_it():
    planted = gopt.workloads.synthetic("planted(ops=100,devices=3)")
    optimum = planted.figures["optimal_step_time_ns"]
    problem = gopt.Problem(planted.graph, planted.machine)
    assert gopt.lower_bounds(problem).step_time == optimum
    result = gopt.optimize(problem, solver="heft", evaluations=50)
    assert result.step_time_ns >= optimum
    assert len(planted.expert_placement) == 100


def test_what_is_wrong_is_named():
    with pytest.raises(gopt.NotFoundError, match="there are blocks, chain"):
        gopt.workloads.synthetic("ring(ops=3)")
    with pytest.raises(gopt.InvalidArgumentError, match="layered: width is 0"):
        gopt.workloads.synthetic("layered(width=0)")


def test_generating_needs_no_torch():
    program = (
        "import sys, gopt.workloads; gopt.workloads.synthetic('chain'); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_import_file_takes_an_importer_with_options(root):
    path = root / "tests" / "fuzz" / "corpus" / "pipedream" / "small.graph.txt"
    whole = gopt.import_file(path)
    forward = gopt.import_file(path, importer="pipedream(training=false,devices=2)")
    assert forward.graph.num_ops < whole.graph.num_ops
    assert len(forward.machine) == 2
    with pytest.raises(gopt.InvalidGraphError, match="unknown key"):
        gopt.import_file(path, importer="pipedream(nonsense=1)")
