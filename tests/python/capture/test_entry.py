"""`package.module:function`, and the workloads."""

import sys

import pytest
import torch
from graph_view import one, ops

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
        ("their_model:missing", "has no missing"),
        ("no_such_module:f", "No module named"),
        ("their_model:nonsense", "it is a int"),
    ],
)
def test_wrong_entries(module, spec, message):
    with pytest.raises(gopt.CaptureError, match=message):
        capture_entry(spec)


def test_workloads_by_name():
    step = capture_entry("transformer-small", optimizer=None)
    assert not step.updates and step.train
    assert set(gopt.workloads.NAMES) == set(gopt.workloads.DESCRIPTIONS)
    with pytest.raises(ValueError, match="there are transformer"):
        gopt.workloads.make("transfomer")
    with pytest.raises(ValueError, match="micro_batches"):
        gopt.workloads.make("transformer-small", micro_batches=3)
    with pytest.raises(TypeError):
        gopt.workloads.make("transformer-small", depth=3)


def test_transformer_runs_micro_batches_through_shared_weights():
    step = gopt.workloads.make("transformer-small", layers=1, micro_batches=4).capture()
    graph = step.graph
    assert len(ops(graph, type="attention")) == 4
    weight = graph.port(graph.op(step.parameters["blocks.0.attention.qkv.weight"]).ports[0])
    forward = [op for op in map(graph.op, weight.readers) if op.phase == "forward"]
    assert len(forward) == 4
    plain = gopt.workloads.make("transformer-small", layers=1, fused_attention=False).capture()
    assert len(ops(plain.graph, type="softmax")) == 2


def test_sizes_of_the_papers():
    def count(name):
        return sum(p.numel() for p in gopt.workloads.make(name).model.parameters())

    assert count("inception") == 27_161_264
    assert round(count("transformer") / 1e6) == 184


def test_inception_has_the_papers_grids():
    model = gopt.workloads.make("inception").model
    shapes = {}

    def note(name):
        def hook(module, inputs, output):
            shapes[name] = tuple(output.shape[1:])

        return hook

    for name in ("grid35", "grid17", "grid8"):
        getattr(model, name).register_forward_hook(note(name))
    model(torch.empty(2, 3, 299, 299, device="meta"))
    assert shapes == {"grid35": (288, 35, 35), "grid17": (768, 17, 17), "grid8": (2048, 8, 8)}


def test_inference_of_a_workload():
    step = gopt.workloads.make("inception-small").capture(train=False)
    assert not step.train and one(step.graph, kind="output")


def test_the_package_is_the_function_whatever_was_imported_first():
    import gopt.capture.entry as entry_module

    assert gopt.capture is sys.modules["gopt.capture"]
    assert callable(gopt.capture) and gopt.capture.entry is entry_module
    step = gopt.capture(torch.nn.Linear(4, 1), torch.randn(1, 4))
    assert isinstance(step, gopt.capture.TrainingStep)
