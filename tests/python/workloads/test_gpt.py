"""The GPT-style decoder."""

from graph_view import ops

from gopt import workloads


def test_micro_batches_run_through_shared_weights():
    step = workloads.make("gpt-small", layers=1, micro_batches=4).capture()
    graph = step.graph
    assert len(ops(graph, type="attention")) == 4
    weight = graph.port(graph.op(step.parameters["blocks.0.attention.qkv.weight"]).ports[0])
    forward = [op for op in map(graph.op, weight.readers) if op.phase == "forward"]
    assert len(forward) == 4
    plain = workloads.make("gpt-small", layers=1, fused_attention=False).capture()
    assert len(ops(plain.graph, type="softmax")) == 2


def test_size():
    model = workloads.make("gpt").model
    assert round(sum(p.numel() for p in model.parameters()) / 1e6) == 184
