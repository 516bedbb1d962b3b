"""Fusion classes are exact or, in doubt, opaque."""

import torch
from graph_view import one, ops
from torch import nn

import gopt


def classes(function, *shapes, type_):
    class Function(nn.Module):
        def forward(self, *tensors):
            return function(*tensors)

    inputs = tuple(torch.randn(*shape) for shape in shapes)
    graph = gopt.capture(Function(), inputs, train=False).graph
    return [op.fusion_class for op in ops(graph, type=type_)]


def test_elementwise_only_where_shapes_are_equal():
    assert classes(torch.add, (4, 6), (4, 6), type_="add") == ["elementwise"]
    assert classes(torch.add, (4, 6), (6,), type_="add") == ["broadcast"]
    assert classes(torch.add, (4, 6), (1, 1), type_="add") == ["broadcast"]
    assert classes(lambda x: x.add(1), (4, 6), type_="add") == ["elementwise"]


def test_an_operand_in_another_order_is_opaque():
    assert classes(lambda x, y: x + y.t(), (4, 6), (6, 4), type_="add") == ["opaque"]
    # Both transposed: the same order after all.
    assert classes(lambda x, y: x.t() + y.t(), (6, 4), (6, 4), type_="add") == ["elementwise"]


def test_reductions():
    assert classes(lambda x: x.sum(-1), (4, 6), type_="sum") == ["reduction"]
    assert classes(lambda x: x.sum(0), (4, 6), type_="sum") == ["reduction"]
    # From the shapes this could be along the rows, and it is not.
    assert classes(lambda x: x.sum(0), (6, 6), type_="sum") == ["opaque"]
    assert classes(lambda x: x.exp().view(6, 6).sum(0, True), (1, 6, 6), type_="sum") == ["opaque"]
    assert classes(lambda x: x.softmax(-1), (4, 6), type_="softmax") == ["reduction"]
    assert classes(lambda x: x.softmax(0), (4, 6), type_="softmax") == ["opaque"]


def test_data_movement_and_the_rest():
    assert classes(lambda x, y: torch.cat([x, y]), (2, 3), (2, 3), type_="concatenate") == [
        "data_movement"
    ]
    assert classes(lambda x: x.clone(), (4, 6), type_="copy") == ["data_movement"]
    assert classes(lambda x: x.t().contiguous(), (4, 6), type_="copy") == ["opaque"]
    assert classes(lambda x: x.flip(0), (4, 6), type_="flip") == ["opaque"]  # equal element count
    assert classes(lambda x: x.sort().values, (4, 6), type_="sort") == ["opaque"]
    assert classes(torch.mm, (4, 6), (6, 2), type_="matmul") == ["contraction"]


def test_a_product_has_the_shape_of_its_elementwise_reader():
    model = nn.Sequential(nn.Linear(6, 8), nn.GELU())
    graph = gopt.capture(model, torch.randn(2, 3, 6), train=False).graph
    shapes = [graph.port(op.ports[0]).shape for op in ops(graph, kind="compute")]
    assert shapes == [(2, 3, 8), (2, 3, 8)]  # ATen's addmm gives [6, 8]
    # Read in two shapes: as ATen has it.
    both = classes_and_shapes(lambda x: ((y := x.mm(x)).sin(), y.view(2, 2, 4).cos()), (4, 4))
    assert both["matmul"] == (4, 4)


def classes_and_shapes(function, *shapes):
    class Function(nn.Module):
        def forward(self, *tensors):
            return function(*tensors)

    inputs = tuple(torch.randn(*shape) for shape in shapes)
    graph = gopt.capture(Function(), inputs, train=False).graph
    return {op.type: graph.port(op.ports[0]).shape for op in ops(graph, kind="compute")}


def test_unknown_arithmetic_is_minus_one():
    class Determinant(nn.Module):
        def forward(self, x):
            return torch.linalg.det(x)

    graph = gopt.capture(Determinant(), torch.randn(5, 5), train=False).graph
    assert one(graph, type="linalg_det").flops == -1
