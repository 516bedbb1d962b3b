"""The small form of every model runs on data and is captured as what autograd computes."""

import pytest
import torch
from graph_view import one
from torch import nn

from gopt import workloads


@pytest.mark.parametrize("name", workloads.names("small"))
def test_captured_loss_and_gradients_equal_autograd(name):
    work = workloads.make(name, device="cpu")
    for module in work.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    step = work.capture()
    (loss,), gradients = step.interpret(work.model, work.example_inputs)
    wanted = work.model(*work.example_inputs)
    wanted.backward()
    torch.testing.assert_close(loss, wanted.detach())
    for parameter, tensor in work.model.named_parameters():
        torch.testing.assert_close(gradients[parameter], tensor.grad, rtol=1e-4, atol=1e-5)


def test_inference_of_a_workload():
    step = workloads.make("inception-small").capture(train=False)
    assert not step.train and one(step.graph, kind="output")
