"""gopt.make_env: spaces, episodes, what actions mean, rewards."""

import math
import subprocess
import sys
import warnings

import numpy as np
import pytest

import gopt
import gopt.workloads

gymnasium = pytest.importorskip("gymnasium")
from gymnasium.utils.env_checker import check_env  # noqa: E402

MODES = ("one_shot", "segments")
DECODERS = ("list", "direct")
CHAIN = "w:parameter[bytes=8] -> a:matmul[time=50,bytes=9] -> b:relu[time=30]; a -> c:exp[time=40]"


@pytest.fixture(scope="module")
def layered() -> gopt.Problem:
    generated = gopt.workloads.synthetic("layered(ops=60,width=6,devices=3)")
    return gopt.Problem(generated.graph, generated.machine)


@pytest.fixture(scope="module")
def txl2() -> gopt.Problem:
    return gopt.Problem(gopt.workloads.load("txl2"), gopt.Machine.from_spec("v100x2"))


def run_episode(env, choose):
    """The observations and the last step of an episode; choose(env) gives the actions."""
    observation, _ = env.reset(seed=3)
    observations, done = [observation], False
    while not done:
        observation, reward, terminated, truncated, info = env.step(choose(env))
        observations.append(observation)
        done = terminated or truncated
        assert done or (reward == 0.0 and info == {})
    return observations, reward, terminated, truncated, info


def sample(env):
    return env.action_space.sample()


def default(env):
    return env.unwrapped.default_action()


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("problem", ["layered", "txl2"])
def test_gymnasium_finds_nothing_wrong(problem, mode, decoder, request):
    env = gopt.make_env(request.getfixturevalue(problem), mode=mode, decoder=decoder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*not having a spec.*")
        check_env(env)
    assert env.render_mode is None


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("mode", MODES)
def test_the_reward_is_what_the_plan_is_worth(layered, mode, decoder):
    env = gopt.make_env(layered, mode=mode, decoder=decoder, segment=16)
    env.action_space.seed(5)
    for _ in range(3):
        _, reward, terminated, truncated, info = run_episode(env, sample)
        assert (terminated, truncated) == (True, False)
        layered.validate(info["plan"])
        report = gopt.evaluate(layered, info["plan"])
        assert (info["outcome"], info["step_time_ns"]) == ("OK", report.step_time)
        assert info["ratio"] == report.step_time / env.reference_time_ns
        assert reward == pytest.approx(-math.log(info["ratio"]), abs=1e-12)
        assert env.unwrapped.plan == info["plan"]
        assert env.best_step_time_ns <= report.step_time
    assert gopt.evaluate(layered, env.best_plan).step_time == env.best_step_time_ns
    assert gopt.evaluate(layered, env.reference).step_time == env.reference_time_ns


def test_the_other_reward_is_the_square_root(layered):
    env = gopt.make_env(layered, reward="sqrt", decoder="direct")
    _, reward, _, _, info = run_episode(env, sample)
    assert reward == pytest.approx(-math.sqrt(info["ratio"]))


@pytest.mark.parametrize("mode", MODES)
def test_zero_to_the_list_decoder_is_the_heuristic(layered, mode):
    env = gopt.make_env(layered, mode=mode, reference="list")
    info = run_episode(env, lambda env: np.zeros(env.action_space.shape, np.float32))[-1]
    assert info["plan"] == run_episode(env, default)[-1]["plan"]
    heuristic = gopt.optimize(layered, solver="list", baselines=()).step_time_ns
    assert env.reference_time_ns == heuristic
    # The same scheduler once more, in the order that came of it.
    assert info["ratio"] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("mode", MODES)
def test_the_default_of_the_direct_decoder_is_the_reference(layered, mode):
    env = gopt.make_env(layered, mode=mode, decoder="direct", segment=7)
    info = run_episode(env, default)[-1]
    assert info["plan"].device == env.reference.device
    assert info["ratio"] == pytest.approx(1.0, abs=0.02)


def test_direct_actions_are_devices_and_levels(layered):
    env = gopt.make_env(layered, decoder="direct", priority_levels=4)
    kernels = len(layered.base_kernels)
    assert list(env.action_space.nvec) == [3] * kernels + [4] * kernels
    env.action_space.seed(2)
    action = env.action_space.sample()
    env.reset()
    plan = env.step(action)[-1]["plan"]
    assert plan.device == list(action[:kernels])
    rank, level = np.array(plan.rank), action[kernels:]
    assert np.all(np.diff(level[np.argsort(rank)]) <= 0)  # Higher levels first.


def test_stickiness_draws_readers_to_their_inputs():
    """Two branches that a list scheduler spreads stay where their input is."""
    env = gopt.make_env(
        gopt.parse_graph(CHAIN), gopt.Machine.uniform(2), stickiness_scale=100.0, reference="list"
    )
    zero = np.zeros(env.action_space.shape, np.float32)
    target = env.reset()[0]["edge_index"][1]
    device = np.array(env.step(zero)[-1]["plan"].device)
    assert sorted(device == device[0]) == [False, True, True]
    sticky = zero.copy()
    sticky[3:] = device[target] != device[0]  # After three priorities the two edges.
    env.reset()
    assert len(set(env.step(sticky)[-1]["plan"].device)) == 1


def test_a_segments_stickiness_is_that_of_its_kernels(layered):
    whole = gopt.make_env(layered, stickiness_scale=3.0)
    parts = gopt.make_env(layered, stickiness_scale=3.0, mode="segments", segment=13)
    kernels = len(layered.base_kernels)
    drawn = np.random.default_rng(1).uniform(-1, 1, (2, kernels)).astype(np.float32)
    target = whole.reset()[0]["edge_index"][1]
    plan = whole.step(np.concatenate([drawn[0], drawn[1][target]]))[-1]["plan"]

    padded = np.zeros((2, 13 * 5), np.float32)
    padded[:, :kernels] = drawn
    actions = iter(padded.reshape(2, 5, 13).transpose(1, 0, 2).reshape(5, 26))
    assert run_episode(parts, lambda env: next(actions))[-1]["plan"] == plan


def test_observations_of_one_shot_are_rows_of_the_actions(layered):
    env = gopt.make_env(layered)
    seen, _ = env.reset()
    kernels, edges = len(layered.base_kernels), seen["edge_index"].shape[1]
    assert env.action_space.shape == (kernels + edges,)
    assert seen["node"].shape == (kernels, len(env.features["node_columns"]))
    graph = layered.graph
    ops = [ops[0] for ops in layered.base_kernels]
    of_op = {op: kernel for kernel, op in enumerate(ops)}
    assert np.array_equal(seen["node"], env.features["node"].numpy()[ops])
    for source, target in seen["edge_index"].T[::7]:
        assert ops[source] in graph.op(ops[target]).predecessors
    wanted = {
        (of_op[p], k) for k, op in enumerate(ops) for p in graph.op(op).predecessors if p in of_op
    }
    assert set(map(tuple, seen["edge_index"].T)) == wanted


@pytest.mark.parametrize("decoder", DECODERS)
def test_segments_see_the_plan_so_far(layered, decoder):
    env = gopt.make_env(layered, mode="segments", segment=25, decoder=decoder)
    kernels = len(layered.base_kernels)
    observations, *_, info = run_episode(env, sample)
    assert [o["mask"].sum() for o in observations] == [25, 25, kernels - 50, 0]
    assert [float(o["progress"][0]) for o in observations] == pytest.approx(
        [0, 25 / kernels, 50 / kernels, 1]
    )
    rows = np.concatenate([o["node"][o["mask"] > 0] for o in observations])
    assert np.array_equal(rows, gopt.make_env(layered).reset()[0]["node"])
    for seen in observations:
        assert np.all(seen["placed"].sum(1) == seen["mask"])
        assert np.all(np.isclose(seen["inputs"].sum(1), 1) | (seen["inputs"].sum(1) == 0))
        assert seen["load"].sum() == pytest.approx(1)
    # Machine and kernels are alike here: the load is a count.
    times = np.array([env.features["kernel_time"][k, d] for k, d in enumerate(info["plan"].device)])
    load = np.bincount(info["plan"].device, times, minlength=3) / times.sum()
    assert observations[-1]["load"] == pytest.approx(load, abs=1e-6)


def test_inputs_say_where_the_makers_are(layered):
    env = gopt.make_env(layered, mode="segments", segment=30, decoder="direct")
    env.reset()
    action = np.zeros(60, np.int64)
    action[:30] = 1
    seen = env.step(action)[0]
    source, target = gopt.make_env(layered).reset()[0]["edge_index"]
    inside = [k for k in range(30, 60) if len(s := source[target == k]) and np.all(s < 30)]
    assert inside
    for kernel in inside:
        assert list(seen["inputs"][kernel - 30]) == [0, 1, 0]


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("mode", MODES)
def test_equal_seeds_give_equal_episodes(layered, mode, decoder):
    def trace(env):
        env.action_space.seed(11)
        return [run_episode(env, sample) for _ in range(2)]

    env = gopt.make_env(layered, mode=mode, decoder=decoder)
    first, second = trace(env), trace(env)
    third = trace(gopt.make_env(layered, mode=mode, decoder=decoder))
    for other in (second, third):
        for (seen, *rest), (seen_again, *rest_again) in zip(first, other, strict=True):
            assert rest == rest_again
            for a, b in zip(seen, seen_again, strict=True):
                assert a.keys() == b.keys()
                assert all(np.array_equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize("decoder", DECODERS)
def test_plans_obey_constraints(decoder):
    graph = gopt.workloads.synthetic("layered(ops=60,width=6,devices=3)").graph
    ops = graph.kernel_ops
    constraints = gopt.Constraints()
    constraints.pin(ops[0], 2)
    constraints.allow([ops[5]], [0, 1])
    constraints.colocate([ops[7], ops[20]])
    constraints.keep_apart([ops[1], ops[2]])
    problem = gopt.Problem(graph, gopt.Machine.uniform(3), constraints)
    env = gopt.make_env(problem, decoder=decoder)
    assert env.reset()[0]["allowed"][0].tolist() == [0, 0, 1]
    for _ in range(10):
        problem.validate(run_episode(env, sample)[-1]["plan"])


def test_closed_decisions_are_not_asked_for(layered):
    base = gopt.optimize(layered, solver="heft").plan
    kernels = len(layered.base_kernels)
    fixed_devices = gopt.make_env(
        layered.graph, layered.machine, base_plan=base, placement=False, decoder="direct"
    )
    assert fixed_devices.action_space.shape == (kernels,)
    assert run_episode(fixed_devices, sample)[-1]["plan"].device == base.device
    fixed_order = gopt.make_env(layered.graph, layered.machine, base_plan=base, scheduling=False)
    assert fixed_order.action_space.shape == (fixed_order.reset()[0]["edge"].shape[0],)
    assert run_episode(fixed_order, sample)[-1]["plan"].rank == base.rank
    with pytest.raises(gopt.InvalidArgumentError, match="neither placement nor scheduling"):
        gopt.make_env(
            layered.graph, layered.machine, base_plan=base, placement=False, scheduling=False
        )


def test_where_fusion_is_open_the_references_kernels_are_decided():
    graph = gopt.workloads.load("txl2")
    env = gopt.make_env(graph, "v100x2", fusion=True, decoder="direct")
    kernels = len(env.reference.kernels)
    assert kernels < len(gopt.Kernels.singletons(graph))
    assert env.reset()[0]["node"].shape[0] == kernels
    assert len(run_episode(env, sample)[-1]["plan"].kernels) == kernels


def tight_problem() -> gopt.Problem:
    """Fits on two devices, not on one."""
    graph = gopt.parse_graph(
        "a:matmul[time=5,bytes=700]; b:matmul[time=5,bytes=700]; a, b -> o:output"
    )
    return gopt.Problem(graph, gopt.Machine.uniform(2, memory_bytes=1000))


@pytest.mark.parametrize(("graded", "expected"), [(True, -1.0 - 400 / 2000), (False, -10.0)])
def test_plans_over_memory_are_graded(graded, expected):
    env = gopt.make_env(tight_problem(), decoder="direct", graded=graded)
    _, reward, terminated, truncated, info = run_episode(env, lambda _: [0, 0, 0, 0])
    assert (terminated, truncated, info["outcome"]) == (True, False, "INFEASIBLE")
    assert "memory" in info["reason"]
    assert reward == pytest.approx(expected)
    assert env.best_plan is None
    assert run_episode(env, lambda _: [0, 1, 0, 0])[-1]["outcome"] == "OK"


def test_graded_rewards_remember_the_worst_until_the_next_seed():
    class Slow(gopt.CostBackend):
        """The simulator, but for one device of the second kernel."""

        def evaluate(self, problem, plan):
            report = gopt.evaluate(problem, plan)
            return 100 * report.step_time if plan.device == [1, 0] else report

    env = gopt.make_env(tight_problem(), decoder="direct", backend=Slow())

    def reward(action):
        env.reset()
        return env.step(action)[1]

    env.reset(seed=0)
    before = reward([0, 0, 0, 0])
    worst = reward([1, 0, 0, 0])
    assert worst == pytest.approx(-math.log(100), abs=0.01)
    assert reward([0, 0, 0, 0]) == pytest.approx(before + worst)
    env.reset(seed=0)
    assert reward([0, 0, 0, 0]) == pytest.approx(before)


def test_a_failing_backend_truncates(layered):
    class Fails(gopt.CostBackend):
        broken = False

        def evaluate(self, problem, plan):
            if self.broken:
                raise RuntimeError("the device is gone")
            return 1000

    backend = Fails()
    env = gopt.make_env(layered, backend=backend)
    backend.broken = True
    _, reward, terminated, truncated, info = run_episode(env, sample)
    assert (reward, terminated, truncated, info["outcome"]) == (0.0, False, True, "FAILED")
    assert "the device is gone" in info["reason"]
    assert info["step_time_ns"] is None


def test_a_plan_that_cannot_run_gets_the_reward_of_such(layered):
    class Picky(gopt.CostBackend):
        def evaluate(self, problem, plan):
            if plan.device[0] == 2:
                return gopt.CostReport(outcome="INFEASIBLE", reason="not there")
            return 1000

    env = gopt.make_env(layered, backend=Picky(), decoder="direct", infeasible=-7.0)
    action = env.default_action()
    action[0] = 2
    _, reward, terminated, _, info = run_episode(env, lambda _: action)
    assert (reward, terminated, info["reason"]) == (-7.0, True, "not there")
    assert (info["step_time_ns"], info["ratio"]) == (None, None)


def test_the_reference_may_be_given(layered):
    plan = gopt.Plan(layered.base_kernels, producer="mine")
    env = gopt.make_env(layered, reference=plan, decoder="direct")
    assert env.reference == plan
    assert env.reference_solver == "mine"
    assert run_episode(env, default)[-1]["ratio"] == pytest.approx(1.0)
    heft = gopt.make_env(layered, reference="heft")
    assert heft.reference_solver == "heft"
    plan.dispatch = "SEQUENCE"
    with pytest.raises(gopt.InvalidArgumentError, match="sequence has 0 entries"):
        gopt.make_env(layered, reference=plan)


def test_wrong_arguments_and_actions_are_named(layered):
    for argument, value in [("mode", "many"), ("decoder", "greedy"), ("reward", "linear")]:
        with pytest.raises(gopt.InvalidArgumentError, match=f"{argument} is '{value}'; known"):
            gopt.make_env(layered, **{argument: value})
    with pytest.raises(gopt.InvalidArgumentError, match="segment is 0"):
        gopt.make_env(layered, segment=0)
    with pytest.raises(gopt.InvalidArgumentError, match="no machine"):
        gopt.make_env(layered.graph)
    env = gopt.make_env(layered)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(env.action_space.sample())
    env.reset()
    with pytest.raises(gopt.InvalidArgumentError, match=r"shape is \(3,\), and must be"):
        env.step(np.zeros(3))
    env.step(np.full(env.action_space.shape, np.nan))  # Zero, by the decoder's rule.
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(env.action_space.sample())


def test_one_kernel_on_one_device_is_a_problem_too():
    graph = gopt.parse_graph("a:matmul[time=5]")
    for mode in MODES:
        for decoder in DECODERS:
            env = gopt.make_env(graph, gopt.Machine.uniform(1), mode=mode, decoder=decoder)
            assert run_episode(env, sample)[1] == 0.0


def test_importing_gopt_loads_neither_torch_nor_gymnasium():
    code = (
        "import gopt, sys; gopt.make_env; print('torch' in sys.modules, 'gymnasium' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.split() == ["False", "False"], result.stderr


def test_without_gymnasium_the_extra_is_named(layered, monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(gopt.FailedPreconditionError, match=r"pip install 'gopt\[gym\]'"):
        gopt.make_env(layered)
