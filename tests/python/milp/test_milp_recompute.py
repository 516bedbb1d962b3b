"""Exact recomputation: equal to the best of all plans, in the bytes and the time it says."""

import itertools
import random

import pytest

import gopt

pytest.importorskip("highspy", reason="the extra gopt[milp] is not installed")

MACHINE = gopt.Machine.uniform(1)


def training_graph(seed: int, depth: int) -> gopt.Graph:
    """Forward ops, and a backward op for each, in reverse, which reads the gradient and some
    activations."""
    rng = random.Random(seed)

    def op(name: str, phase: str) -> str:
        size = rng.randrange(5, 20) if phase == "f" else rng.randrange(1, 4)
        scratch = rng.choice((0, 0, 7))
        time = rng.randrange(1, 9)
        return f"{name}[time={time},bytes={size},scratch={scratch},phase={phase}]"

    text = ["w:parameter[bytes=3,copies=1] -> f0", "x:input -> f0"]
    text += [op(f"f{i}", "f") for i in range(depth)] + [op(f"b{i}", "b") for i in range(depth)]
    for i in range(1, depth):
        sources = {i - 1, rng.randrange(i)}
        text += [f"f{j} -> f{i}" for j in sorted(sources)]
        text.append(f"b{i} -> b{i - 1}")
    for i in range(depth):
        text += [f"f{j} -> b{i}" for j in sorted({rng.randrange(depth), max(0, i - 1)})]
    text.append(f"f{depth - 1} -> b{depth - 1}")
    if depth > 2 and rng.random() < 0.4:
        text.append("f1 => b0; f0 => f2")
    if rng.random() < 0.4:
        text.append("f1 -> y:output")
    return gopt.parse_graph("; ".join(text) + "; b0 -> g:output")


def all_plans(problem: gopt.Problem) -> list[tuple[int, int]]:
    """(step time, peak) of every legal plan: the kernels in op order, each forward op that is no
    output run again nowhere or before any of them, with or without its first copy; between two
    kernels copies are in op order."""
    graph = problem.graph
    order = graph.kernel_ops
    outputs = {
        graph.port(port).producer for port in range(graph.num_ports) if graph.port(port).is_output
    }
    forward = [op for op in order if graph.op(op).phase == "forward" and op not in outputs]
    places = [[None, *range(order.index(op) + 1, len(order))] for op in forward]
    found = []
    for chosen in itertools.product(*places):
        again = sorted((t, op) for op, t in zip(forward, chosen, strict=True) if t is not None)
        copied = [op for _, op in again]
        for count in range(len(copied) + 1):
            for dropped in itertools.combinations(copied, count):
                firsts = [op for op in order if op not in dropped]
                plan = with_copies(graph, order, firsts, again)
                try:
                    problem.validate(plan)
                except gopt.InvalidArgumentError:
                    continue
                report = gopt.evaluate(
                    problem, plan, timeline=False, start_order=False, critical_chain=False
                )
                found.append((report.step_time, report.peak_bytes[0]))
    return found


def with_copies(
    graph: gopt.Graph, order: list[int], firsts: list[int], again: list[tuple[int, int]]
) -> gopt.Plan:
    """The ops of `firsts` in this order, with copies (place, op) in between."""
    kernels = gopt.Kernels(
        graph,
        [[op] for op in firsts] + [[op] for _, op in again],
        recompute=[False] * len(firsts) + [True] * len(again),
        recomputed_ops=sorted(op for _, op in again),
    )
    sequence = []
    for place, op in enumerate(order):
        sequence += [len(firsts) + k for k, (t, _) in enumerate(again) if t == place]
        sequence += [firsts.index(op)] if op in firsts else []
    return gopt.Plan(kernels, dispatch="SEQUENCE", sequence=sequence)


@pytest.mark.parametrize("seed", range(10))
def test_equals_the_best_of_all_plans_at_every_limit(seed):
    problem = gopt.Problem(training_graph(seed, 4), MACHINE)
    plans = all_plans(problem)
    peaks = sorted({peak for _, peak in plans})
    for limit in peaks:
        best = min(time for time, peak in plans if peak <= limit)
        found = gopt.milp.recompute(problem, limit)
        assert found.optimal
        assert found.step_time_ns == best
        assert found.report.peak_bytes[0] <= limit
    with pytest.raises(gopt.ResourceExhaustedError, match="order of kernels needs more"):
        gopt.milp.recompute(problem, peaks[0] - 1)


def test_kernels_that_take_no_time_hold_no_bytes():
    graph = gopt.parse_graph(
        "x:input -> a[time=2,bytes=9]; a -> c[time=0,bytes=8] -> d[time=3,bytes=1];"
        "d -> e[time=1,bytes=1,phase=b]; c -> e; a -> g[time=0,bytes=1,phase=b]; e -> g -> y:output"
    )
    problem = gopt.Problem(graph, MACHINE)
    plans = all_plans(problem)
    for limit in sorted({peak for _, peak in plans}):
        best = min(time for time, peak in plans if peak <= limit)
        assert gopt.milp.recompute(problem, limit).step_time_ns == best


def test_chains_of_activations_are_recomputed_together():
    """The copy of b reads the copy of a: neither first copy waits for the backward pass."""
    graph = gopt.parse_graph(
        "x:input -> a[time=1,bytes=50] -> b[time=1,bytes=50] -> c[time=9,bytes=1]"
        " -> big[time=9,bytes=100] -> d[time=9,bytes=1,phase=b] -> e[time=9,bytes=1,phase=b];"
        "b -> e; e -> y:output"
    )
    problem = gopt.Problem(graph, MACHINE)
    found = gopt.milp.recompute(problem, 120)
    assert found.recomputed == [graph.find("a"), graph.find("b")]
    assert (
        found.report.step_time
        == gopt.evaluate(
            problem, with_copies(graph, graph.kernel_ops, graph.kernel_ops, [])
        ).step_time
        + 2
    )


def test_without_need_nothing_runs_again():
    problem = gopt.Problem(training_graph(0, 4), MACHINE)
    found = gopt.milp.recompute(problem)
    assert found.recomputed == [] and found.optimal
    assert list(found.plan.kernels) == list(problem.base_kernels)


def test_the_given_order_stands():
    problem = gopt.Problem(training_graph(1, 4), MACHINE)
    kernels = problem.base_kernels
    report = gopt.evaluate(problem, gopt.Plan(kernels, rank=list(range(len(kernels)))[::-1]))
    start = gopt.Plan(kernels, dispatch="SEQUENCE", sequence=report.start_order)
    found = gopt.milp.recompute(problem, options=gopt.milp.RecomputeOptions(start=start))
    assert [k for k in found.plan.sequence if k < len(kernels)] == report.start_order


def test_too_large_names_limit_and_count():
    problem = gopt.Problem(training_graph(0, 4), MACHINE)
    options = gopt.milp.RecomputeOptions(max_kernels=7)
    with pytest.raises(gopt.ResourceExhaustedError, match="8 kernels, at most 7"):
        gopt.milp.recompute(problem, options=options)
    options = gopt.milp.RecomputeOptions(max_places=1)
    with pytest.raises(gopt.ResourceExhaustedError, match=r"places .* at most 1 "):
        gopt.milp.recompute(problem, options=options)


def test_several_devices_are_refused():
    graph = training_graph(0, 3)
    problem = gopt.Problem(graph, gopt.Machine.uniform(2))
    kernels = gopt.Kernels.singletons(graph)
    start = gopt.Plan(kernels, device=[k % 2 for k in range(len(kernels))])
    with pytest.raises(gopt.FailedPreconditionError, match="one device"):
        gopt.milp.recompute(problem, options=gopt.milp.RecomputeOptions(start=start))


def test_what_draws_random_numbers_never_runs_again():
    text = (
        "x:input -> a:{}[time=1,bytes=50] -> b[time=9,bytes=1] -> big[time=9,bytes=100]"
        " -> d[time=9,bytes=1,phase=b] -> e[time=9,bytes=1,phase=b] -> y:output; a -> e"
    )
    relu = gopt.Problem(gopt.parse_graph(text.format("relu")), MACHINE)
    assert gopt.milp.recompute(relu, 120).recomputed == [1]
    dropout = gopt.Problem(gopt.parse_graph(text.format("dropout")), MACHINE)
    with pytest.raises(gopt.ResourceExhaustedError):
        gopt.milp.recompute(dropout, 120)


def test_the_solver_meets_a_limit_that_only_the_programs_order_meets():
    """Of an RNN cell, whose fastest orders end with the loss and so keep what it reads."""
    torch = pytest.importorskip("torch")
    cell, inputs = torch.nn.RNNCell(256, 256), (torch.randn(256, 256),)
    graph = gopt.capture(cell, inputs, loss=lambda state: state.square().mean()).graph
    problem = gopt.Problem(graph, gopt.Machine.from_spec("p100x1"))
    plain = gopt.evaluate(problem, gopt.Plan(problem.base_kernels))
    parameters = gopt.lower_bounds(problem).persistent_bytes
    limit = parameters + (plain.peak_bytes[0] - parameters) * 9 // 10
    exact = gopt.milp.recompute(problem, limit)
    found, kept_order = gopt.compare(
        problem,
        solvers=("recompute", "recompute(order=false)"),
        objective="step_time_under_limit",
        byte_limit=limit,
    ).rows
    assert not kept_order.ok
    assert found.ok
    assert found.step_time_ns <= exact.step_time_ns
