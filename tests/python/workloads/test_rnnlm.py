"""The recurrent language model."""

import pytest
import torch
from graph_view import one, operand_names, ops
from properties import captured, elements, native_counts, slices, sums_of_gradient
from torch import nn

from gopt import workloads
from gopt.workloads.lstm import LstmCell

STEPS = 5  # of the small form


@pytest.fixture
def step():
    return captured("rnnlm-small")


def test_a_cell_computes_what_torchs_cell_computes():
    cell, wanted = LstmCell(3, 5), nn.LSTMCell(3, 5)
    nn.init.normal_(cell.bias)
    with torch.no_grad():
        wanted.weight_ih.copy_(cell.weight[:3].t())
        wanted.weight_hh.copy_(cell.weight[3:].t())
        wanted.bias_ih.copy_(cell.bias)
        wanted.bias_hh.zero_()
    x, state = torch.randn(2, 3), (torch.randn(2, 5), torch.randn(2, 5))
    output, after = cell(x, state=state)
    torch.testing.assert_close(after, wanted(x, state))
    assert output is after[0]
    torch.testing.assert_close(cell(x[:, :2], x[:, 2:], state=state)[0], output)
    torch.testing.assert_close(cell(x)[1], wanted(x))


def test_a_residual_cell_adds_its_first_input_to_its_output_alone():
    cell = LstmCell(5, 5, residual=True)
    x = torch.randn(2, 5)
    output, (recurrent, _) = cell(x)
    torch.testing.assert_close(output, recurrent + x)


@pytest.mark.parametrize(("name", "millions"), [("rnnlm2", 108), ("rnnlm4", 175), ("rnnlm8", 310)])
def test_size(name, millions):
    assert elements(workloads.make(name).model) == pytest.approx(millions * 1e6, rel=0.02)


def test_all_steps_of_a_layer_have_its_scope_forward_and_backward(step):
    for layer in ("layers.0", "layers.1"):
        forward = native_counts(step, layer, "forward")
        assert forward == {
            "new_zeros": 1,
            "cat": STEPS,
            "mm": STEPS,
            "add": 2 * STEPS,
            "mul": 3 * STEPS,
            "sigmoid": 3 * STEPS,
            "tanh": 2 * STEPS,
        }
        backward = native_counts(step, layer, "backward")
        assert backward["mm"] == 2 * STEPS  # gradients of weight and of what it reads
        assert backward["cat"] == backward["sum"] == STEPS  # of the gates, of the bias
        assert backward["sigmoid_backward"] == 3 * STEPS
        assert backward["tanh_backward"] == 2 * STEPS


def test_gates_are_slices_of_one_product(step):
    gates = [port for port, whole in slices(step) if whole.bytes == 4 * 4 * 16 * 4]
    makers = {step.graph.op(port.producer).type for port in gates}
    assert makers == {"add"}  # of the bias
    assert {port.shape for port in gates} == {(4, 16)}
    assert all(port.storage_bytes == 4 * port.bytes for port in gates)


def test_steps_are_cut_from_one_embedding_and_its_gradient_is_one_stack(step):
    lookup = one(step.graph, type="embedding")
    assert len(lookup.ports) == 1 + STEPS
    gradient = one(step.graph, type="embedding_backward")
    (stack,) = [
        op
        for op in ops(step.graph, phase="backward")
        if op.name in operand_names(step.graph, gradient) and op.native.startswith("aten::stack")
    ]
    assert len(stack.operands) == STEPS


def test_gradients_of_the_steps_are_added(step):
    for parameter in ("layers.0.weight", "layers.1.bias", "softmax.weight"):
        assert len(sums_of_gradient(step, parameter)) == STEPS - 1


def test_dropout_is_in_the_scope_of_its_layer():
    step = workloads.make("rnnlm-small", dropout=0.5).capture()
    drawn = [op for op in ops(step.graph) if op.native.startswith("aten::native_dropout.")]
    assert len(drawn) == 2 * STEPS
    assert {op.scope for op in drawn} == {"layers.0", "layers.1"}
