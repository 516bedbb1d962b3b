"""Models that are trained today: published sizes, and what each is in the suite for."""

import pytest
import torch
from graph_view import one, ops

from gopt import workloads
from gopt.workloads.moe import MoeOptions, Router

# Numbers that others count for the published configuration, in millions.
PUBLISHED = {
    "llama": 1235.8,  # Llama 3.2 1B
    "vit": 86.6,  # ViT-B/16
    "unet": 35.7,  # DDPM, CIFAR-10
    "clip": 151.3,  # ViT-B/32
    "nasnet": 5.3,  # 4 @ 1056
}


def capture(name, **options):
    step = workloads.make(name, **options).capture()
    return step, step.graph


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name):
    model = workloads.make(name).model
    counted = sum(parameter.numel() for parameter in model.parameters())
    assert round(counted / 1e6, 1) == PUBLISHED[name]


def test_sizes_of_our_own():
    def count(name):
        return sum(parameter.numel() for parameter in workloads.make(name).model.parameters())

    assert round(count("moe") / 1e6) == 369
    assert round(count("dlrm") / 1e6) == 130


@pytest.mark.parametrize("name", ["llama", "moe", "vit", "unet", "clip"])
def test_every_micro_batch_reads_every_weight(name):
    step, graph = capture(f"{name}-small", micro_batches=2)
    for parameter, op in step.parameters.items():
        readers = {reader for port in graph.op(op).ports for reader in graph.port(port).readers}
        forward = [op for op in map(graph.op, readers) if op.phase == "forward"]
        assert len(forward) in ((1,) if parameter == "log_scale" else (2, 4)), parameter


@pytest.mark.parametrize("name", workloads.names("modern"))
def test_micro_batches_divide_the_batch(name):
    with pytest.raises(ValueError, match="is not a multiple of micro_batches 3"):
        workloads.make(f"{name}-small", micro_batches=3)


def test_experts_are_networks_of_their_own():
    _, graph = capture("moe-small", layers=2, experts=4, micro_batches=1)
    inner = [f"blocks.1.feed_forward.experts.{i}.0" for i in range(4)]
    products = [one(graph, type="matmul", scope=scope, phase="forward") for scope in inner]
    capacity = graph.port(products[0].ports[0]).shape[0]
    assert capacity == 40  # 1.25 x two of four experts for each of 64 tokens
    assert len({op.operands[0] for op in products}) == 4


def test_tokens_beyond_the_capacity_of_an_expert_are_dropped():
    options = MoeOptions(width=4, heads=2, experts=4, batch=1, sequence=8, micro_batches=1)
    router = Router(options)
    with torch.no_grad():
        router.scores.weight.copy_(torch.eye(4))
    weights, balance = router(torch.tensor([[3.0, 2.0, 0.0, 0.0]]).expand(8, 4))
    assert options.capacity == 5
    assert weights.count_nonzero(2).tolist() == [[1, 1, 0, 0]] * 5 + [[0, 0, 0, 0]] * 3
    torch.testing.assert_close(weights[:5].sum((1, 2)), torch.ones(5))
    assert balance > 1.2  # 1 were even


def test_skips_of_the_u_net_are_kept_for_the_way_up():
    _, graph = capture("unet-small", micro_batches=1)
    joins = [op for op in ops(graph, type="concatenate") if op.scope.startswith("up.")]
    forward = [op for op in joins if op.phase == "forward"]
    assert len(forward) == 4  # on each of two grids one more than there are blocks
    for op in forward:
        _, skip = (graph.op(graph.port(port).producer) for port in op.operands)
        assert skip.scope.startswith(("down.", "first"))


def test_every_image_is_compared_with_every_text():
    _, graph = capture("clip-small", batch=8, micro_batches=4)
    assert one(graph, type="matmul", scope="Clip", phase="forward").flops == 2 * 8 * 8 * 16


def test_a_table_is_read_once_and_its_gradient_is_as_large_as_the_table():
    step, graph = capture("dlrm-small", tables=4)
    for table in range(4):
        weight = graph.port(graph.op(step.parameters[f"tables.{table}.weight"]).ports[0])
        assert [graph.op(op).type for op in weight.readers] == ["embedding_bag", "sgd"]
        gradient = graph.port(graph.op(step.updates[f"tables.{table}.weight"]).operands[1])
        assert gradient.bytes == weight.bytes


def test_a_cell_of_nasnet_reads_the_two_before_it():
    model = workloads.make("nasnet").model
    assert [type(cell).__name__[0] for cell in model.cells] == list("RRNNNNRNNNNRNNNN")
    _, graph = capture("nasnet-small")
    scopes = {
        graph.op(graph.port(port).producer).scope.split(".")[1]
        for name in ("before", "now")
        for op in ops(graph, type="relu", scope=f"cells.3.{name}.0", phase="forward")
        for port in op.operands
    }
    assert scopes == {"1", "2"}
