"""gopt.train: what it takes, what it gives, callbacks, backends of Python."""

import signal
import threading
import time

import pytest
import torch
from small_run import GRAPH, MACHINE, small_config

import gopt
from gopt import training_log


def weights(policy) -> torch.Tensor:
    return torch.cat([w.flatten() for w in policy.state_dict().values()])


def test_one_line():
    result = gopt.train(GRAPH, MACHINE, iterations=2, threads=1, ppo={"samples": 4})
    assert (result.iterations, result.stopped, result.folder) == (2, "completed", None)
    assert result.evaluations == 2 * 4
    assert result.log.run.problems[0].graph == GRAPH
    assert [line.iteration for line in result.log.iterations] == [1, 2]
    assert result.ratio_best == pytest.approx(result.log.iterations[-1].ratio_best)
    assert "best classical" in str(result)


def test_the_folder(trained):
    files = {path.name for path in trained.folder.iterdir()}
    assert {"config.txtpb", "metrics.jsonl", "checkpoint.gopt", "policy.gopt"} <= files
    assert trained.log == training_log.read(trained.folder)
    policy = gopt.Policy.load(trained.folder / "policy.gopt")
    assert torch.equal(weights(policy), weights(trained.policy))
    gopt.report.write_training_report(trained.folder / "report.html", trained.folder)


def test_a_folder_with_a_run_is_refused(trained, config):
    with pytest.raises(gopt.FailedPreconditionError, match="holds a run"):
        gopt.train(config, folder=trained.folder)


def test_a_file_settings_and_fields(config, tmp_path):
    config.save(tmp_path / "c.txtpb")
    result = gopt.train(tmp_path / "c.txtpb", settings=["ppo.samples=2"], iterations=1)
    assert result.evaluations == 2
    with pytest.raises(gopt.InvalidArgumentError, match="ppo.sample"):
        gopt.train(config, settings=["ppo.sample=2"])
    with pytest.raises(gopt.InvalidArgumentError, match="not one text"):
        gopt.train(config, settings="iterations=2")
    with pytest.raises(gopt.NotFoundError):
        gopt.train(tmp_path / "none.txtpb")
    with pytest.raises(gopt.InvalidArgumentError, match="problem"):
        gopt.train()


def test_graphs_and_machines_as_objects(graph, tmp_path):
    problems = [(graph, gopt.Machine.uniform(2)), (GRAPH, MACHINE)]
    fields = {"iterations": 1, "threads": 1, "ppo": {"samples": 2}, "network": {"width": 16}}
    first = gopt.train(problems, folder=tmp_path, **fields)
    assert first.log.run.problems[0].ops == len(graph.kernel_ops)
    again = gopt.train(folder=tmp_path, resume=True, iterations=2)
    assert again.iterations == 2
    nowhere = gopt.train(problems, **fields)
    assert torch.equal(weights(nowhere.policy), weights(first.policy))


class Recorder(gopt.CostBackend):
    """Step times of the simulator; keeps the problems and plans that were priced."""

    def __init__(self):
        super().__init__()
        self.simulator = gopt.Simulator()
        self.seen = []

    def evaluate(self, problem, plan):
        self.seen.append((problem, plan))
        return gopt.evaluate(problem, plan, self.simulator)


def test_a_problem_keeps_its_constraints_and_open_tasks(graph, tmp_path):
    constraints = gopt.Constraints()
    pinned = graph.kernel_ops[::3]
    for op in pinned:
        constraints.pin(op, 1, "as given")
    constraints.limit_memory(0, 2**33, "others are there")
    machine = gopt.Machine.preset(MACHINE).with_memory_limit(2**34)
    problem = gopt.Problem(graph, machine, constraints, fusion=True)
    fields = {"iterations": 1, "threads": 1, "ppo": {"samples": 2}, "network": {"width": 16}}
    for arguments in ({"config": problem, **fields}, {"resume": True, "iterations": 2}):
        backend = Recorder()
        result = gopt.train(**arguments, folder=tmp_path, backend=backend)
        assert result.policy.config.fusion
        assert len(backend.seen) > result.evaluations
        for seen, plan in backend.seen:
            assert seen.constraints.to_text() == constraints.to_text()
            assert [seen.memory_limit(device) for device in (0, 1)] == [2**33, 2**34]
            assert (seen.fusion, seen.placement, seen.scheduling) == (True, True, True)
            assert {plan.op_devices[op] for op in pinned} == {1}
    tuples = gopt.training.make_config([(graph, machine, constraints)], store=tmp_path / "problems")
    assert tuples.problem[0].constraints == result.policy.config.problem[0].constraints


def test_what_a_configuration_cannot_hold_of_a_problem_is_refused(graph):
    machine = gopt.Machine.preset(MACHINE)
    problem = gopt.Problem(graph, machine)
    plan = gopt.optimize(problem, solver="heft", baselines=()).plan
    based = gopt.Problem(graph, machine, scheduling=False, base_plan=plan)
    limited = gopt.Problem(graph, machine, fusion_limits=gopt.FusionLimits(max_ops=2))
    fused = gopt.Problem(graph, machine, fusion=True)
    for arguments, message in (
        ((based,), "base_plan of a Problem"),
        (([problem, limited],), "fusion_limits of a Problem"),
        (([problem, fused],), "differ in their open tasks"),
        ((problem, machine), "machine: a Problem is given"),
        (([(problem, machine)],), "machine: a Problem is given"),
    ):
        with pytest.raises(gopt.InvalidArgumentError, match=message):
            gopt.train(*arguments)
    with pytest.raises(gopt.InvalidArgumentError, match="fusion: a Problem is given"):
        gopt.train(problem, fusion=True)
    with pytest.raises(gopt.InvalidArgumentError, match="placement: a Problem is given"):
        gopt.train(problem, settings=["placement=false"])


def test_machines_of_one_name_are_kept_apart(graph, tmp_path):
    machine = gopt.Machine.preset(MACHINE)
    problems = [(graph, machine), gopt.Problem(graph, machine.with_memory_limit(2**20))]
    config = gopt.training.make_config(problems, store=tmp_path)
    large, small = (gopt.Machine.load(problem.machine) for problem in config.problem)
    assert large.to_text() == machine.to_text()
    assert small.devices[0].memory_bytes == 2**20


@pytest.mark.parametrize("stop", [gopt.CancelToken.cancel, lambda _: signal.raise_signal(2)])
def test_cancelled_while_references_are_sought(config, tmp_path, stop):
    cancel = gopt.CancelToken()

    class Stopping(Recorder):
        def evaluate(self, problem, plan):
            if len(self.seen) == 3:
                stop(cancel)
                while not cancel.cancelled:
                    time.sleep(0.01)
            return super().evaluate(problem, plan)

    backend = Stopping()
    result = gopt.train(config, folder=tmp_path, backend=backend, cancel=cancel)
    assert (result.iterations, result.stopped) == (0, "cancelled")
    assert (result.log, result.ratio_best) == (None, None)
    assert len(backend.seen) < 8
    again = gopt.train(folder=tmp_path, resume=True)
    assert torch.equal(weights(again.policy), weights(gopt.train(config).policy))


def test_resumed_equals_uninterrupted(tmp_path):
    whole = gopt.train(small_config(iterations=4))
    gopt.train(small_config(iterations=4), folder=tmp_path, callbacks=[StopAt(2)])
    rest = gopt.train(folder=tmp_path, resume=True)
    assert rest.iterations == 4
    assert torch.equal(weights(rest.policy), weights(whole.policy))
    assert [line.iteration for line in rest.log.iterations] == [1, 2, 3, 4]
    assert [event.event for event in rest.log.events].count("resumed") == 1


class StopAt:
    def __init__(self, iteration):
        self.iteration = iteration

    def on_iteration(self, line):
        return line.iteration >= self.iteration


def test_callbacks_get_every_line_and_may_stop(config):
    seen = []

    class Record:
        def on_run(self, line):
            seen.append(line)

        on_evaluation = on_event = on_iteration = on_run

    result = gopt.train(config, callbacks=[Record(), object(), StopAt(2)], iterations=100)
    assert result.iterations == 2
    assert result.stopped == "cancelled"
    kinds = [type(line).__name__ for line in seen]
    assert kinds[:3] == ["RunLine", "IterationLine", "IterationLine"]
    assert seen[-1].event == "stopped"


def test_what_a_callback_raises_is_raised(config, tmp_path):
    class Break:
        def on_iteration(self, line):
            raise KeyError(f"at {line.iteration}")

    with pytest.raises(KeyError, match="at 1"):
        gopt.train(config, folder=tmp_path, callbacks=[Break()], iterations=100)
    assert (tmp_path / "checkpoint.gopt").exists()
    assert gopt.train(folder=tmp_path, resume=True, iterations=3).iterations == 3


def test_a_cancel_token(config):
    cancel = gopt.CancelToken()
    timer = threading.Timer(0.5, cancel.cancel)
    timer.start()
    result = gopt.train(config, cancel=cancel, iterations=10**6)
    timer.join()
    assert result.stopped == "cancelled"


def test_the_policy_learns():
    """More than noise: after some iterations samples are better than at first."""
    result = gopt.train(small_config(iterations=25, ppo={"samples": 16}))
    lines = result.log.iterations
    first = sum(line.ratio_mean for line in lines[:3]) / 3
    last = sum(line.ratio_mean for line in lines[-3:]) / 3
    assert last < first


class DeviceZero(gopt.CostBackend):
    """All work on the first device is best: what the simulator would never say."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def evaluate(self, problem, plan):
        self.calls += 1
        return 1000 + 100 * sum(device != 0 for device in plan.device)


def test_a_backend_of_python(config):
    backend = DeviceZero()
    result = gopt.train(config, backend=backend)
    assert backend.calls > result.evaluations
    assert result.log.run.problems[0].baselines["single_device"] == 1000


def test_a_backend_by_spec(config):
    result = gopt.train(config, backend="simulator(contention=false)", iterations=1)
    assert result.policy.config.backend == "simulator(contention=false)"


def test_a_backend_that_always_fails_raises_its_own_error(config):
    class Broken(gopt.CostBackend):
        def evaluate(self, problem, plan):
            raise ZeroDivisionError("no price")

    with pytest.raises(ZeroDivisionError, match="no price"):
        gopt.train(config, backend=Broken())


def test_a_backend_that_fails_at_times_warns(config):
    class Flaky(DeviceZero):
        armed = False

        def on_run(self, line):
            self.armed = True  # Not before the references are found.

        def evaluate(self, problem, plan):
            time = super().evaluate(problem, plan)
            if self.armed and self.calls % 3 == 0:
                raise OSError("busy")
            return time

    backend = Flaky()
    with pytest.warns(RuntimeWarning, match="Flaky.*failed on .* plan.*busy"):
        result = gopt.train(config, backend=backend, callbacks=[backend])
    assert result.stopped == "completed"
    assert result.log.iterations[0].failed_fraction > 0


def test_a_backend_whose_bind_raises(config):
    """The exception comes in through gopt._core and leaves through gopt._gopt."""

    class Unbound(gopt.CostBackend):
        def bind(self, problem):
            raise LookupError("not for this problem")

    with pytest.raises(LookupError, match="not for this problem"):
        gopt.train(config, backend=Unbound())


def test_errors_name_the_problem(config):
    config.problem = [("no such graph", MACHINE)]
    with pytest.raises(gopt.GoptError, match="no such graph"):
        gopt.train(config)
    config.problem = [(GRAPH, MACHINE)]
    with pytest.raises(gopt.InvalidArgumentError, match="device 'tpu:0'"):
        gopt.train(config, device="tpu:0")
