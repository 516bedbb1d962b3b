"""`package.module:function`, and names of workloads."""

import sys

import pytest
import torch

import gopt
from gopt.capture.entry import capture_entry

SOURCE = """
import torch
from torch import nn
import gopt

def pair():
    return nn.Linear(4, 1), torch.randn(1, 4)

def triple():
    return nn.Linear(4, 3), torch.randn(2, 4), lambda y: y.sum()

def options():
    return {"model": nn.Linear(4, 1), "example_inputs": torch.randn(1, 4), "optimizer": "adam"}

def captured():
    return gopt.capture(nn.Linear(4, 1), torch.randn(1, 4))

def nonsense():
    return 3

class Holder:
    work = staticmethod(pair)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "their_model.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    yield "their_model"
    sys.modules.pop("their_model", None)
    sys.path[:] = [path for path in sys.path if path != str(tmp_path)]


@pytest.mark.parametrize("function", ["pair", "triple", "options", "captured", "Holder.work"])
def test_functions_may_give(module, function):
    step = capture_entry(f"{module}:{function}")
    assert "weight" in step.parameters


def test_options_override(module):
    assert len(capture_entry(f"{module}:options", optimizer="sgd").updates) == 2
    assert not capture_entry(f"{module}:pair", train=False).train


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("their_model", "not package.module:function"),
        ("gptt", "no workload 'gptt'; near it: gpt"),
        ("their_model:missing", "has no missing"),
        ("no_such_module:f", "No module named"),
        ("their_model:nonsense", "it is a int"),
    ],
)
def test_wrong_entries(module, spec, message):
    with pytest.raises(gopt.CaptureError, match=message):
        capture_entry(spec)


def test_workloads_by_name():
    step = capture_entry("gpt-small", optimizer=None)
    assert not step.updates and step.train and step.graph.name == "gpt-small"


def test_the_package_is_the_function_whatever_was_imported_first():
    import gopt.capture.entry as entry_module

    assert gopt.capture is sys.modules["gopt.capture"]
    assert callable(gopt.capture) and gopt.capture.entry is entry_module
    step = gopt.capture(torch.nn.Linear(4, 1), torch.randn(1, 4))
    assert isinstance(step, gopt.capture.TrainingStep)
