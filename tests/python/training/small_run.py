"""A problem and a configuration that trains on it in a second."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import gopt

GRAPH, MACHINE = "layered(ops=40)", "p100x2"


def small_config(**fields) -> gopt.TrainingConfig:
    config = gopt.TrainingConfig(
        problem=[(GRAPH, MACHINE)],
        iterations=3,
        evaluate_every=0,
        threads=1,
        network={"width": 16, "attention_heads": 2, "attention_layers": 1, "segment": 32},
        ppo={"samples": 4, "epochs": 2},
    )
    config.update(**fields)
    return config


def wait_for_lines(path: Path, count: int, process: subprocess.Popen) -> None:
    """Until the log has so many lines."""
    wait_for(lambda: path.exists() and path.read_bytes().count(b"\n") >= count, process)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen) -> None:
    """Until it holds; fails where the process ends before."""
    for _ in range(3000):
        if condition():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    raise AssertionError("nothing happens")
