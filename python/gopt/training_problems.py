"""Problems given to `gopt.train` as objects: the files that a configuration names them by."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gopt import _core
from gopt.errors import InvalidArgumentError

TASKS = ("fusion", "placement", "scheduling")
_LIMITS = ("max_ops", "max_operands", "on_chip_bytes")


def given_problems(config: Any, machine: Any) -> Sequence[Any] | None:
    """What the first arguments of `gopt.train` say, if they are problems: a list of them."""
    if machine is not None:
        if isinstance(config, _core.Problem):
            raise InvalidArgumentError("machine: a Problem is given, which has its own already")
        return [(config, machine)]
    if isinstance(config, _core.Problem):
        return [config]
    return config if isinstance(config, list | tuple) and config else None


def config_of(problems: Sequence[Any], store: Path | None) -> _core.TrainingConfig:
    """A configuration with these problems, and with the open tasks of those that say them.

    Args:
      problems: Problem, TrainingProblem, (graph, machine) or (graph, machine, constraints) each.
      store: Folder for the files of what is an object; made when needed.
    """
    made = _core.TrainingConfig(problem=[_entry(problem, store) for problem in problems])
    tasks = {tuple(getattr(p, t) for t in TASKS) for p in problems if isinstance(p, _core.Problem)}
    if len(tasks) > 1:
        raise InvalidArgumentError("the problems differ in their open tasks: a run has one policy")
    for values in tasks:
        made.update(**dict(zip(TASKS, values, strict=True)))
    first = made.problem[0].graph if len(problems) == 1 else ""
    if re.fullmatch(r"[\w.-]+", first):
        made.name = first
    return made


def check_tasks(problems: Sequence[Any], config: _core.TrainingConfig) -> None:
    """Settings must not open or close what a Problem has otherwise."""
    for problem in problems:
        for task in TASKS:
            if getattr(problem, task, None) not in (None, getattr(config, task)):
                raise InvalidArgumentError(f"{task}: a Problem is given, which has its own already")


def _entry(problem: Any, store: Path | None) -> Any:
    if isinstance(problem, _core.TrainingProblem):
        return problem
    if isinstance(problem, _core.Problem):
        _check_kept(problem)
        problem = (problem.graph, problem.machine, problem.constraints)
    if not isinstance(problem, list | tuple) or len(problem) not in (2, 3):
        raise InvalidArgumentError(f"a problem is (graph, machine), not {problem!r:.60}")
    graph, machine, *constraints = problem
    if isinstance(graph, _core.Problem):
        raise InvalidArgumentError("machine: a Problem is given, which has its own already")
    return (
        _named_graph(graph, store),
        _named_text(machine, _core.Machine, "machine", store),
        *(_named_text(c, _core.Constraints, "constraints", store) for c in constraints),
    )


def _check_kept(problem: _core.Problem) -> None:
    limits, default = problem.fusion_limits, _core.FusionLimits()
    lost = [] if problem.base_plan is None else ["base_plan"]
    if any(getattr(limits, name) != getattr(default, name) for name in _LIMITS):
        lost.append("fusion_limits")
    if lost:
        raise InvalidArgumentError(
            f"{', '.join(lost)} of a Problem: a training configuration cannot hold this; give a "
            "Problem without it (what placement=False or scheduling=False of the configuration "
            "close is taken from the best classical plan)"
        )


def _named_graph(value: Any, store: Path | None) -> str:
    """What a configuration calls a graph; an object becomes a file."""
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)
    graph = getattr(value, "graph", value)
    if not isinstance(graph, _core.Graph):
        raise InvalidArgumentError(f"no graph: {value!r:.60}")
    path = _in(store, f"{_stem(graph.name) or 'graph'}-{graph.fingerprint:016x}.gopt")
    graph.save(path)
    return str(path)


def _named_text(value: Any, kind: type, word: str, store: Path | None) -> str:
    """The same for a machine or constraints; the empty ones are called \"\"."""
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)
    if not isinstance(value, kind):
        raise InvalidArgumentError(f"no {word}: {value!r:.60}")
    if getattr(value, "empty", False):
        return ""
    return _text_file(store, _stem(getattr(value, "name", "")) or word, value.to_text())


def _text_file(store: Path | None, stem: str, text: str) -> str:
    """Files of unlike objects that are called alike have names of their own."""
    path = _in(store, f"{stem}-{zlib.crc32(text.encode()):08x}.txtpb")
    # Whole at any moment: other processes of the run write and read the same file.
    whole = path.with_name(f".{path.name}.{os.getpid()}")
    whole.write_text(text, encoding="utf-8")
    whole.replace(path)
    return str(path)


def _in(store: Path | None, name: str) -> Path:
    if store is None:
        raise InvalidArgumentError(f"{name}: there is no folder for what is given as an object")
    store.mkdir(parents=True, exist_ok=True)
    return store / name


def _stem(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)
