"""A trained policy, and the command line in processes of its own."""

import os
import subprocess
import sys

import pytest
from small_run import small_config

import gopt


@pytest.fixture
def config() -> gopt.TrainingConfig:
    return small_config()


@pytest.fixture(scope="session")
def graph() -> gopt.Graph:
    return gopt._core.synthetic("blocks(blocks=3, branches=4, depth=2)").graph


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> gopt.TrainingResult:
    """A finished run in a folder."""
    return gopt.train(small_config(evaluate_every=2), folder=tmp_path_factory.mktemp("run") / "run")


@pytest.fixture
def start(tmp_path):
    """start("train", ...) runs the command line in the background, in tmp_path."""
    started: list[subprocess.Popen] = []

    def start_command(*arguments: object, module=("-m", "gopt"), **environment: str):
        process = subprocess.Popen(
            [sys.executable, *module, *map(str, arguments)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        )
        started.append(process)
        return process

    yield start_command
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def run(start):
    """run("train", ...) to the end; run(..., code=2) expects that exit code."""

    def run_command(*arguments: object, code: int = 0, **options) -> tuple[str, str]:
        process = start(*arguments, **options)
        out, error = process.communicate(timeout=120)
        assert process.returncode == code, f"{arguments}\n{out}{error}"
        assert "Traceback" not in error
        return out, error

    return run_command
