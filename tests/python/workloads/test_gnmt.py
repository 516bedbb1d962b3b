"""GNMT."""

import pytest
import torch
from graph_view import ops
from properties import captured, elements, native_counts, sums_of_gradient

from gopt import workloads
from gopt.workloads.gnmt import Attention

SOURCE, TARGET = 4, 3  # words of the small form


@pytest.fixture
def step():
    return captured("gnmt-small")


@pytest.mark.parametrize(
    ("name", "millions"), [("gnmt2", 155), ("gnmt4", 197), ("gnmt8", 281), ("gnmt8_80", 281)]
)
def test_size(name, millions):
    assert elements(workloads.make(name).model) == pytest.approx(millions * 1e6, rel=0.02)


@pytest.mark.parametrize(
    ("scope", "steps"),
    [
        *((f"encoder.{layer}", SOURCE) for layer in ("forwards", "backwards", "second", "upper.0")),
        *((f"decoder.{layer}", TARGET) for layer in range(3)),
    ],
)
def test_all_steps_of_a_layer_have_its_scope_forward_and_backward(step, scope, steps):
    assert native_counts(step, scope, "forward")["mm"] == steps
    assert native_counts(step, scope, "forward")["sigmoid"] == 3 * steps
    assert native_counts(step, scope, "backward")["mm"] == 2 * steps
    assert native_counts(step, scope, "backward")["sigmoid_backward"] == 3 * steps
    assert len(sums_of_gradient(step, f"{scope}.weight")) == steps - 1


def test_residual_connections_start_at_the_third_layer(step):
    for scope, adds in (("encoder.second", 2), ("encoder.upper.0", 3)):
        assert native_counts(step, scope, "forward")["add"] == adds * SOURCE
    for scope, adds in (("decoder.1", 2), ("decoder.2", 3)):
        assert native_counts(step, scope, "forward")["add"] == adds * TARGET


def test_the_first_layer_reads_both_ways():
    encoder = workloads.make("gnmt-small", device="cpu", layers=2).model.encoder
    words = torch.randint(50, (1, SOURCE))
    last = encoder(words)[0, -1]
    words[0, 0] += 1
    first = encoder(words)
    assert not torch.equal(first[0, -1], last)  # forwards
    words[0, -1] += 1
    assert not torch.equal(encoder(words)[0, 0], first[0, 0])  # backwards


def test_attention_weighs_what_it_remembers():
    attention = Attention(16)
    memory = torch.randn(2, 1, 16).expand(2, 7, 16)  # the same at every source word
    context = attention(torch.randn(2, 16), attention.key(memory), memory)
    torch.testing.assert_close(context, memory[:, 0])


def test_the_attention_asks_with_the_bottom_layers_last_output(step):
    graph = step.graph
    reads = {}
    for product in ops(graph, type="matmul", phase="forward", scope="attention.query"):
        makers = [graph.op(graph.port(port).producer) for port in product.operands]
        reads[product.name] = {op.scope for op in makers} - {"attention.query"}
    assert sorted(map(sorted, reads.values())) == [["Gnmt"], *[["decoder.0"]] * (TARGET - 1)]


def test_every_decoder_layer_reads_the_context(step):
    graph = step.graph
    contexts = [op for op in ops(graph, phase="forward", scope="attention") if "bmm" in op.native]
    assert len(contexts) == TARGET
    for context in contexts:
        readers = {
            graph.op(op).scope for op in context.successors if graph.op(op).phase == "forward"
        }
        assert readers == {"decoder.0", "decoder.1", "decoder.2"}


def test_one_layer_is_refused():
    with pytest.raises(ValueError, match="layers is 1; GNMT has at least 2"):
        workloads.make("gnmt2", layers=1)
