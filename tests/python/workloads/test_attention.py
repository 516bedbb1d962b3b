"""How capture sees what attention models do with their tensors: share, slice, expand, contract."""

import pytest
import torch
from graph_view import one, operand_bytes, operand_names, ops
from properties import sums_of_gradient
from torch import nn

import gopt
from gopt import workloads

BATCH, LENGTH, WIDTH = 4, 16, 64  # of the small decoders


@pytest.fixture(scope="module")
def llama():
    """Two layers, 4 heads of 16 numbers that share 2 heads of keys and values, one micro-batch."""
    return workloads.make("llama-small", micro_batches=1).capture()


@pytest.fixture(scope="module")
def vit():
    return workloads.make("vit-small", layers=1, micro_batches=1).capture()


def port_of(step, parameter):
    (port,) = map(step.graph.port, step.graph.op(step.parameters[parameter]).ports)
    return port


@pytest.mark.parametrize("name", ["gpt-small", "llama-small", "moe-small"])
@pytest.mark.parametrize("parts", [1, 2])
def test_tied_embeddings_are_one_parameter_with_one_summed_gradient(name, parts):
    step = workloads.make(name, micro_batches=parts).capture()
    assert "head.weight" not in step.parameters
    port = port_of(step, "tokens.weight")
    readers = [(op.type, op.phase) for op in map(step.graph.op, port.readers)]
    assert readers.count(("embedding", "forward")) == parts
    assert readers.count(("matmul", "forward")) == parts
    assert readers.count(("matmul", "backward")) == parts  # gradient of what the head reads
    assert readers.count(("adam", "optimizer")) == 1
    assert port.optimizer_copies == 2
    sums = sums_of_gradient(step, "tokens.weight")
    assert len(sums) == 2 * parts - 1
    summed = {name for op in sums for name in operand_types(step.graph, op)}
    assert summed == {"embedding_backward", "matmul"} | ({"add"} if parts > 1 else set())


def operand_types(graph, op):
    return {graph.op(graph.port(port).producer).type for port in op.operands}


def test_a_packed_projection_is_read_in_slices(llama):
    graph = llama.graph
    product = one(graph, type="matmul", scope="blocks.0.attention.qkv", phase="forward")
    token = BATCH * LENGTH * 16 * 4  # bytes of one head
    whole, *parts = [graph.port(port) for port in product.ports]
    assert whole.bytes == 8 * token
    assert {port.storage for port in parts} == {whole.storage}
    turned, left, right, values = 6 * token, 3 * token, 3 * token, 2 * token
    assert sorted(port.bytes for port in parts) == sorted([turned, left, right, values])


def test_shared_keys_and_values_are_read_once_and_written_per_query_head(llama):
    copies = ops(llama.graph, type="copy", scope="blocks.1.attention", phase="forward")
    stored = BATCH * LENGTH * 2 * 16 * 4
    assert [(op.bytes_read, op.bytes_written) for op in copies] == [(stored, 2 * stored)] * 2
    assert [operand_bytes(llama.graph, op) for op in copies] == [[stored]] * 2


def test_gradients_of_shared_keys_and_values_are_summed_over_their_queries(llama):
    stored = BATCH * LENGTH * 2 * 16 * 4
    scope = {"type": "sum", "scope": "blocks.1.attention", "phase": "backward"}
    sums = ops(llama.graph, **scope)
    assert [(op.bytes_read, op.bytes_written) for op in sums] == [(2 * stored, stored)] * 2


def test_buffers_are_shared_by_all_layers(llama):
    graph = llama.graph
    for name in ("rotary.cos", "rotary.sin"):
        table = one(graph, name=name)
        assert table.kind == "constant"
        (port,) = map(graph.port, table.ports)
        readers = [graph.op(op).phase for op in port.readers]
        assert (readers.count("forward"), readers.count("backward")) == (2, 2)


def test_an_expanded_class_token_counts_what_is_stored(vit):
    graph = vit.graph
    tokens = one(graph, type="concatenate", scope="patches", phase="forward")
    patches = 4 * 4 * 32 * 4  # 4 images, 4 patches each, 32 numbers each
    assert operand_names(graph, tokens)[0] == "patches.classes"
    assert operand_bytes(graph, tokens)[0] == 32 * 4
    assert tokens.bytes_read == 32 * 4 + patches
    assert tokens.bytes_written == 4 * 32 * 4 + patches


def test_the_class_token_is_a_slice_of_what_the_last_norm_gives(vit):
    graph = vit.graph
    head = one(graph, type="matmul", scope="head", phase="forward")
    port = next(p for p in map(graph.port, head.operands) if not p.persistent)
    assert graph.op(port.producer).type == "layer_norm"
    assert (port.bytes, port.storage_bytes) == (4 * 32 * 4, 4 * 5 * 32 * 4)


@pytest.mark.parametrize(("name", "share"), [("gpt-small", 0.5), ("vit-small", 1.0)])
def test_causal_attention_counts_half_of_the_square(name, share):
    work = workloads.make(name, layers=1, micro_batches=1)
    sizes = work.model.options
    length = getattr(sizes, "sequence", 5)
    attention = one(work.capture().graph, type="attention")
    assert attention.flops == share * 4 * sizes.batch * length * length * sizes.width


def test_sums_written_as_einsum_are_matrix_products():
    graph = workloads.make("moe-small", micro_batches=1).capture().graph
    scope = "blocks.1.feed_forward"
    tokens, experts, capacity, width = BATCH * LENGTH, 4, 40, 32
    moved = ops(graph, scope=scope, phase="forward")
    products = [op for op in moved if op.fusion_class == "contraction"]
    assert [op.flops for op in products] == [2 * tokens * experts * capacity * width] * 2
    assert {op.type for op in moved} - {op.type for op in products} == {
        "compare",  # where something is sent
        "convert",
        "concatenate",  # results of the experts
        "copy",  # einsum puts what it sums over side by side
    }
    outer = ops(graph, type="multiply", scope=f"{scope}.router", phase="forward")
    assert [op.flops for op in outer].count(tokens * experts * capacity) == 2  # te,tc->tec


class CrossAttention(nn.Module):
    """torch's own attention, its three projections packed in one parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        return self.attention(x, memory, memory)[0].square().sum()


def test_a_slice_of_a_parameter_is_what_is_read_of_it():
    x, memory = torch.randn(2, 3, 8), torch.randn(2, 5, 8)
    step = gopt.capture(CrossAttention(), (x, memory), optimizer="adam")
    port = port_of(step, "attention.in_proj_weight")
    assert port.bytes == 3 * 8 * 8 * 4
    readers = [op for op in map(step.graph.op, port.readers) if op.phase == "forward"]
    query = x.nbytes + 8 * 8 * 4  # with the rows of the weight that it needs
    both = memory.nbytes + 16 * 8 * 4
    assert sorted(op.bytes_read for op in readers) == [query, both]
