"""Transformer-XL."""

import pytest
import torch
from graph_view import ops
from properties import captured, elements, sums_of_gradient

from gopt import workloads
from gopt.workloads.transformer_xl import RelativeAttention, TransformerXlOptions, _sines

SEGMENTS, LENGTH = 3, 4  # of the small form


@pytest.fixture
def step():
    return captured("txl-small")


@pytest.mark.parametrize(("name", "millions"), [("txl2", 40), ("txl4", 46), ("txl8", 60)])
def test_size(name, millions):
    assert elements(workloads.make(name).model) == pytest.approx(millions * 1e6, rel=0.02)


@pytest.mark.parametrize("remembered", [0, 3])
def test_attention_is_the_papers_sum_over_distances(remembered):
    options = TransformerXlOptions(width=8, heads=2, dropout=0.0)
    attention = RelativeAttention(options)
    torch.nn.init.normal_(attention.content_bias)
    torch.nn.init.normal_(attention.position_bias)
    length, keys = 4, 4 + remembered
    context, sines = torch.randn(1, keys, 8), _sines(keys, 8)
    found = attention(context[:, remembered:], context, sines)

    rows = []
    query = attention.query(context[0, remembered:]).view(length, 2, 4)
    key, value = (part.view(keys, 2, 4) for part in attention.key_value(context[0]).chunk(2, 1))
    place = attention.position(sines).view(keys, 2, 4)  # of distance keys - 1, ..., 0
    for i in range(length):
        now = remembered + i
        heads = []
        for h in range(2):
            u, v = attention.content_bias[h, 0], attention.position_bias[h, 0]
            scores = torch.stack(
                [
                    (query[i, h] + u) @ key[j, h]
                    + (query[i, h] + v) @ place[keys - 1 - (now - j), h]
                    for j in range(now + 1)
                ]
            )
            heads.append((scores / 2).softmax(0) @ value[: now + 1, h])
        rows.append(torch.cat(heads))
    torch.testing.assert_close(found[0], attention.project(torch.stack(rows)))


def test_a_segment_reads_the_one_before_and_sends_no_gradient_there():
    work = workloads.make("txl-small", device="cpu", dropout=0.0)
    model = work.model
    words = work.example_inputs[0]
    with_first = model.segment(words[:, :LENGTH], [None, None])[1]
    assert not any(memory.requires_grad for memory in with_first)
    second = model.segment(words[:, LENGTH : 2 * LENGTH], with_first)[0]
    alone = model.segment(words[:, LENGTH : 2 * LENGTH], [None, None])[0]
    assert not torch.allclose(second, alone)


def test_what_a_layer_remembers_is_what_it_read_and_costs_nothing(step):
    graph = step.graph
    joined = [
        op
        for op in ops(graph, phase="forward", scope="layers.1")
        if op.native.startswith("aten::cat")
    ]
    assert len(joined) == SEGMENTS - 1
    for cat in joined:  # of layers.0's outputs, one segment apart
        makers = [graph.op(graph.port(port).producer) for port in cat.operands]
        assert [maker.scope for maker in makers] == ["layers.0.norm2"] * 2


def test_segments_are_a_grid_and_no_chain(step):
    """Backward ops of a segment do not wait for those of a later one, but for shared gradients."""
    graph = step.graph
    gradients = ops(graph, phase="backward", type="embedding_backward")
    assert len(gradients) == SEGMENTS
    waits = [ancestors(graph, op) for op in gradients]
    for i, one in enumerate(gradients):
        assert all(one.id not in waits[j] for j in range(SEGMENTS) if j != i)
    losses = [op.id for op in ops(graph, phase="backward") if "nll_loss_backward" in op.native]
    assert sorted(len(waited & set(losses)) for waited in waits) == [1] * SEGMENTS


def ancestors(graph, op):
    seen, stack = set(), [op.id]
    while stack:
        for before in graph.op(stack.pop()).predecessors:
            if before not in seen:
                seen.add(before)
                stack.append(before)
    return seen


def test_gradients_of_the_segments_are_added_in_the_layer(step):
    for name in ("layers.0.attention.query.weight", "layers.1.feed_forward.0.weight"):
        adds = sums_of_gradient(step, name)
        assert len(adds) == SEGMENTS - 1
        assert {add.scope for add in adds} == {name.removesuffix(".weight")}


def test_odd_widths_and_heads_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="width 16 is not a multiple of heads 3"):
        workloads.make("txl-small", heads=3)
    with pytest.raises(ValueError, match="width 15 is odd"):
        workloads.make("txl-small", width=15, heads=3)
