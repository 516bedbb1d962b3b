"""Arguments that several commands share, and what they load."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass, field
from typing import Any

import gopt
from gopt import _core
from gopt._text import parse_bytes

DEFAULT_MACHINE = "p100x4"
TASKS = ("fusion", "placement", "scheduling")


class UsageError(Exception):
    """Arguments that do not fit together; the message is one line."""


@dataclass
class Loaded:
    """A graph, and what its file held besides."""

    graph: gopt.Graph
    machine: gopt.Machine | None = None
    expert_placement: list[int] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)


def add_graph(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "graph",
        metavar="GRAPH",
        help="a graph file of any known format, IMPORTER(OPTIONS):FILE, a workload (see `gopt "
        "workloads list`), or a generated graph: layered(ops=5000)",
    )


def add_plan(parser: argparse.ArgumentParser, required: bool = False) -> None:
    parser.add_argument(
        "plan_file", metavar="PLAN", nargs="?", help="a plan file made for this graph"
    )
    parser.add_argument("--plan", dest="plan_option", metavar="PLAN", help="the same")
    parser.set_defaults(plan_required=required)


def add_machine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-m",
        "--machine",
        metavar="M",
        help="a preset (see `gopt machines`) or a machine file; default: the one in the plan, base "
        f"plan or graph file, else {DEFAULT_MACHINE}",
    )
    parser.add_argument("--memory", metavar="SIZE", help="memory of every device: 12GiB")


def add_problem(parser: argparse.ArgumentParser) -> None:
    add_graph(parser)
    add_machine(parser)
    parser.add_argument("--constraints", metavar="FILE", help="constraints as text proto")
    parser.add_argument(
        "--backend", default="simulator", metavar="SPEC", help="what prices plans (simulator)"
    )
    parser.add_argument(
        "--tasks",
        type=_tasks,
        default=("placement", "scheduling"),
        metavar="LIST",
        help="what is decided, of fusion,placement,scheduling (placement,scheduling)",
    )
    parser.add_argument("--fusion", action="store_true", help="fusion is decided too")
    parser.add_argument(
        "--base-plan", metavar="PLAN", help="a plan file: what is not decided, and a start"
    )


def add_budget(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--evaluations", type=_count, metavar="N", help="plans that may be priced")
    parser.add_argument("--seconds", type=_seconds, metavar="S", help="wall clock")
    parser.add_argument("--seed", type=_count, default=0, metavar="K", help="default 0")
    parser.add_argument("--threads", type=_count, default=1, metavar="N", help="default 1")
    parser.add_argument(
        "--best-effort",
        action="store_true",
        help="give the least bad plan when nothing fits in memory",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def add_json_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json",
        nargs="?",
        const="-",
        metavar="FILE",
        help="write the result as JSON to a file; without FILE, to standard output, alone",
    )


def add_json_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_const", const="-", help="JSON on standard output")


def load_graph(name: str) -> Loaded:
    """From a file, generated, or the stored graph of that name, else captured from the workload."""
    is_path = os.sep in name or "." in name
    if os.path.exists(name) and (is_path or not os.path.isdir(name)):
        return _loaded(gopt.import_file(name))
    importer, parenthesis, path = name.partition("):")
    if parenthesis:
        return _loaded(gopt.import_file(path, importer=importer + ")"))
    if "(" in name:
        return _loaded(_core.synthetic(name))
    if is_path:
        raise UsageError(f"{name}: no such file")
    from gopt import workloads

    try:
        stored = workloads.info(name).stored
    except gopt.NotFoundError as error:
        raise UsageError(f"{name}: no such file, and {error}") from None
    return Loaded(workloads.load(name) if stored else workloads.capture(name))


def _loaded(imported: gopt.Imported) -> Loaded:
    return Loaded(imported.graph, imported.machine, imported.expert_placement, imported.figures)


def plan_path(arguments: argparse.Namespace) -> str | None:
    """The plan's file from either form; UsageError if both, or neither and one is required."""
    if arguments.plan_file and arguments.plan_option:
        raise UsageError("two plans are given; one is enough")
    path = arguments.plan_file or arguments.plan_option
    if path is None and arguments.plan_required:
        raise UsageError("a plan file is needed: gopt optimize GRAPH -o PLAN makes one")
    return path


def load_plan(arguments: argparse.Namespace, loaded: Loaded) -> gopt.PlanFile | None:
    path = plan_path(arguments)
    return None if path is None else gopt.PlanFile.load(path, loaded.graph)


def load_machine(
    arguments: argparse.Namespace, loaded: Loaded, plan: gopt.PlanFile | None = None
) -> gopt.Machine:
    """--machine, else the plan's, else the graph file's, else the default; then --memory."""
    machine = None if arguments.machine is None else gopt.Machine.from_spec(arguments.machine)
    if machine is None and plan is not None:
        machine = plan.machine
    if machine is None:
        machine = loaded.machine
    if machine is None:
        machine = gopt.Machine.preset(DEFAULT_MACHINE)
    if arguments.memory is not None:
        try:
            machine = machine.with_memory_limit(parse_bytes(arguments.memory))
        except ValueError as error:
            raise UsageError(f"--memory: {error}") from None
    return machine


def load_problem(
    arguments: argparse.Namespace, loaded: Loaded, plan: gopt.PlanFile | None = None
) -> gopt.Problem:
    constraints = None
    if arguments.constraints is not None:
        constraints = gopt.Constraints.load(arguments.constraints, loaded.graph)
    base = None
    if arguments.base_plan is not None:
        base = gopt.PlanFile.load(arguments.base_plan, loaded.graph)
    tasks = set(arguments.tasks) | ({"fusion"} if arguments.fusion else set())
    try:
        return gopt.Problem(
            loaded.graph,
            load_machine(arguments, loaded, plan or base),
            constraints,
            base_plan=None if base is None else base.plan,
            **{task: task in tasks for task in TASKS},
        )
    except gopt.GoptError as error:
        if base is None or not str(error).startswith("base plan"):
            raise
        raise UsageError(f"{arguments.base_plan}: {error}") from None


def budget(arguments: argparse.Namespace) -> dict[str, Any]:
    """Keyword arguments of optimize and compare."""
    return {
        "backend": arguments.backend,
        "evaluations": arguments.evaluations,
        "seconds": arguments.seconds,
        "seed": arguments.seed,
        "threads": arguments.threads,
        "best_effort": arguments.best_effort,
    }


def write_json(value: Any, target: str) -> None:
    """To a file, or to standard output for "-"."""
    text = json.dumps(value, indent=2) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)


def _count(text: str) -> int:
    value = _number(int, text, "whole number")
    if not 0 <= value < 2**62:
        raise argparse.ArgumentTypeError(f"{text} is not in 0 .. 2^62")
    return value


def _number(kind: type, text: str, noun: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no {noun}") from None


def _tasks(text: str) -> tuple[str, ...]:
    tasks = tuple(task.strip() for task in text.split(",") if task.strip())
    for task in tasks:
        if task not in TASKS:
            raise argparse.ArgumentTypeError(f"{task!r} is none of {', '.join(TASKS)}")
    return tasks


def _seconds(text: str) -> float:
    value = _number(float, text, "number")
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"{text} is not in 0 .. 1e9")
    return value
