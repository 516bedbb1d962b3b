"""What `attributes` says of the calls behind the ops."""

import json

import pytest
import torch
from torch import nn

import gopt


@pytest.fixture(scope="module")
def step():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(256, 8), nn.Linear(8, 8), nn.Linear(8, 8),
    )  # fmt: skip
    return gopt.capture(model, torch.randn(2, 3, 8, 8), loss=lambda y: y.square().mean())


@pytest.fixture(scope="module")
def attributes(step):
    return json.loads(step.graph.attributes)


def signature(step, attributes, op):
    return attributes["signatures"][attributes["op"][op]]


def test_every_op_that_runs_has_one_and_no_other(step, attributes):
    graph = step.graph
    assert attributes["format"] == "gopt.signatures/1"
    assert len(attributes["op"]) == graph.num_ops
    for op, index in enumerate(attributes["op"]):
        assert (index >= 0) == graph.op(op).in_kernel


def test_equal_calls_share_a_signature_and_others_do_not(step, attributes):
    graph = step.graph
    products = [op for op in graph.kernel_ops if graph.op(op).native == "aten::addmm.default"]
    indices = [attributes["op"][op] for op in products]
    assert len(products) == 3
    assert len(set(indices)) == 2  # 256 -> 8 once, 8 -> 8 twice
    assert len(attributes["signatures"]) == len(set(attributes["op"]) - {-1})


def test_tensors_come_with_type_shape_and_strides(step, attributes):
    op = next(o for o in step.graph.kernel_ops if step.graph.op(o).native == "aten::addmm.default")
    call = signature(step, attributes, op)
    assert call["call"] == "aten::addmm.default"
    assert call["args"] == [
        {"tensor": ["float32", [8], [1]]},
        {"tensor": ["float32", [2, 256], [256, 1]]},
        {"tensor": ["float32", [256, 8], [1, 256]]},
    ]


def test_a_part_of_a_convolution_gradient_asks_for_that_part_only(step, attributes):
    graph = step.graph
    masks = {
        graph.op(op).name.rpartition(".")[2]: signature(step, attributes, op)["args"][-1]
        for op in graph.kernel_ops
        if graph.op(op).native == "aten::convolution_backward.default"
    }
    assert masks == {
        "input": [True, False, False],
        "weight": [False, True, False],
        "bias": [False, False, True],
    }


def test_an_update_names_optimizer_parameter_and_state(step, attributes):
    bare = nn.Linear(4, 2, bias=False)
    step = gopt.capture(bare, torch.randn(3, 4), loss=lambda y: y.square().mean(), optimizer="adam")
    call = signature(step, json.loads(step.graph.attributes), step.graph.find("weight.update"))
    assert call == {
        "call": "optimizer::adam",
        "args": [{"tensor": ["float32", [2, 4], [4, 1]]}],
        "kwargs": {"copies": 2},
    }


def test_numbers_that_json_lacks_are_kept(step):
    model = nn.Linear(4, 4)
    step = gopt.capture(
        model, torch.randn(3, 4), loss=lambda y: y.clamp(max=float("inf")).square().mean()
    )
    calls = json.loads(step.graph.attributes)["signatures"]
    clamps = [call for call in calls if call["call"].startswith("aten::clamp.")]
    assert clamps
    assert {"float": "inf"} in clamps[0]["args"]
