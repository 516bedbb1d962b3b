"""What a training step holds: parameters, optimizer ops, scopes, twins, costs."""

import pytest
import torch
from graph_view import one, operand_names, ops
from models import CASES
from torch import nn
from torch.utils.checkpoint import checkpoint

import gopt


def capture(name, **options):
    case = CASES[name]()
    return gopt.capture(case.model, case.inputs, case.loss, targets=case.targets, **options), case


@pytest.mark.parametrize("name", CASES)
def test_every_op_has_a_scope_of_the_model(name):
    step, case = capture(name, optimizer="adam")
    known = {type(case.model).__name__, "loss", *(n for n, _ in case.model.named_modules() if n)}
    for i in range(len(step.graph)):
        op = step.graph.op(i)
        assert op.scope in known, op.name


def test_sums_of_weight_gradients_belong_to_the_parameters_module():
    step, _ = capture("lstm")
    sums = ops(step.graph, type="add", phase="backward", scope="cell")
    # Three sums for each of the cell's four parameters over four steps.
    assert len(sums) >= 12


@pytest.mark.parametrize(
    ("optimizer", "type_", "copies"),
    [
        ("adam", "adam", 2),
        ("sgd", "sgd", 0),
        ("momentum", "sgd", 1),
        (torch.optim.AdamW, "adamw", 2),
        (torch.optim.SGD, "sgd", 0),
    ],
)
def test_one_optimizer_op_per_parameter(optimizer, type_, copies):
    step, case = capture("mlp", optimizer=optimizer)
    graph = step.graph
    updates = ops(graph, phase="optimizer")
    assert len(updates) == len(list(case.model.parameters())) == len(step.updates)
    for name, parameter in case.model.named_parameters():
        home = graph.op(step.parameters[name])
        update = graph.op(step.updates[name])
        (port,) = map(graph.port, home.ports)
        size = parameter.numel() * 4
        assert (home.kind, port.persistent, port.bytes) == ("parameter", True, size)
        assert port.optimizer_copies == copies
        assert (update.type, update.kind, list(update.ports)) == (type_, "compute", [])
        assert update.side_effect and update.fusion_class == "opaque"
        assert operand_names(graph, update)[0] == name
        assert update.colocation == home.colocation >= 0
        assert update.bytes_read == size * (2 + copies)
        assert update.bytes_written == size * (1 + copies)


def test_an_instance_says_which_parameters_and_how():
    case = CASES["mlp"]()
    optimizer = torch.optim.SGD(case.model.outer.parameters(), lr=0.1, momentum=0.9)
    step = gopt.capture(
        case.model, case.inputs, case.loss, targets=case.targets, optimizer=optimizer
    )
    assert set(step.updates) == {"outer.weight", "outer.bias"}
    copies = {
        name: step.graph.port(step.graph.op(op).ports[0]).optimizer_copies
        for name, op in step.parameters.items()
    }
    assert copies == {"inner.weight": 0, "inner.bias": 0, "outer.weight": 1, "outer.bias": 1}
    assert len(one(step.graph, name="gradients").operands) == 2


def test_an_update_waits_for_every_reader_of_its_parameter():
    step, _ = capture("mlp", optimizer="sgd")
    graph = step.graph
    before = {op.id: set() for op in ops(graph)}
    for op in ops(graph):
        producers = {graph.port(port).producer for port in op.operands} | set(op.controls)
        before[op.id] = producers.union(*(before[p] for p in producers))
    for name, update in step.updates.items():
        readers = set(graph.port(graph.op(step.parameters[name]).ports[0]).readers) - {update}
        assert readers <= before[update], name


def test_frozen_parameters_have_no_update():
    case = CASES["mlp"]()
    case.model.inner.requires_grad_(False)
    step = gopt.capture(case.model, case.inputs, case.loss, targets=case.targets, optimizer="adam")
    assert set(step.parameters) == {"inner.weight", "inner.bias", "outer.weight", "outer.bias"}
    assert set(step.updates) == {"outer.weight", "outer.bias"}
    assert step.graph.port(step.graph.op(step.parameters["inner.bias"]).ports[0]).persistent


def test_without_an_optimizer_gradients_are_results():
    step, case = capture("mlp")
    assert not ops(step.graph, phase="optimizer")
    assert len(one(step.graph, name="gradients").operands) == len(list(case.model.parameters()))


def test_tied_weights_are_one_parameter_read_twice():
    step, case = capture("transformer", optimizer="adam")
    assert "tokens.weight" in step.parameters and "head.weight" not in step.parameters
    graph = step.graph
    port = graph.port(graph.op(step.parameters["tokens.weight"]).ports[0])
    assert {"embedding", "matmul"} <= {graph.op(op).type for op in port.readers}
    assert len(step.updates) == len(list(case.model.parameters()))


def test_convolution_backward_is_one_op_per_gradient():
    step, _ = capture("convnet", optimizer="sgd")
    graph = step.graph
    assert not ops(graph, type="convolution_backward")
    assert len(ops(graph, type="convolution_input_gradient")) == 1  # images need none
    weights = ops(graph, type="convolution_weight_gradient")
    biases = ops(graph, type="convolution_bias_gradient")
    assert (len(weights), len(biases)) == (2, 2)
    (data,) = ops(graph, type="convolution_input_gradient")
    assert "grouped.weight" in operand_names(graph, data)
    assert all("weight" not in "".join(operand_names(graph, op)) for op in weights)
    assert all(len(op.operands) == 1 and op.fusion_class == "reduction" for op in biases)
    names = {name for op in (data, *weights, *biases) for name in op.ungroup}
    assert any(name.startswith("convolution_backward") for name in names)


def test_arithmetic_of_grouped_convolutions_counts_groups_once():
    step, _ = capture("convnet")
    forward = one(step.graph, type="convolution", scope="grouped").flops
    # 2 x positions x output channels x input channels per group x kernel
    assert forward == 2 * (2 * 8 * 8) * 8 * (8 // 4) * 9
    for type_ in ("convolution_weight_gradient", "convolution_input_gradient"):
        assert one(step.graph, type=type_, scope="grouped").flops == forward


def test_arithmetic_of_products_is_two_per_multiply_add():
    step, _ = capture("mlp")
    forward = ops(step.graph, type="matmul", phase="forward")
    assert [op.flops for op in forward] == [2 * 4 * 6 * 8, 2 * 4 * 8 * 3]
    assert {op.fusion_class for op in forward} == {"contraction"}
    relu = one(step.graph, type="relu")
    assert (relu.flops, relu.bytes_read, relu.bytes_written) == (32, 128, 128)


def test_backward_ops_know_their_forward_twin():
    step, _ = capture("convnet")
    graph = step.graph
    gradient = one(graph, type="convolution_weight_gradient", scope="grouped")
    assert graph.op(gradient.forward_twin).type == "convolution"
    assert graph.op(gradient.forward_twin).scope == "grouped"
    assert graph.op(one(graph, type="relu_backward").forward_twin).type == "relu"
    for op in ops(graph, phase="forward"):
        assert op.forward_twin == -1


def test_updated_statistics_are_results_and_buffers_are_constants():
    step, _ = capture("convnet")
    graph = step.graph
    assert one(graph, name="norm.running_mean").kind == "constant"
    updates = one(graph, name="buffer_updates")
    assert updates.kind == "output" and len(updates.operands) == 3
    loss = one(graph, name="loss")
    assert loss.kind == "output" and len(loss.operands) == 1


def test_phases():
    step, _ = capture("mlp", optimizer="adam")
    assert {op.phase for op in ops(step.graph, type="relu_backward")} == {"backward"}
    assert {op.phase for op in ops(step.graph, type="relu")} == {"forward"}
    assert {op.phase for op in ops(step.graph, type="adam")} == {"optimizer"}


def test_names_of_inputs():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 1)

        def forward(self, x, *, masks, scale):
            return self.linear(x * masks["a"] * scale).sum()

    inputs = {"masks": {"a": torch.ones(3)}, "scale": 2.0, "x": torch.randn(2, 3)}
    step = gopt.capture(Two(), inputs)
    assert {op.name for op in ops(step.graph, kind="input")} == {"input.masks['a']", "input.x"}
    (loss,), _ = step.interpret(Two(), inputs)
    assert loss.shape == ()


def test_repr_says_what_it_is():
    step, _ = capture("mlp", optimizer="adam")
    text = repr(step)
    assert text.startswith("<TrainingStep of Mlp: training step,")
    assert f"{len(step.graph)} ops" in text and "4 optimizer ops" in text
    assert step.parameter_names == ["inner.weight", "inner.bias", "outer.weight", "outer.bias"]


class Forgiving(nn.Module):
    """Goes on after a submodule that raised."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Linear(5, 4)))
        self.last = nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        try:
            x = self.outer(x)
        except RuntimeError:
            x = x.exp()
        return self.last(x).sum()


def test_a_module_that_raised_keeps_no_scope_open():
    graph = gopt.capture(Forgiving(), torch.randn(2, 4)).graph
    assert one(graph, type="exp").scope == "Forgiving"
    assert one(graph, type="matmul", phase="forward", scope="last")


class Checkpointed(nn.Module):
    """Recomputes its middle layer in the backward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.middle, self.last = (nn.Linear(4, 4) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = checkpoint(lambda y: self.middle(y).tanh(), self.first(x), use_reentrant=False)
        return self.last(x).sum()


def test_recomputing_is_left_to_the_plan():
    graph = gopt.capture(Checkpointed(), torch.randn(2, 4)).graph
    assert one(graph, type="tanh").phase == "forward"
    assert one(graph, type="matmul", phase="forward", scope="middle")
