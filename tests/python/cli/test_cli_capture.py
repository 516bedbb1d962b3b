"""`gopt capture`, and workloads by name: these import torch."""

import json

import pytest

import gopt

MODULE = """
import torch
from torch import nn

def step():
    return nn.Linear(4, 3), (torch.zeros(2, 4),), lambda out: out.sum()

def nothing():
    return 5
"""


@pytest.fixture(autouse=True)
def needs_capture(tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "mine.py").write_text(MODULE)


def test_capture_writes_a_graph(run, tmp_path):
    done = run("capture", "mine:step", "-o", "step.gopt", "--json")
    assert json.loads(done.stdout)["phases"]["backward"] > 0
    graph = gopt.Graph.load(tmp_path / "step.gopt")
    assert len(graph.parameters) == 2
    assert "written: step.gopt" in run("capture", "mine:step", "--inference").stdout
    assert "backward" not in gopt.Graph.load(tmp_path / "step.gopt").op_phases


def test_capture_says_what_is_wrong(run):
    done = run("capture", "mine:absent", code=2)
    assert done.stderr.startswith("gopt: error: ")
    assert done.stderr.count("\n") == 1
    assert "mine" in done.stderr
    run("capture", "mine:nothing", code=2)
    run("info", "no_such_workload", code=2)
