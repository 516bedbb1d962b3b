"""Capture leaves the model, the random state and torch's switches alone, and takes no memory."""

import copy
import random

import pytest
import torch
from models import CASES
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

import gopt


def test_the_model_stays_as_it_was():
    case = CASES["convnet"]()
    model = case.model
    model.norm.eval()
    model.first.weight.grad = torch.ones_like(model.first.weight)
    before = copy.deepcopy(model.state_dict())
    ids = {name: id(p) for name, p in model.named_parameters()}
    flags = [m.training for m in model.modules()]
    classes = [type(m) for m in model.modules()]
    gopt.capture(model, case.inputs, case.loss, targets=case.targets, optimizer="adam")
    gopt.capture(model, case.inputs, train=False)
    assert {name: id(p) for name, p in model.named_parameters()} == ids
    assert [m.training for m in model.modules()] == flags
    assert [type(m) for m in model.modules()] == classes
    assert all(p.requires_grad for p in model.parameters())
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in model.modules())
    torch.testing.assert_close(dict(model.state_dict()), dict(before), rtol=0, atol=0)
    assert torch.equal(model.first.weight.grad, torch.ones_like(model.first.weight))
    assert all(p.grad is None for n, p in model.named_parameters() if n != "first.weight")


def test_random_states_and_switches_stay_as_they_were():
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 1)

        def forward(self, x):
            random.random()
            return nn.functional.dropout(self.linear(x) + torch.rand(1), 0.5).sum()

    state, python_state = torch.get_rng_state(), random.getstate()
    onednn = torch.backends.mkldnn.enabled
    with torch.no_grad():
        gopt.capture(Noisy(), torch.randn(2, 4))
        assert not torch.is_grad_enabled()
    state_of_inputs = torch.get_rng_state()
    torch.set_rng_state(state)
    Noisy(), torch.randn(2, 4)
    assert torch.equal(torch.get_rng_state(), state_of_inputs)
    assert random.getstate() == python_state
    assert torch.backends.mkldnn.enabled == onednn


def graph_of(model, inputs):
    graph = gopt.capture(model, inputs, loss=lambda y: y.square().mean(), optimizer="adam").graph
    return [(op.name, op.type, op.bytes_read) for op in map(graph.op, range(len(graph)))]


def test_meta_and_fake_models_give_the_same_graph():
    x = torch.randn(3, 6)
    wanted = graph_of(CASES["mlp"]().model, x)
    with torch.device("meta"):
        meta = CASES["mlp"]().model
    assert graph_of(meta, x) == wanted
    assert all(p.is_meta for p in meta.parameters())
    with torch.device("meta"):
        assert graph_of(meta, torch.randn(3, 6)) == wanted
    with FakeTensorMode():
        fake = CASES["mlp"]().model
    assert graph_of(fake, x) == wanted


def test_a_model_larger_than_memory():
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(200_000, 200_000), nn.Linear(200_000, 10))  # 160 GB
    step = gopt.capture(model, torch.empty(1, 200_000, device="meta"), loss=torch.sum)
    graph = step.graph
    assert graph.port(graph.op(step.parameters["0.weight"]).ports[0]).bytes == 160_000_000_000


def test_eval_mode_parts_stay_in_eval_mode():
    case = CASES["convnet"]()
    case.model.norm.eval()
    graph = gopt.capture(case.model, case.inputs, case.loss, targets=case.targets).graph
    assert "buffer_updates" not in graph.op_names
    case.model.eval()
    graph = gopt.capture(case.model, case.inputs, case.loss, targets=case.targets).graph
    assert "buffer_updates" in graph.op_names


@pytest.mark.parametrize("kind", ["lambda", "closure", "module"])
def test_losses(kind):
    case = CASES["mlp"]()
    weight = torch.tensor([1.0, 2.0, 3.0])
    loss = {
        "lambda": lambda y: y.square().mean(),
        "closure": lambda y: nn.functional.cross_entropy(y, case.targets[0], weight),
        "module": nn.CrossEntropyLoss(weight),
    }[kind]
    targets = case.targets if kind == "module" else ()
    step = gopt.capture(case.model, case.inputs, loss, targets=targets)
    (value,), gradients = step.interpret(case.model, case.inputs, targets, loss)
    wanted = loss(case.model(case.inputs), *targets)
    torch.testing.assert_close(value, wanted.detach())
    assert set(gradients) == {n for n, _ in case.model.named_parameters()}
