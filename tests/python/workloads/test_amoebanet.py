"""AmoebaNet-D."""

import pytest
import torch
from graph_view import ops
from properties import captured, elements, native_counts, split_convolutions, sums_of_gradient
from torch import nn

from gopt import workloads
from gopt.workloads.amoebanet import NORMAL, REDUCTION, Cell


@pytest.fixture
def step():
    return captured("amoebanet-small")


def test_size_is_the_tables_and_with_208_filters_what_gpipe_published():
    assert elements(workloads.make("amoebanet").model) == pytest.approx(21e6, rel=0.02)
    assert elements(workloads.make("amoebanet", filters=208).model) == pytest.approx(82e6, rel=0.02)


def test_cells_are_three_stacks_between_reductions():
    model = workloads.make("amoebanet").model
    kinds = "".join("R" if cell.genotype is REDUCTION else "n" for cell in model.cells)
    assert kinds == "RR" + "R".join(["nnnnnn"] * 3)
    shapes = []
    for cell in model.cells:
        cell.register_forward_hook(lambda cell, inputs, output: shapes.append(output.shape[1:]))
    model(torch.empty(1, 3, 224, 224, device="meta"))
    assert [tuple(shapes[i]) for i in (0, 1, 2, 7, 8, 9, 15, 21)] == [
        (156, 56, 56),
        (312, 28, 28),
        *[(416, 28, 28)] * 2,
        (624, 14, 14),
        (832, 14, 14),
        (1248, 7, 7),
        (1664, 7, 7),
    ]


def test_a_normal_cell_adds_pairs_and_concatenates_what_nobody_else_reads():
    cell = Cell(NORMAL, 8, 8, 8, halved=False).eval()
    before, last = torch.randn(1, 8, 4, 4), torch.randn(1, 8, 4, 4)
    a, b = cell.last(last), before
    op = cell.operations
    c = op[0](b) + nn.functional.max_pool2d(b, 3, 1, 1)
    d = b + op[3](a)
    e = op[4](a) + op[5](a)
    f = nn.functional.max_pool2d(c, 3, 1, 1) + c
    g = nn.functional.avg_pool2d(b, 3, 1, 1, count_include_pad=False) + op[9](f)
    torch.testing.assert_close(cell(before, last), torch.cat([a, d, e, g], 1))


def test_gradients_of_a_convolution_are_ops_of_their_own(step):
    split = split_convolutions(step)
    modules = list(workloads.make("amoebanet-small").model.modules())
    assert len(split) == sum(isinstance(m, nn.Conv2d) for m in modules)
    assert [sorted(parts) for parts in split].count(["weight"]) == 1  # the stem: images need none
    assert [sorted(parts) for parts in split].count(["input", "weight"]) == len(split) - 1


def test_a_cells_ops_have_its_scope_forward_and_backward(step):
    cell = "cells.2.operations.3"  # 1x7 7x1: four convolutions
    for i in range(4):
        scope = f"{cell}.{i}.convolution"
        assert native_counts(step, scope, "forward") == {"convolution": 1}
        assert native_counts(step, scope, "backward") == {"convolution_backward": 2}


def test_micro_batches_run_through_shared_weights():
    step = workloads.make("amoebanet-small", micro_batches=2).capture()
    assert len(sums_of_gradient(step, "cells.2.operations.3.0.convolution.weight")) == 1
    stem = ops(step.graph, scope="stem.0", type="convolution")
    assert len(stem) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cells": 4}, "cells 4 is not a multiple of stacks 3"),
        ({"filters": 12}, "filters 12: the bottlenecks"),
        ({"size": 48}, "size 48: the sides are halved"),
        ({"micro_batches": 3}, "batch 2 is not a multiple of micro_batches 3"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        workloads.make("amoebanet-small", **options)
