"""Runs the command line as a user does, in a process of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import gopt

TEXT = (
    "x:input[bytes=1000] -> a1:matmul[time=50000,bytes=1000] -> a2:relu[time=30000,bytes=1000];"
    "x -> b1:matmul[time=40000,bytes=1000] -> b2:relu[time=40000,bytes=1000];"
    "a2, b2 -> join:add[time=1000,bytes=10] -> y:output;"
    "w:parameter[bytes=4000,copies=2] -> a1; w -> step:optimizer[time=100]"
)

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def run(tmp_path) -> Run:
    """run("info", "g.gopt") in a folder of its own; run(..., code=2) expects that exit code."""

    def run_command(*arguments: object, code: int = 0) -> subprocess.CompletedProcess:
        program = "import sys, gopt.cli; sys.exit(gopt.cli.main())"
        done = subprocess.run(
            [sys.executable, "-c", program, *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, f"{done.args}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    return run_command


@pytest.fixture
def graph_file(tmp_path) -> Path:
    path = tmp_path / "g.gopt"
    gopt.parse_graph(TEXT).save(path)
    return path


@pytest.fixture
def machine_file(tmp_path) -> Path:
    path = tmp_path / "two.txtpb"
    gopt.Machine.uniform(2).save(path)
    return path


@pytest.fixture
def plan_file(graph_file, machine_file, tmp_path) -> Path:
    path = tmp_path / "plan.txtpb"
    graph = gopt.Graph.load(graph_file)
    gopt.optimize(graph, str(machine_file), "heft", baselines=()).save(path)
    return path
