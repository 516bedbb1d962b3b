"""gopt train, gopt policy, gopt optimize --policy: as a user runs them."""

import json
import signal
from pathlib import Path

import pytest
from small_run import GRAPH, MACHINE, small_config, wait_for, wait_for_lines

import gopt
from gopt import training_log


@pytest.fixture
def config_file(tmp_path) -> Path:
    path = tmp_path / "train.txtpb"
    small_config(evaluate_every=2).save(path)
    return path


def scalars(folder: Path) -> dict[str, list]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: events.Scalars(tag) for tag in events.Tags()["scalars"]}


def test_from_a_configuration_to_better_plans(run, config_file, tmp_path, graph):
    out, _ = run("train", config_file, "-o", "first", "--set", "iterations=4")
    assert f"{GRAPH} on {MACHINE}" in out
    assert "best classical" in out
    assert "report: gopt report first" in out

    log = training_log.read(tmp_path / "first")
    events = scalars(tmp_path / "first")
    for tag, key in (("iteration/ratio_mean", "ratio_mean"), ("iteration/reward_mean", None)):
        assert [event.step for event in events[tag]] == [1, 2, 3, 4]
        if key:
            values = [getattr(line, key) for line in log.iterations]
            assert [event.value for event in events[tag]] == pytest.approx(values)
    assert [event.step for event in events["evaluation/ratio_greedy"]] == [2, 4]
    assert {"time/decode", "problems/0/ratio_best", "evaluation/train/0/ratio_samples"} <= set(
        events
    )

    graph.save(tmp_path / "g.gopt")
    policy = "first/policy.gopt"
    options = ("-m", "p100x4", "--evaluations", 200, "--json")
    out, _ = run("optimize", "g.gopt", "--policy", policy, *options)
    rows = json.loads(out)["rows"]
    assert rows[-1]["solver"] == "gopt"
    assert rows[-1]["step_time_ns"] == min(row["step_time_ns"] for row in rows)
    out, _ = run(
        "compare", "g.gopt", "--solvers", f"heft,policy(path={policy},samples=8)", *options
    )
    assert json.loads(out)["rows"][1]["outcome"] == "OK"


def test_problems_without_a_configuration(run, tmp_path):
    out, _ = run(
        "train", "--graph", GRAPH, "--graph", "layered(ops=50)", "--machine", MACHINE,
        "--set", "iterations=7", "--print-config",
    )  # fmt: skip
    config = gopt.TrainingConfig.from_text(out)
    assert [p.graph for p in config.problem] == [GRAPH, "layered(ops=50)"]
    assert {p.machine for p in config.problem} == {MACHINE}
    assert config.iterations == 7
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_signal_leaves_a_checkpoint(start, run, config_file, tmp_path, number):
    folder = tmp_path / "long"
    process = start(
        "train", config_file, "-o", "long", "--set", "iterations=100000",
        "--set", "evaluate_every=0", "--quiet",
    )  # fmt: skip
    wait_for_lines(folder / "metrics.jsonl", 4, process)
    process.send_signal(number)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130, out + error
    done = training_log.read(folder)
    assert "interrupted" in error
    assert "--resume" in error
    assert "Traceback" not in error
    assert [event.event for event in done.events[-2:]] == ["checkpoint", "stopped"]

    last = done.iterations[-1].iteration
    out, _ = run("train", "-o", "long", "--resume", "--set", f"iterations={last + 2}")
    assert f"{last + 2} iterations, completed" in out
    log = training_log.read(folder)
    assert [line.iteration for line in log.iterations] == list(range(1, last + 3))
    steps = [event.step for event in scalars(folder)["iteration/ratio_mean"]]
    assert steps == list(range(1, last + 3))


def test_a_signal_while_references_are_sought(start, run, tmp_path):
    folder = tmp_path / "long"
    process = start(
        "train", "--graph", "layered(ops=30000, width=100)", "-m", MACHINE, "-o", "long",
        "--no-tensorboard", "--quiet",
    )  # fmt: skip
    wait_for(folder.exists, process)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130, out + error
    assert "while references were sought" in error
    assert "Traceback" not in error
    assert {path.name for path in folder.iterdir()} == {"config.txtpb"}
    settings = ("--set", f"problem[0].graph={GRAPH}", "--set", "iterations=1")
    out, _ = run("train", "-o", "long", "--resume", "--set", "threads=1", *settings)
    assert "1 iterations, completed" in out


def test_a_killed_run_goes_on_and_its_events_have_no_double_steps(
    start, run, config_file, tmp_path
):
    """Iterations after the checkpoint are written again, in TensorBoard too."""
    folder = tmp_path / "long"
    arguments = ("train", config_file, "-o", "long", "--set", "evaluate_every=0", "--quiet")
    run(*arguments, "--set", "iterations=2")
    process = start(*arguments, "--resume", "--set", "iterations=100000")
    wait_for_lines(folder / "metrics.jsonl", 12, process)
    process.kill()
    process.wait()
    run(*arguments, "--resume", "--set", "iterations=5")
    log = training_log.read(folder)
    assert [line.iteration for line in log.iterations] == [1, 2, 3, 4, 5]
    steps = [event.step for event in scalars(folder)["iteration/ratio_mean"]]
    assert steps == [1, 2, 3, 4, 5]


def test_what_is_in_a_policy(run, trained):
    path = trained.folder / "policy.gopt"
    out, _ = run("policy", path)
    assert "## Trained on" in out
    assert f"{trained.policy.num_parameters:,} parameters" in out
    assert "iterations: 3" in out
    name, tensor = next(iter(trained.policy.state_dict().items()))
    assert f"network.{name}" in out
    assert " x ".join(map(str, tensor.shape)) in out
    assert run("info", path)[0] == out
    config, _ = run("policy", path, "--config")
    assert gopt.TrainingConfig.from_text(config) == trained.policy.config
    facts = json.loads(run("policy", trained.folder / "checkpoint.gopt", "--json")[0])
    assert (facts["kind"], facts["iteration"]) == ("checkpoint", 3)
    assert facts["parameters"] == trained.policy.num_parameters


def test_solvers_are_listed(run):
    out, _ = run("solvers")
    assert "a learned policy" in out


def test_no_tensorboard(run, config_file, tmp_path):
    run("train", config_file, "-o", "plain", "--no-tensorboard", "--set", "iterations=1")
    assert not list((tmp_path / "plain").glob("events.*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give a CONFIG"),
        (("none.txtpb",), "none.txtpb"),
        (("train.txtpb", "--graph", GRAPH), "one is enough"),
        (("train.txtpb", "--machine", MACHINE), "--machine goes with --graph"),
        (("train.txtpb", "--set", "ppo.clipp=1"), "ppo.clip"),
        (("train.txtpb", "--set", "network.width=7"), "network.width"),
        (("--graph", "nothing", "-o", "x"), "nothing"),
        (
            ("--graph", "a", "--graph", "b", "--graph", "c", "-m", "x", "-m", "y"),
            "2 machines for 3",
        ),
    ],
)
def test_wrong_usage(run, config_file, arguments, message):
    _, error = run("train", *arguments, code=2)
    assert message in error
    assert error.startswith("gopt: error: ")
    assert error.count("\n") == 1


def test_the_bar_says_where_it_stands(capsys, monkeypatch):
    import sys

    from gopt.cli.progress import TrainingProgress

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    bar = TrainingProgress(4)
    bar.on_evaluation(training_log.EvaluationLine(2, ratio_greedy=0.9))
    bar.on_iteration(training_log.IterationLine(2, ratio_mean=1.25, ratio_best=0.8))
    bar.on_iteration(training_log.IterationLine(3, ratio_mean=1.2))
    shown = capsys.readouterr().err
    assert "2/4, mean 1.250, best 0.800, one decode 0.900" in shown
    assert "[##################......] 3/4, mean 1.200, one decode 0.900, 0:00:00 left" in shown
