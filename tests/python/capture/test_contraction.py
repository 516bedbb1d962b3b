"""Views, slices and expanded tensors become ports with the right bytes."""

import torch
from graph_view import one, operand_bytes, operand_names, ops
from torch import nn

import gopt
from gopt.capture import contract


class Function(nn.Module):
    """A function of an input and a weight [4, 6] as a module."""

    def __init__(self, function):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 6))
        self.function = function

    def forward(self, x):
        return self.function(x, self.weight)


def forward_graph(function, *shape):
    return gopt.capture(Function(function), torch.randn(*shape), train=False).graph


def test_no_view_is_an_op():
    graph = forward_graph(lambda x, w: (x.view(4, 6).t().unsqueeze(0)[0] @ w).exp().flatten(), 24)
    assert [op.type for op in ops(graph, kind="compute")] == ["matmul", "exp"]


def test_a_whole_storage_view_is_its_producers_port():
    graph = forward_graph(lambda x, w: x.exp().t().reshape(24).sin(), 6, 4)
    exp, sine = one(graph, type="exp"), one(graph, type="sin")
    clones = ops(graph, type="copy")  # reshape of a transposed tensor copies
    assert operand_names(graph, clones[0]) == [exp.name]
    assert len(exp.ports) == 1
    assert operand_bytes(graph, sine) == [24 * 4]


def test_a_slice_is_a_port_of_its_own_on_the_same_storage():
    graph = forward_graph(lambda x, w: torch.cat([x.exp()[:, 2:3].sin(), w.exp()[:, :1]], 1), 4, 6)
    exp = ops(graph, type="exp")[0]
    whole, part = (graph.port(port) for port in exp.ports)
    assert (whole.bytes, part.bytes) == (24 * 4, 4 * 4)
    assert whole.storage == part.storage
    assert part.shape == (4, 1)
    assert operand_bytes(graph, one(graph, type="sin")) == [4 * 4]


def test_equal_slices_share_a_port_and_transposing_does_not_matter():
    graph = forward_graph(lambda x, w: (x.exp()[1:3].sin(), x.exp()[1:3].t().cos()), 4, 6)
    for exp in ops(graph, type="exp"):
        assert len(exp.ports) == 2

    def twice(x, w):
        y = x.exp()
        return y[1:3].sin(), y[1:3].t().cos()

    assert len(one(forward_graph(twice, 4, 6), type="exp").ports) == 2


def test_split_parts_and_getitem_are_contracted():
    graph = forward_graph(lambda x, w: [part.sin() for part in x.exp().split(2)], 4, 6)
    exp = one(graph, type="exp")
    assert [graph.port(port).bytes for port in exp.ports] == [96, 48, 48]
    assert [operand_bytes(graph, op) for op in ops(graph, type="sin")] == [[48], [48]]


def test_the_gates_of_an_lstm_cell_are_slices():
    step = gopt.capture(nn.LSTMCell(3, 5), torch.randn(2, 3), train=False)
    gates = one(step.graph, type="sigmoid", name="sigmoid")
    (port,) = map(step.graph.port, gates.operands)
    assert step.graph.op(port.producer).type == "add"
    assert (port.bytes, port.storage_bytes) == (2 * 5 * 4, 2 * 20 * 4)
    offsets = {
        node.meta["val"].storage_offset()
        for node in step.nodes[port.producer]
        if node.name.startswith("getitem")
    }
    assert offsets == {0, 5, 10, 15}


def test_an_expanded_tensor_counts_what_is_stored():
    graph = forward_graph(lambda x, w: x.exp().expand(1000, 6).sin(), 6)
    sine = one(graph, type="sin")
    assert operand_bytes(graph, sine) == [6 * 4]
    assert sine.bytes_read == 6 * 4
    assert sine.bytes_written == 1000 * 6 * 4
    assert sine.fusion_class == "broadcast"


def test_overlapping_windows_count_each_byte_once():
    windows = torch.arange(10.0).unfold(0, 4, 1)
    assert windows.numel() == 28
    assert contract.region_of(windows).nbytes == 40


def test_regions_ignore_transposition_and_see_offsets():
    base = torch.empty(4, 6)
    assert contract.region_of(base) == contract.region_of(base.t())
    assert contract.region_of(base) == contract.region_of(base.view(2, 2, 6))
    assert contract.region_of(base[1:]) != contract.region_of(base[:3])
    assert contract.region_of(base[:, :3]).nbytes == 48
    assert contract.region_of(base[:0]).nbytes == 0


def test_a_slice_of_a_parameter_reads_part_of_its_one_port():
    graph = forward_graph(lambda x, w: x + w[:2], 2, 6)
    add = one(graph, type="add")
    assert operand_bytes(graph, add) == [48, 96]  # the port is the whole parameter
    assert add.bytes_read == 48 + 48


def test_a_tensor_read_twice_is_counted_once():
    graph = forward_graph(lambda x, w: x * x, 4, 6)
    product = one(graph, type="multiply")
    assert len(product.operands) == 2
    assert product.bytes_read == 96


def test_an_embedding_reads_the_rows_it_gives():
    model = nn.Embedding(1000, 8)
    graph = gopt.capture(model, torch.tensor([1, 2]), train=False).graph
    op = one(graph, type="embedding")
    assert op.bytes_read == 2 * 8 * 4 + 2 * 8
    assert op.fusion_class == "data_movement"


def test_ops_keep_the_names_of_the_fx_nodes_they_stand_for():
    step = gopt.capture(Function(lambda x, w: (x @ w.t()).relu()), torch.randn(2, 6), train=False)
    call = [n for n in step.graph_module.graph.nodes if n.op != "output"]
    stood_for = [name for i in range(len(step.graph)) for name in step.graph.op(i).ungroup]
    assert sorted(stood_for) == sorted(node.name for node in call)
    for node in call:
        assert node in step.nodes[step.op_of(node)]
    assert step.graph.op(step.parameters["weight"]).name == "weight"
