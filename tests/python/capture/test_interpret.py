"""The captured joint graph computes what autograd computes."""

import pytest
import torch
from models import CASES
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

import gopt
from gopt.capture.trace import RECIPES


def autograd(case):
    case.model.zero_grad()
    output = case.model(case.inputs)
    loss = case.loss(output, *case.targets)
    loss.backward()
    return loss.detach(), {name: p.grad for name, p in case.model.named_parameters()}


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", CASES)
def test_loss_and_every_gradient_equal_autograd(name, recipe):
    case = CASES[name]()
    step = gopt.capture(
        case.model, case.inputs, loss=case.loss, targets=case.targets, recipes=(recipe,)
    )
    (loss,), gradients = step.interpret(case.model, case.inputs, case.targets)
    wanted_loss, wanted = autograd(case)
    torch.testing.assert_close(loss, wanted_loss)
    assert gradients.keys() == wanted.keys()
    for parameter, gradient in wanted.items():
        torch.testing.assert_close(gradients[parameter], gradient, msg=parameter)


def test_inference_gives_the_outputs_of_eval_mode():
    case = CASES["convnet"]()
    step = gopt.capture(case.model, case.inputs, train=False)
    assert not step.train
    (output,), gradients = step.interpret(case.model, case.inputs)
    torch.testing.assert_close(output, case.model.eval()(case.inputs).detach())
    assert gradients == {}


def test_the_recipes_give_the_same_ops():
    case = CASES["transformer"]()
    seen = []
    for recipe in ("hooks", "export"):
        graph = gopt.capture(
            case.model, case.inputs, case.loss, targets=case.targets, recipes=(recipe,)
        ).graph
        seen.append(
            [
                (op.type, op.scope, op.phase, op.forward_twin)
                for op in map(graph.op, range(len(graph)))
            ]
        )
    assert seen[0] == seen[1]


class Scaled(nn.Module):
    """Holds a tensor that is neither parameter nor buffer."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.scale = torch.arange(4.0)

    def forward(self, x):
        return (self.linear(x) * self.scale).sum()


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_plain_attributes_are_constants_with_and_without_data(device):
    with torch.device(device):
        empty = Scaled()
    step = gopt.capture(empty, torch.randn(2, 4))
    model, x = Scaled(), torch.randn(2, 4)
    (loss,), gradients = step.interpret(model, x)
    torch.testing.assert_close(loss, model(x).detach())
    torch.testing.assert_close(gradients["linear.bias"], 2 * model.scale)


def test_models_built_without_data_in_a_fake_mode():
    with FakeTensorMode():
        empty = Scaled()
    step = gopt.capture(empty, torch.randn(2, 4))
    model, x = Scaled(), torch.randn(2, 4)
    (loss,), _ = step.interpret(model, x)
    torch.testing.assert_close(loss, model(x).detach())
