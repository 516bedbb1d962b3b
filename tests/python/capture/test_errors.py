"""What cannot be captured is named, with what to do about it."""

import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import gopt


class Wrong(nn.Module):
    """A linear layer followed by something that no graph can hold."""

    def __init__(self, function):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.function = function

    def forward(self, x):
        return self.function(self.linear(x))


def branch(y):
    if y.sum() > 0:
        y = y * 2
    return y.sum()


def loop(y):
    while y.max() > 1:
        y = y / 2
    return y.sum()


def item(y):
    return y.sum() * y.max().item()


def mask(y):
    return y[y > 0].sum()


def to_numpy(y):
    return y.sum() + float(np.sum(y.detach().numpy()))


def detached(y):
    return y.detach().sum()


def from_integers(y):
    return (y > 0).sum()


def cond(y):
    return torch.cond(y.sum() > 0, lambda y: y.sin(), lambda y: y.cos(), (y,)).sum()


def no_scalar(y):
    return y


def no_tensor(y):
    return "nothing"


def reentrant(y):
    return checkpoint(torch.tanh, y, use_reentrant=True).sum()


def crash(y):
    raise KeyError("a bug in the model")


@torch.library.custom_op("gopt_test::no_fake", mutates_args=())
def no_fake(x: torch.Tensor) -> torch.Tensor:
    return x.clone()


@pytest.mark.parametrize(
    ("function", "construct", "advice"),
    [
        (branch, "data-dependent control flow", "torch.where"),
        (loop, "data-dependent control flow", "torch.where"),
        (item, "value read in Python", "keep the value a tensor"),
        (mask, "shape that depends on data", "torch.where"),
        (to_numpy, "numpy", "torch operator"),
        (detached, "does not depend on any parameter", "detach"),
        (from_integers, "does not depend on any parameter", "integer"),
        (no_scalar, "a loss that is not one number", "pass loss="),
        (no_tensor, "a loss that is not one number", "pass loss="),
        (lambda y: no_fake(y).sum(), "without a fake", "register_fake"),
        (cond, "cond", "torch.where"),
        (reentrant, "reentrant activation checkpointing", "use_reentrant=False"),
        (crash, "the model", "check that model(*example_inputs)"),
    ],
)
def test_the_construct_is_named(function, construct, advice):
    with pytest.raises(gopt.CaptureError) as caught:
        gopt.capture(Wrong(function), torch.randn(2, 4))
    assert construct in caught.value.construct, str(caught.value)
    assert advice in caught.value.advice
    assert "What to do" in str(caught.value)
    assert isinstance(caught.value, gopt.GoptError)


def test_the_users_line_is_quoted():
    with pytest.raises(gopt.CaptureError, match=r"test_errors.py:\d+: if y.sum\(\) > 0:"):
        gopt.capture(Wrong(branch), torch.randn(2, 4))


def test_inputs_that_are_no_tensors():
    with pytest.raises(gopt.CaptureError, match=r"input0 is a numpy.ndarray.*(\n.*)*as_tensor"):
        gopt.capture(nn.Linear(4, 4), np.zeros((2, 4), dtype=np.float32), train=False)


def test_outputs_that_are_no_tensors():
    with pytest.raises(gopt.CaptureError, match="a non-tensor output"):
        gopt.capture(Wrong(lambda y: threading.Event()), torch.randn(2, 4), train=False)


def test_what_is_no_module():
    with pytest.raises(gopt.CaptureError, match=r"not a torch\.nn\.Module"):
        gopt.capture(lambda x: x, torch.randn(2))


def test_models_that_cannot_be_copied():
    model = nn.Linear(4, 4)
    model.lock = threading.Lock()
    with pytest.raises(gopt.CaptureError, match="cannot be copied"):
        gopt.capture(model, torch.randn(2, 4), train=False)


def test_inputs_written_in_place():
    with pytest.raises(gopt.CaptureError, match="an input that the model writes in place"):
        gopt.capture(WritesInput(), torch.randn(2, 4), train=False)


class WritesInput(nn.Module):
    def forward(self, x):
        x.add_(1)
        return x * 2


def test_unknown_optimizers():
    with pytest.raises(gopt.CaptureError, match="'lion'"):
        gopt.capture(nn.Linear(4, 1), torch.randn(1, 4), optimizer="lion")
    other = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    with pytest.raises(gopt.CaptureError, match="another model"):
        gopt.capture(nn.Linear(4, 1), torch.randn(1, 4), optimizer=other)


def test_training_without_parameters():
    with pytest.raises(gopt.CaptureError, match="no parameter requires a gradient"):
        gopt.capture(nn.ReLU(), torch.randn(4), loss=torch.sum)


def test_a_loss_for_inference():
    with pytest.raises(gopt.CaptureError, match="without training"):
        gopt.capture(nn.Linear(4, 1), torch.randn(1, 4), loss=torch.sum, train=False)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("make", "construct"),
    [
        (lambda: nn.DataParallel(nn.Linear(4, 1)), "a DataParallel"),
        (lambda: torch.jit.trace(nn.Linear(4, 1), torch.randn(1, 4)), "TorchScript"),
        (lambda: nn.Sequential(nn.LazyLinear(1)), "a lazy module"),
    ],
)
def test_modules_that_are_not_plain(make, construct):
    with pytest.raises(gopt.CaptureError, match=construct):
        gopt.capture(make(), torch.randn(1, 4))


def test_a_recipe_that_loses_the_backward_pass_says_so():
    with pytest.raises(gopt.CaptureError, match="backward pass that 'export' traced is empty"):
        gopt.capture(Wrong(reentrant), torch.randn(2, 4), recipes=("export",))
