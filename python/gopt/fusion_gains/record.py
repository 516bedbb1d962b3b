"""Makes the table: captures the workloads, chooses groups, compiles, checks and times them."""

from __future__ import annotations

import dataclasses
import datetime
import json
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import fx

import gopt.workloads
from gopt.calibration.cache import environment
from gopt.calibration.measure import quiet_torch
from gopt.capture.step import Captured
from gopt.fusion_gains import compiled
from gopt.fusion_gains.choose import Choice, ChooseOptions, choose
from gopt.fusion_gains.describe import describe
from gopt.fusion_gains.rebuild import Group
from gopt.fusion_gains.table import CLASSES, Row, Table
from gopt.fusion_gains.timing import TimingOptions, keep_memory, time_in_turn

# Real layers, few of them, at sizes that one core runs in milliseconds.
WORKLOADS: dict[str, dict[str, Any]] = {
    "rnnlm-small": {"workload": "rnnlm-small"},
    "rnnlm": {"workload": "rnnlm2", "steps": 3},
    "gnmt": {"workload": "gnmt2", "source": 3, "target": 3, "batch": 32},
    "txl-small": {"workload": "txl-small"},
    "txl": {"workload": "txl2", "batch": 4, "segments": 2},
    "gpt-small": {"workload": "gpt-small"},
    "gpt": {"workload": "gpt", "layers": 1, "batch": 1, "micro_batches": 1, "sequence": 256,
            "vocabulary": 4000},
    "vit": {"workload": "vit", "layers": 1, "batch": 2, "micro_batches": 1},
    "unet": {"workload": "unet", "batch": 2, "micro_batches": 1, "channels": 64, "blocks": 1},
    "wavenet": {"workload": "wavenet2", "stacks": 1, "layers": 3, "batch": 1},
    "wavenet-small": {"workload": "wavenet-small"},
    "inception": {"workload": "inception32", "batch": 1},
    "amoebanet": {"workload": "amoebanet", "cells": 3, "batch": 1, "filters": 64},
    "llama": {"workload": "llama", "layers": 1, "batch": 1, "micro_batches": 1, "sequence": 128,
              "vocabulary": 4000},
    "dlrm": {"workload": "dlrm", "tables": 8, "batch": 512, "micro_batches": 1},
    "moe": {"workload": "moe", "layers": 2, "batch": 1, "micro_batches": 1, "sequence": 128,
            "vocabulary": 4000},
    "clip-small": {"workload": "clip-small"},
    "clip": {"workload": "clip", "layers": 1, "batch": 4, "micro_batches": 1, "vocabulary": 4000},
    "clip16": {"workload": "clip", "layers": 1, "batch": 16, "micro_batches": 1,
               "vocabulary": 4000},
}  # fmt: skip

Progress = Callable[[str], None]


def capture_all(workloads: dict[str, dict[str, Any]], progress: Progress) -> dict[str, Captured]:
    steps = {}
    for name, options in workloads.items():
        progress(f"capturing {name}")
        sizes = {key: value for key, value in options.items() if key != "workload"}
        steps[name] = gopt.workloads.make(options["workload"], **sizes).capture()
    return steps


def compile_all(
    folder: Path,
    options: ChooseOptions | None = None,
    workloads: dict[str, dict[str, Any]] | None = None,
    progress: Progress = print,
) -> None:
    """Compiles every chosen group in both forms into the folder; goes on where it was stopped."""
    options = options or ChooseOptions()
    steps = capture_all(workloads or WORKLOADS, progress)
    choices = _in_turn(choose(steps, options))
    folder.mkdir(parents=True, exist_ok=True)
    with compiled.own_cache():
        compiled.compile_nothing(folder / "nothing.pt2")
        for i, (turn, choice) in enumerate(choices):
            step, note = steps[choice.workload], folder / f"{choice.name}.json"
            progress(f"compiling {i + 1}/{len(choices)}: {choice.group_class}, {choice.workload}")
            if not note.exists():
                note.write_text(json.dumps(_compile(step, choice, folder)))
            if turn < options.alone and "error" not in json.loads(note.read_text()):
                _compile_alone(step, choice, folder)


def measure_all(
    folder: Path,
    options: ChooseOptions | None = None,
    timing: TimingOptions | None = None,
    workloads: dict[str, dict[str, Any]] | None = None,
    progress: Progress = print,
) -> Table:
    """Checks and times what compile_all left in the folder."""
    workloads, timing = workloads or WORKLOADS, timing or TimingOptions()
    steps = capture_all(workloads, progress)
    choices = choose(steps, options or ChooseOptions())
    rows: dict[str, Row] = {}
    failures: dict[str, str] = {}
    keep_memory()
    with quiet_torch(threads=1):
        for i, choice in enumerate(choices * timing.passes):
            progress(f"timing {i + 1}: {choice.group_class}, {choice.workload}")
            try:
                row = _measure(steps[choice.workload], choice, folder, timing)
                rows[row.name] = _fastest(rows.get(row.name, row), row)
            except _Failure as failure:
                failures[describe(steps[choice.workload], choice).name] = str(failure)
        nothing = compiled.load(folder / "nothing.pt2")
        one = torch.ones(1)
        call = time_in_turn({"call": lambda: nothing([one, one])}, timing)["call"].ns
    return Table(_environment(), workloads, call, list(failures.items()), list(rows.values()))


def _fastest(a: Row, b: Row) -> Row:
    """Form by form the faster one of two measurements of a group."""
    best: dict[str, Any] = {}
    for form in ("fused", "apart", "eager", "alone"):
        row = min((a, b), key=lambda row: getattr(row, f"{form}_ns"))
        best |= {f"{form}_{what}": getattr(row, f"{form}_{what}") for what in ("ns", "spread")}
    ops = tuple(min(pair, key=lambda op: op.eager_ns) for pair in zip(a.ops, b.ops, strict=True))
    return dataclasses.replace(a, ops=ops, **best)


def _in_turn(choices: Sequence[Choice]) -> list[tuple[int, Choice]]:
    """One of each class after the other, with the number of the turn: a run that is cut short has
    some of all."""
    seen: Counter[str] = Counter()
    turns = []
    for choice in choices:
        turns.append((seen[choice.group_class], choice))
        seen[choice.group_class] += 1
    return sorted(turns, key=lambda pair: pair[0])


class _Failure(Exception):
    """A group that cannot stand in the table."""


def _is_contraction(choice: Choice) -> bool:
    return choice.group_class == CLASSES[0]


def _arguments(group: Group, choice: Choice) -> tuple[dict[fx.Node, torch.Tensor], list[Any]]:
    """Constants (weights of a contraction, which the compiler may lay out anew), and the rest."""
    values = dict(zip(group.inputs, group.tensors(), strict=True))
    held = {n for n in values if _is_contraction(choice) and group.is_parameter(n)}
    constants = {node: values[node] for node in held}
    return constants, [value for node, value in values.items() if node not in held]


def _compile(step: Captured, choice: Choice, folder: Path) -> dict[str, Any]:
    group = Group(step, choice.ops)
    constants, arguments = _arguments(group, choice)
    kernels: dict[str, Any] = {}
    for form in ("fused", "apart"):
        module = group.module(separate=form == "apart", constants=constants)
        path = folder / f"{choice.name}-{form}.pt2"
        try:
            kernels[form] = compiled.compile_group(
                module, arguments, path, templates=bool(constants)
            )
        except Exception as error:  # Whatever the compiler raises: the group is listed as failed.
            reason = str(error).strip().splitlines()[0][:200]
            return {"error": f"{form}: {type(error).__name__}: {reason}"}
    return kernels


def _compile_alone(step: Captured, choice: Choice, folder: Path) -> None:
    for i, op in enumerate(choice.ops):
        path = folder / f"{choice.name}-{i}.pt2"
        if not path.exists():
            group = Group(step, [op])
            constants, arguments = _arguments(group, choice)
            module = group.module(constants=constants)
            compiled.compile_group(module, arguments, path, templates=bool(constants))


def _load_alone(step: Captured, choice: Choice, folder: Path) -> dict[str, Callable[[], Any]]:
    """A function that runs all ops by packages of their own, if they are there."""
    paths = [folder / f"{choice.name}-{i}.pt2" for i in range(len(choice.ops))]
    if not all(path.exists() for path in paths):
        return {}
    calls = [
        (compiled.load(path), _arguments(Group(step, [op]), choice)[1])
        for path, op in zip(paths, choice.ops, strict=True)
    ]
    return {"alone": lambda: [run(list(arguments)) for run, arguments in calls]}


def _measure(step: Captured, choice: Choice, folder: Path, timing: TimingOptions) -> Row:
    note = folder / f"{choice.name}.json"
    kernels = json.loads(note.read_text()) if note.exists() else {"error": "not compiled"}
    if "error" in kernels:
        raise _Failure(kernels["error"])
    group = Group(step, choice.ops)
    constants, arguments = _arguments(group, choice)
    module = group.module(constants=constants)
    forms = {
        form: compiled.load(folder / f"{choice.name}-{form}.pt2") for form in ("fused", "apart")
    }
    error = max(_error(run(list(arguments)), module(*arguments)) for run in forms.values())
    if not error < 1e-3:
        raise _Failure(f"results differ by {error:.2g} of 1 + their size")
    times = time_in_turn(
        {
            "fused": lambda: forms["fused"](list(arguments)),
            "apart": lambda: forms["apart"](list(arguments)),
            "eager": lambda: module.forward(*arguments),
            **_load_alone(step, choice, folder),
        },
        timing,
    )
    alone = _time_ops(group, step, choice.ops, module, arguments)
    row = describe(step, choice)
    return dataclasses.replace(
        row,
        ops=tuple(
            dataclasses.replace(op_row, eager_ns=alone[op])
            for op_row, op in zip(row.ops, choice.ops, strict=True)
        ),
        fused_kernels=kernels["fused"],
        apart_kernels=kernels["apart"],
        **{f"{form}_ns": time.ns for form, time in times.items()},
        **{f"{form}_spread": time.spread for form, time in times.items()},
        largest_error=error,
    )


def _error(got: Sequence[torch.Tensor], wanted: Sequence[torch.Tensor]) -> float:
    errors = [0.0]
    for a, b in zip(got, wanted, strict=True):
        difference = (a.double() - b.double()).abs() / (1 + b.double().abs())
        errors.append(float(difference.max()) if difference.numel() else 0.0)
    return max(errors)


class _Listener(fx.Interpreter):
    """Keeps the arguments of the calls of these nodes, by name."""

    def __init__(self, module: fx.GraphModule, names: set[str]) -> None:
        super().__init__(module)
        self._names = names
        self.calls: dict[str, Callable[[], Any]] = {}

    def run_node(self, n: fx.Node) -> Any:
        if n.name in self._names:
            args, kwargs = self.fetch_args_kwargs_from_env(n)
            self.calls[n.name] = lambda: n.target(*args, **kwargs)
        return super().run_node(n)


def _time_ops(
    group: Group, step: Captured, ops: Sequence[int], module: fx.GraphModule, arguments: list[Any]
) -> dict[int, float]:
    heads = {op: step.nodes[op][0].name for op in ops}
    listener = _Listener(module, set(heads.values()))
    listener.run(*arguments)
    times = time_in_turn(listener.calls, TimingOptions(seconds=0.15, rounds=5))
    return {op: times[name].ns for op, name in heads.items()}


def _environment() -> dict[str, Any]:
    compiler = subprocess.run(["c++", "--version"], capture_output=True, text=True, check=False)
    return {
        **environment(threads=1),
        "compiler": compiler.stdout.split("\n")[0],
        "day": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
