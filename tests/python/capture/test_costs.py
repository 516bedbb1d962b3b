"""Arithmetic and bytes of ops whose cost does not follow from the number of elements."""

import pytest
import torch
from graph_view import one
from torch import nn

import gopt
from gopt.capture.op_table import TABLE


class Function(nn.Module):
    """A function of an input and a weight [8, 4]."""

    def __init__(self, function):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 4))
        self.function = function

    def forward(self, x):
        return self.function(x, self.weight)


def captured(function, x, type_, train=False):
    loss = (lambda y: y.sum()) if train else None
    graph = gopt.capture(Function(function), x, loss, train=train).graph
    return one(graph, type=type_)


def test_every_row_is_an_operator_of_torch():
    aten = [name.removeprefix("aten::") for name in TABLE if name.startswith("aten::")]
    assert [name for name in aten if not hasattr(torch.ops.aten, name)] == []


@pytest.mark.parametrize(
    ("function", "type_", "flops"),
    [
        (lambda x, w: w.sort(0)[0], "sort", 32 * 3),
        (lambda x, w: w.sort(dim=1, stable=True)[0], "sort", 32 * 2),
        (lambda x, w: w.topk(2)[0], "topk", 32 * 1),
        (lambda x, w: w.topk(5, 0)[0], "topk", 32 * 3),
        (lambda x, w: torch.searchsorted(w.detach(), w), "search", 32 * 2),
        (lambda x, w: torch.bucketize(w, torch.arange(16.0)), "search", 32 * 4),
        (lambda x, w: torch.fft.fft(w, dim=0).real, "fourier", 5 * 32 * 3),
        (lambda x, w: torch.fft.fft2(w.to(torch.complex64)).real, "fourier", 5 * 32 * 5),
    ],
)
def test_arithmetic_grows_with_the_depth_of_a_tree(function, type_, flops):
    op = captured(function, torch.randn(1), type_)
    assert op.flops == flops
    assert op.fusion_class == "opaque"


def test_a_bag_of_embeddings_reads_and_adds_the_rows_it_looks_up():
    rows = torch.tensor([[1, 5, 1], [0, 2, 3]])
    table = nn.EmbeddingBag(1000, 4, mode="sum")
    graph = gopt.capture(table, rows, lambda y: y.sum()).graph
    forward = one(graph, type="embedding_bag")
    assert forward.flops == 6 * 4
    assert forward.bytes_read == 6 * 4 * 4 + 6 * 8 + 2 * 8  # rows, indices, offsets
    backward = one(graph, type="embedding_bag_backward")
    assert backward.flops == 6 * 4
    assert backward.bytes_written == 1000 * 4 * 4


def test_a_mask_may_choose_where_a_learned_vector_goes():
    def masked(x, w):
        y = x.clone()
        y[x[..., 0] > 0] = w[0]
        return y * w[1]

    model, x = Function(masked), torch.randn(5, 3, 4)
    step = gopt.capture(model, x, lambda y: y.square().sum())
    assert one(step.graph, type="select", phase="forward")
    _, gradients = step.interpret(model, x)
    model(x).square().sum().backward()
    torch.testing.assert_close(gradients["weight"], model.weight.grad)


def test_rows_for_each_one_of_a_mask_have_no_fixed_shape():
    def scattered(x, w):
        y = x.clone()
        y[x > 0] = w[0].repeat(3)[:8]
        return y

    with pytest.raises(gopt.CaptureError, match="a shape that depends on data"):
        gopt.capture(Function(scattered), torch.ones(8), lambda y: y.sum())
