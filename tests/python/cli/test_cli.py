"""Every command on a small graph: what it prints, what it writes, how it exits."""

import json
import os
import pty
import signal
import subprocess
import sys
import time

import pytest

import gopt


def one_line_error(done, *words):
    assert done.stderr.startswith("gopt: error: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


def test_help_has_examples_and_exit_codes(run):
    text = run("--help").stdout
    assert "examples:" in text
    assert "exit codes:" in text
    assert gopt.__version__ in run("--version").stdout


@pytest.mark.parametrize(
    "command",
    ["capture", "info", "validate", "optimize", "compare", "explain", "report", "export"],
)
def test_every_command_has_help_with_an_example(run, command):
    text = run(command, "--help").stdout
    assert f"gopt {command}" in text
    assert "example" in text


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("--seed", "x", "'x' is no whole number"),
        ("--seconds", "soon", "'soon' is no number"),
        ("--seconds", "nan", "nan is not in 0 .. 1e9"),
        ("--evaluations", "-1", "-1 is not in 0 .. 2^62"),
    ],
)
def test_numbers_that_are_none_are_said_to_be(run, flag, value, words):
    assert words in run("optimize", "gpt", flag, value, code=2).stderr


@pytest.mark.parametrize("arguments", [[], ["fly"], ["info"], ["info", "g", "--nonsense"]])
def test_bad_usage_is_code_two(run, arguments):
    assert "usage:" in run(*arguments, code=2).stderr


def test_info_counts(run, graph_file, machine_file):
    found = json.loads(run("info", graph_file, "--machine", machine_file, "--json").stdout)
    assert (found["ops"], found["edges"]) == (9, 9)
    assert found["kinds"]["parameter"] == 1
    assert found["parameters"]["persistent_bytes"] == 12000
    on = found["machine"]
    assert on["one_device_ns"] == 161100
    assert on["critical_path_ns"] == 81000
    assert [t["type"] for t in on["types"][:2]] == ["matmul", "relu"]
    text = run("info", graph_file).stdout
    assert "9 ops" in text
    assert "p100x4" in text


def test_info_imports_nothing_heavy(graph_file):
    program = (
        "import sys, gopt.cli; gopt.cli.main(); "
        "print({'torch', 'numpy', 'plotly'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "info", graph_file], capture_output=True, text=True
    )
    assert done.stderr == "set()\n"


def test_compare_writes_a_row_per_solver(run, graph_file, machine_file, tmp_path):
    done = run(
        *("compare", graph_file, "--machine", machine_file, "--seed", 1, "--evaluations", 50),
        *("--solvers", "single_device, heft,hill_climb()", "--json", "rows.json"),
    )
    assert "bound:" in done.stdout
    found = json.loads((tmp_path / "rows.json").read_text())
    assert [row["solver"] for row in found["rows"]] == ["single_device", "heft", "hill_climb()"]
    for row in found["rows"]:
        assert row["outcome"] == "OK"
        assert row["step_time_ns"] >= row["lower_bound_ns"] > 0
        assert {"reason", "evaluations", "seconds", "who"} <= set(row)
    alone = run("compare", graph_file, "-m", machine_file, "--solvers", "heft", "--json")
    assert json.loads(alone.stdout)["rows"][0]["solver"] == "heft"


def test_compare_says_when_nothing_fits(run, graph_file, machine_file):
    arguments = ("compare", graph_file, "-m", machine_file, "--memory", "1KiB")
    done = run(*arguments, "--solvers", "heft", "--json", code=1)
    row = json.loads(done.stdout)["rows"][0]
    assert row["outcome"] == "INFEASIBLE"
    assert row["step_time_ns"] is None
    assert row["reason"]


def test_optimize_writes_a_plan_that_validates(run, graph_file, machine_file):
    done = run(
        *("optimize", graph_file, "-m", machine_file, "--evaluations", 200),
        *("--out", "plan.txtpb", "--json", "result.json"),
    )
    assert "portfolio" in done.stdout
    # The plan carries its machine.
    assert "a legal plan" in run("validate", graph_file, "plan.txtpb").stdout
    found = json.loads(run("validate", graph_file, "--plan", "plan.txtpb", "--json").stdout)
    assert found["plan"]["outcome"] == "OK"


def test_optimize_is_the_same_for_the_same_seed(run, graph_file, machine_file, tmp_path):
    for name in ("one.txtpb", "two.txtpb"):
        arguments = ("-m", machine_file, "--evaluations", 100, "--seed", 3, "-o", name)
        run("optimize", graph_file, *arguments)
    assert (tmp_path / "one.txtpb").read_text() == (tmp_path / "two.txtpb").read_text()


def test_optimize_without_room_is_code_one(run, graph_file, machine_file):
    arguments = ("optimize", graph_file, "-m", machine_file, "--memory", "1KiB")
    one_line_error(run(*arguments, "--evaluations", 20, code=1))


def test_optimize_decides_what_it_is_told_to(run, graph_file, machine_file, tmp_path):
    machine = ("--machine", machine_file, "--seed", 1, "--evaluations", 50)
    text = run("optimize", graph_file, *machine, "--tasks", "fusion,placement,scheduling").stdout
    assert "fusion: " in text
    run("optimize", graph_file, *machine, "-o", "base.txtpb")
    base = gopt.PlanFile.load(tmp_path / "base.txtpb", gopt.Graph.load(graph_file)).plan
    arguments = (*machine, "--tasks", "fusion", "--base-plan", "base.txtpb", "-o", "fused.txtpb")
    run("optimize", graph_file, *arguments)
    fused = gopt.PlanFile.load(tmp_path / "fused.txtpb", gopt.Graph.load(graph_file)).plan
    assert len(fused.kernels) < len(base.kernels)
    for kernel, ops in enumerate(fused.kernels):
        assert {base.device[base.kernels.kernel_of(op)] for op in ops} == {fused.device[kernel]}


def test_optimize_needs_a_plan_for_what_it_does_not_decide(run, graph_file, machine_file):
    done = run("optimize", graph_file, "--machine", machine_file, "--tasks", "fusion", code=2)
    one_line_error(done, "only be closed with a base plan")
    text = run("optimize", graph_file, "--tasks", "fusion,time", code=2).stderr
    assert "'time' is none of fusion, placement, scheduling" in text


def test_a_base_plan_brings_its_machine(run, graph_file, machine_file, tmp_path):
    run("optimize", graph_file, "--machine", machine_file, "-o", "base.txtpb")
    run("optimize", graph_file, "--tasks", "fusion", "--base-plan", "base.txtpb", "-o", "out.txtpb")
    plan = gopt.PlanFile.load(tmp_path / "out.txtpb", gopt.Graph.load(graph_file))
    assert plan.machine.name == gopt.Machine.load(machine_file).name
    fewer = ("--tasks", "fusion", "--base-plan", "base.txtpb", "--machine", "p100")
    done = run("optimize", graph_file, *fewer, code=2)
    one_line_error(done, "base.txtpb: base plan: ")


def test_constraints_from_a_file(run, graph_file, machine_file, tmp_path):
    graph = gopt.Graph.load(graph_file)
    constraints = gopt.Constraints()
    for op in graph.kernel_ops:
        constraints.pin(op, 1, "only there")
    (tmp_path / "c.txtpb").write_text(constraints.to_text())
    common = ("-m", machine_file, "--constraints", "c.txtpb")
    run("optimize", graph_file, *common, "--evaluations", 20, "-o", "p.txtpb")
    plan = gopt.Plan.load(tmp_path / "p.txtpb", graph)
    assert set(plan.device) == {1}


def test_validate_tells_a_bad_file_from_a_bad_plan(run, graph_file, plan_file, tmp_path):
    content = graph_file.read_bytes()
    (tmp_path / "cut.gopt").write_bytes(content[: len(content) // 2])
    one_line_error(run("validate", "cut.gopt", code=2), "cut.gopt")
    assert "infeasible" in run("validate", graph_file, "--memory", "10", plan_file, code=1).stdout
    done = run("validate", graph_file, plan_file, "-m", "p100x1", code=1)
    assert "kernel" in done.stdout
    gopt.parse_graph("a -> b").save(tmp_path / "other.gopt")
    one_line_error(run("validate", "other.gopt", plan_file, code=2), "plan.txtpb")


def test_explain(run, graph_file, plan_file):
    text = run("explain", graph_file, plan_file, "--op", "join").stdout
    assert "a2" in text
    assert "slack" in text
    assert "its kernel" in text
    found = json.loads(run("explain", graph_file, plan_file, "--op", "b2", "--json").stdout)
    assert len(found["moves"]) == 2
    assert found["op"] == "b2"
    one_line_error(run("explain", graph_file, plan_file, "--op", "b3", code=2), "b3", "close: b")
    one_line_error(run("explain", graph_file, "--op", "b2", code=2), "plan file is needed")


def test_export(run, graph_file, plan_file, tmp_path):
    run("export", graph_file, plan_file, "--format", "trace", "-o", "t.json")
    assert json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert "written: g.trace" in run("export", graph_file, plan_file, "--format", "trace").stdout
    assert "written: g.dot" in run("export", graph_file, "--format", "dot").stdout
    assert "digraph" in run("export", graph_file, "--format", "dot", "-o", "-").stdout
    one_line_error(run("export", graph_file, "--format", "word", code=2), "word", "dot")
    one_line_error(run("export", graph_file, "--format", "trace", code=2))


def test_lists(run):
    found = json.loads(run("solvers", "--json").stdout)
    assert {"heft", "anneal", "portfolio"} <= set(found["solvers"])
    assert "simulator" in found["backends"]
    assert "trace" in found["exporters"]
    assert "heft" in run("solvers").stdout
    assert "p100x4" in run("machines").stdout
    assert len(json.loads(run("machines", "v100x4", "--json").stdout)["devices"]) == 4
    assert gopt.Machine.from_text(run("machines", "v100x4", "--text").stdout).name


def test_errors_are_one_line(run, graph_file):
    one_line_error(run("info", "absent.gopt", code=2), "absent.gopt", "no such file")
    one_line_error(run("info", graph_file, "-m", "p1000x4", code=2), "p1000x4")
    one_line_error(run("info", graph_file, "--memory", "12 apples", code=2), "12 apples")
    one_line_error(run("compare", graph_file, "--solvers", "hefd", code=2), "hefd", "heft")
    one_line_error(run("optimize", graph_file, "--backend", "oracle", code=2), "simulator")
    one_line_error(run("optimize", graph_file, "-o", "no/such/p.txtpb", "--evaluations", 5, code=2))


def test_a_closed_pipe_is_no_error(graph_file):
    program = "import sys, gopt.cli; sys.exit(gopt.cli.main())"
    command = f"{sys.executable} -c '{program}' info {graph_file} --all-types | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""


def test_schedule_files_bring_their_machine(run, data_dir):
    path = data_dir / "learning_graphs" / "blocks_101_1.json.gz"
    found = json.loads(run("info", path, "--json").stdout)
    assert "prototype_B_ns" in found["figures"]
    done = run("compare", path, "--solvers", "heft", "--evaluations", 10, "--json")
    assert json.loads(done.stdout)["rows"][0]["outcome"] == "OK"


def on_a_terminal(arguments, cwd, interrupt_after=None):
    """What the command writes to a terminal on standard error, its output and exit code."""
    main, terminal = pty.openpty()
    program = "import sys, gopt.cli; sys.exit(gopt.cli.main())"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
    )
    os.close(terminal)
    if interrupt_after is not None:
        time.sleep(interrupt_after)
        process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    shown = b""
    try:
        while chunk := os.read(main, 4096):
            shown += chunk
    except OSError:
        pass  # The other end is closed.
    os.close(main)
    return shown.decode(), output, process.returncode


def test_progress_on_a_terminal_only(run, graph_file, machine_file, tmp_path):
    search = ("compare", graph_file, "-m", machine_file, "--solvers", "anneal", "--seconds", "0.8")
    shown, output, code = on_a_terminal(search, tmp_path)
    assert code == 0
    assert "evaluations, best" in shown
    assert "bound:" in output
    assert run(*search).stderr == ""


def test_ctrl_c_keeps_the_best_plan(graph_file, machine_file, tmp_path):
    arguments = (
        "optimize",
        graph_file,
        "-m",
        machine_file,
        "--solver",
        "anneal",
        "--seconds",
        "50",
    )
    _, output, code = on_a_terminal((*arguments, "-o", "p.txtpb"), tmp_path, interrupt_after=1.5)
    assert code == 0
    assert "best:" in output
    assert (tmp_path / "p.txtpb").exists()
