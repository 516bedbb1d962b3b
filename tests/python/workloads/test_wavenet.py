"""WaveNet."""

import pytest
import torch
from graph_view import one
from properties import captured, elements, native_counts, split_convolutions, sums_of_gradient
from torch import nn

from gopt import workloads

LAYERS = 6  # of the small form: 2 stacks of 3


@pytest.fixture
def step():
    return captured("wavenet-small")


@pytest.mark.parametrize(("name", "millions"), [("wavenet2", 8), ("wavenet4", 16)])
def test_size(name, millions):
    assert elements(workloads.make(name).model) == pytest.approx(millions * 1e6, rel=0.02)


def test_dilations_double_and_start_again_in_each_stack():
    model = workloads.make("wavenet2").model
    assert [layer.dilation for layer in model.layers] == [2**i for i in range(9)] * 2


def test_a_prediction_depends_on_the_past_as_far_as_the_dilations_reach():
    model = workloads.make("wavenet-small", device="cpu", samples=40).model
    samples, features = torch.randint(16, (1, 40)), torch.rand(1, 5, 40)
    before = model.logits(samples, features)
    samples[0, 20] = (samples[0, 20] + 1) % 16
    changed = (model.logits(samples, features) != before).any(1)[0].nonzero().flatten()
    reach = 2 * (1 + 2 + 4)
    assert (changed[0], changed[-1]) == (20, 20 + reach)


def test_gradients_of_a_convolution_are_ops_of_their_own(step):
    split = split_convolutions(step)
    model = workloads.make("wavenet-small").model
    assert len(split) == sum(isinstance(m, nn.Conv1d) for m in model.modules())
    kinds = [sorted(parts) for parts in split]
    assert kinds.count(["bias", "weight"]) == 2 * LAYERS  # of the features
    assert kinds.count(["bias", "input", "weight"]) == len(split) - 2 * LAYERS


def test_a_layers_ops_have_its_scope_forward_and_backward(step):
    assert native_counts(step, "layers.1", "forward") == {
        "constant_pad_nd": 1,
        "tanh": 1,
        "sigmoid": 1,
        "mul": 1,
        "add": 4,  # of the features twice, of the residual, of the skip path
    }
    backward = native_counts(step, "layers.1", "backward")
    assert backward["mul"] == 2
    assert backward["tanh_backward"] == backward["sigmoid_backward"] == 1
    for module in ("filter", "gate", "skip", "residual"):
        assert native_counts(step, f"layers.1.{module}", "forward") == {"convolution": 1}
        assert native_counts(step, f"layers.1.{module}", "backward")["convolution_backward"] == 3


def test_filter_and_gate_do_not_wait_for_each_other(step):
    graph = step.graph
    products = [one(graph, type="convolution", scope=f"layers.3.{m}") for m in ("filter", "gate")]
    shared = [set(op.predecessors) - set(step.parameters.values()) for op in products]
    assert shared[0] == shared[1] != set()


def test_the_last_layer_has_no_residual_path():
    names = dict(workloads.make("wavenet2").model.named_parameters())
    assert "layers.16.residual.weight" in names
    assert "layers.17.residual.weight" not in names


def test_micro_batches_run_through_shared_weights():
    step = workloads.make("wavenet-small", micro_batches=2).capture()
    assert len(sums_of_gradient(step, "layers.2.gate.weight")) == 1
    with pytest.raises(ValueError, match="batch 2 is not a multiple of micro_batches 3"):
        workloads.make("wavenet-small", micro_batches=3)
