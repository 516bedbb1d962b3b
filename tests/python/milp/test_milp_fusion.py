"""Exact fusion: equal to the best of all partitions, never beaten, honest about its bound."""

import itertools
import random

import pytest

import gopt

pytest.importorskip("highspy", reason="the extra gopt[milp] is not installed")

MACHINE = gopt.Machine.uniform(1, launch=40, peak_flops=1e12, memory_bandwidth=1e9)
ELEMENTWISE = ("relu", "exp", "add", "mul")


def random_graph(seed: int, ops: int) -> gopt.Graph:
    """Ops of all fusion classes, each reading one to three of those before it."""
    rng = random.Random(seed)
    statements = ["x:input[bytes=64,dims=4x4]"]
    for i in range(ops):
        kind = rng.choice((*ELEMENTWISE, *ELEMENTWISE, "matmul", "softmax", "reshape", "unique"))
        name = f"v{i}"
        statements.append(f"{name}:{kind}[flops={rng.randrange(4000)},bytes=64,dims=4x4]")
        before = ["x", *(f"v{j}" for j in range(i))]
        for source in sorted({rng.choice(before[-4:]) for _ in range(rng.randrange(1, 4))}):
            statements.append(f"{source} -> {name}")
        if i > 1 and rng.random() < 0.2:
            statements.append(f"v{rng.randrange(i)} => {name}")
    statements.append(f"v{ops - 1} -> y:output")
    return gopt.parse_graph("; ".join(statements))


def partitions(items: list[int]):
    """All ways to put the items into groups."""
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for others in partitions(rest):
        yield [[first], *others]
        for i, group in enumerate(others):
            yield [*others[:i], [first, *group], *others[i + 1 :]]


def best_of_all(problem: gopt.Problem) -> int:
    """Step time of the fastest legal plan on one device, by pricing every partition."""
    graph = problem.graph
    legal: dict[tuple[int, ...], bool] = {}
    best = None
    for groups in partitions(graph.kernel_ops):
        for group in map(tuple, groups):
            if group not in legal:
                legal[group] = not gopt.fusion_error(graph, list(group), problem.fusion_limits)
        if not all(legal[tuple(group)] for group in groups):
            continue
        plan = gopt.Plan(gopt.Kernels(graph, groups))
        try:
            problem.validate(plan)
        except gopt.InvalidArgumentError:
            continue
        report = gopt.evaluate(
            problem, plan, timeline=False, start_order=False, critical_chain=False
        )
        assert report.ok
        best = report.step_time if best is None else min(best, report.step_time)
    return best


@pytest.mark.parametrize("seed", range(24))
def test_equals_the_best_of_all_partitions(seed):
    problem = gopt.Problem(random_graph(seed, 4 + seed % 5), MACHINE, fusion=True)
    found = gopt.milp.fuse(problem)
    assert found.optimal
    assert found.kernel_time_ns == found.report.step_time == best_of_all(problem)


def test_equals_the_best_of_all_partitions_under_tight_caps():
    limits = gopt.FusionLimits(max_ops=3, max_operands=2, on_chip_bytes=32)
    for seed in range(8):
        problem = gopt.Problem(random_graph(seed, 7), MACHINE, fusion=True, fusion_limits=limits)
        assert gopt.milp.fuse(problem).kernel_time_ns == best_of_all(problem)


# Two pairs of which each alone is a legal kernel, and which together wait for each other.
CROSSED = (
    "a:relu[bytes=64,dims=4x4] -> p:exp[bytes=64,dims=4x4] -> y:output;"
    "b:relu[bytes=64,dims=4x4] -> q:exp[bytes=64,dims=4x4] -> z:output; a => q; b => p"
)


def test_kernels_that_wait_for_each_other_are_not_chosen_together():
    problem = gopt.Problem(gopt.parse_graph(CROSSED), MACHINE, fusion=True)
    found = gopt.milp.fuse(problem)
    assert found.rounds > 1, "the first answer holds the cycle"
    assert len(found.plan.kernels) == 3
    assert found.optimal and found.kernel_time_ns == best_of_all(problem)


def test_many_crossed_pairs_need_few_rounds():
    """Each of the rows waits for its neighbours: every second one may be a kernel."""
    rows = 8
    text = [
        f"a{i}:relu[bytes=64,dims=4x4] -> p{i}:exp[bytes=64,dims=4x4] -> y{i}:output"
        for i in range(rows)
    ]
    text += [f"a{i} => p{i + 1}; a{i + 1} => p{i}" for i in range(rows - 1)]
    found = gopt.milp.fuse(gopt.Problem(gopt.parse_graph(";".join(text)), MACHINE, fusion=True))
    assert found.optimal and len(found.plan.kernels) == 2 * rows - rows // 2
    assert found.rounds <= 4


def test_ops_stay_on_their_devices_and_in_their_order():
    graph = gopt.parse_graph("a:relu[dims=4,bytes=16] -> b:exp -> c:relu -> d:exp; d -> y:output")
    kernels = gopt.Kernels.singletons(graph)
    base = gopt.Plan(kernels, device=[0, 0, 1, 1], rank=[3, 5, 1, 2], dispatch="FIFO")
    problem = gopt.Problem(graph, gopt.Machine.uniform(2, launch=40), fusion=True, base_plan=base)
    plan = gopt.milp.fuse(problem).plan
    assert list(plan.kernels) == [[0, 1], [2, 3]]
    assert (plan.device, plan.rank, plan.dispatch) == ([0, 1], [3, 1], "FIFO")


def test_ops_that_must_never_fuse_stay_alone():
    graph = gopt.parse_graph("a:relu[dims=4,bytes=16] -> b:exp -> c:relu -> d:exp; d -> y:output")
    constraints = gopt.Constraints()
    constraints.never_fuse([1])
    plan = gopt.milp.fuse(gopt.Problem(graph, MACHINE, constraints, fusion=True)).plan
    assert list(plan.kernels) == [[0], [1], [2, 3]]


def test_without_time_every_op_is_alone_and_the_bound_says_so():
    problem = gopt.Problem(random_graph(0, 8), MACHINE, fusion=True)
    found = gopt.milp.fuse(problem, gopt.milp.FusionOptions(seconds=0.0))
    assert len(found.plan.kernels) == 8
    assert not found.optimal and found.bound_ns <= gopt.milp.fuse(problem).kernel_time_ns


def test_the_same_plan_every_time():
    problem = gopt.Problem(random_graph(3, 8), MACHINE, fusion=True)
    first, second = gopt.milp.fuse(problem), gopt.milp.fuse(problem)
    assert list(first.plan.kernels) == list(second.plan.kernels)


def test_too_large_names_limit_and_count():
    problem = gopt.Problem(random_graph(1, 8), MACHINE, fusion=True)
    with pytest.raises(gopt.ResourceExhaustedError, match=r"8 ops in kernels, at most 5"):
        gopt.milp.fuse(problem, gopt.milp.FusionOptions(max_ops=5))
    chain = " -> ".join(f"a{i}:relu[dims=4,bytes=16]" for i in range(20))
    problem = gopt.Problem(gopt.parse_graph(chain), MACHINE, fusion=True)
    with pytest.raises(gopt.ResourceExhaustedError, match=r"more than 50 convex groups"):
        gopt.milp.fuse(problem, gopt.milp.FusionOptions(max_groups=50))


def test_what_it_cannot_decide_is_refused():
    graph = random_graph(1, 4)
    with pytest.raises(gopt.FailedPreconditionError, match="fusion is closed"):
        gopt.milp.fuse(gopt.Problem(graph, MACHINE))
    with pytest.raises(gopt.FailedPreconditionError, match="needs a placement"):
        gopt.milp.fuse(gopt.Problem(graph, gopt.Machine.uniform(2), fusion=True))


def test_no_pair_of_its_kernels_can_be_fused_for_less():
    problem = gopt.Problem(random_graph(11, 16), MACHINE, fusion=True)
    found = gopt.milp.fuse(problem)
    groups = list(found.plan.kernels)
    for i, j in itertools.combinations(range(len(groups)), 2):
        merged = [g for k, g in enumerate(groups) if k not in (i, j)]
        merged.append(sorted(groups[i] + groups[j]))
        if gopt.fusion_error(problem.graph, merged[-1], problem.fusion_limits):
            continue
        plan = gopt.Plan(gopt.Kernels(problem.graph, merged))
        try:
            problem.validate(plan)
        except gopt.InvalidArgumentError:
            continue
        assert gopt.evaluate(problem, plan).step_time >= found.kernel_time_ns


BLOCKS = {
    "transformer": ("TransformerEncoderLayer", {"d_model": 32, "nhead": 4, "batch_first": True}),
    "recurrent": ("RNNCell", {"input_size": 16, "hidden_size": 16}),
    "normalised": ("LayerNorm", {"normalized_shape": 32}),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_no_solver_beats_it_on_training_steps(name):
    torch = pytest.importorskip("torch")
    kind, arguments = BLOCKS[name]
    rows = torch.rand(8, 16) if name == "recurrent" else torch.rand(2, 8, 32)
    module = getattr(torch.nn, kind)(**arguments)
    graph = gopt.capture(module, (rows,), loss=lambda result: result.square().mean()).graph
    problem = gopt.Problem(graph, gopt.Machine.preset("p100x1"), fusion=True)
    exact = gopt.milp.fuse(problem)
    fusers = [f"fuse(by={by})" for by in ("none", "default", "bytes", "queue")]
    solvers = (*fusers, "hill_climb", "anneal")
    table = gopt.compare(problem, solvers=solvers, evaluations=200)
    assert exact.optimal and len(exact.plan.kernels) < len(graph.kernel_ops)
    assert all(row.step_time_ns >= exact.kernel_time_ns for row in table), str(table)
