"""gopt._gopt.GuidedProblem, and features as tensors."""

import copy
import pickle

import numpy as np
import pytest
import torch

import gopt
import gopt.workloads
from gopt import _gopt


@pytest.fixture(scope="module")
def problem() -> gopt.Problem:
    generated = gopt.workloads.synthetic("layered(ops=60,width=6,devices=3)")
    return gopt.Problem(generated.graph, generated.machine)


def test_features_are_of_the_documented_columns(problem):
    features = _gopt.problem_features(problem)
    ops = problem.graph.num_ops
    assert features["node"].shape == (ops, len(features["node_columns"]))
    assert features["edge"].shape == (len(features["edge_source"]), len(features["edge_columns"]))
    assert features["device"].shape == (3, len(features["device_columns"]))
    assert features["node"].dtype == torch.float32
    edges = torch.stack([features["edge_source"], features["edge_target"]]).T.tolist()
    graph = problem.graph
    wanted = [[p, op] for op in range(ops) for p in sorted(graph.op(op).predecessors)]
    assert edges == wanted
    kind = features["node_columns"].index("kind_compute")
    assert features["node"][:, kind].tolist() == [float(k == "compute") for k in graph.op_kinds]


def test_features_follow_the_reference(problem):
    single = gopt.Plan(problem.base_kernels)
    features = _gopt.problem_features(problem, single)
    kernels = features["kernel_device"]
    assert kernels.tolist() == [0] * len(problem.base_kernels)
    assert set(features["op_device"].tolist()) <= {-1, 0}
    costs = gopt.OpCosts(problem)
    wanted = [costs.op_times(d) for d in range(3)]
    in_kernel = [ops[0] for ops in problem.base_kernels]
    assert features["kernel_time"].tolist() == [[w[op] for w in wanted] for op in in_kernel]
    assert np.all(np.diff(np.argsort(-features["kernel_priority"].numpy())) == 1)  # By rank.


def test_features_are_copies(problem):
    guided = _gopt.GuidedProblem(problem)
    guided.features()["node"].fill_(7.0)
    assert guided.features()["node"].max() < 7.0


def test_a_decoded_plan_is_the_priced_one_where_nothing_is_completed(problem):
    guided = _gopt.GuidedProblem(problem)
    rng = np.random.default_rng(0)
    priority = rng.normal(size=len(guided.kernels))
    stickiness = rng.normal(size=guided.stickiness_size)
    device = rng.integers(0, 3, len(guided.kernels))
    for decoder in ("list", "direct", "list"):
        plan, report = guided.price(priority, stickiness, device, decoder)
        assert guided.decode(priority, stickiness, device, decoder) == plan
        assert report.step_time == gopt.evaluate(problem, plan).step_time
        order = np.argsort(-priority)
        assert [plan.rank[k] for k in order] == sorted(plan.rank)
    assert guided.price(device=device, decoder="direct")[0].device == list(device)


def test_what_is_wrong_is_named(problem):
    guided = _gopt.GuidedProblem(problem)
    with pytest.raises(gopt.InvalidArgumentError, match="3 entries of priority for"):
        guided.price([1, 2, 3])
    with pytest.raises(gopt.InvalidArgumentError, match="no decoder is named 'greedy'"):
        guided.decode(decoder="greedy")
    with pytest.raises(gopt.InvalidArgumentError, match="no reward is named 'linear'"):
        _gopt.RewardScale(guided, kind="linear")
    with pytest.raises(gopt.NotFoundError, match="simulater"):
        _gopt.GuidedProblem(problem, "simulater")
    tight = gopt.Problem(problem.graph, gopt.Machine.uniform(3, memory_bytes=1))
    with pytest.raises(gopt.ResourceExhaustedError):
        _gopt.GuidedProblem(tight)
    with pytest.raises(gopt.FailedPreconditionError, match="the reference plan: .*memory"):
        _gopt.problem_features(tight, gopt.Plan(problem.base_kernels))


def test_plans_are_equal_that_apply_the_same(problem):
    plan = gopt.Plan(problem.base_kernels, producer="a")
    same = gopt.Plan(gopt.Kernels.singletons(problem.graph), producer="b")
    assert plan == same
    same.device = [1] * len(same.device)
    assert plan != same
    assert plan != 3


def test_plans_are_copied_deeply_and_pickled():
    """As learners do to what an environment says of a step."""
    graph = gopt.parse_graph("a:matmul[time=5] -> b:relu[time=3]; a -> c:exp[time=4]")
    kernels = gopt.Kernels(graph, [[0], [0, 1], [2]])
    plan = gopt.Plan(
        kernels, device=[1, 1, 0], rank=[2, 1, 0], producer="me", metadata={"seed": "3"}
    )
    copied = copy.deepcopy({"plan": plan})["plan"]
    sent = pickle.loads(pickle.dumps(plan))
    for other in (copied, sent):
        assert other == plan
        assert (other.producer, other.metadata) == ("me", {"seed": "3"})
        assert list(other.kernels) == [[0], [0, 1], [2]]
    copied.rank = [0, 1, 2]
    assert copied != plan
    recompute = pickle.loads(pickle.dumps(kernels))
    assert recompute.has_clones
    assert recompute.graph.fingerprint == graph.fingerprint
