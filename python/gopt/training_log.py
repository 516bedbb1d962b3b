"""Reads `metrics.jsonl`, which a training run writes: one JSON object a line.

    log = gopt.training_log.read("runs/first")
    print([line.ratio_mean for line in log.iterations])

docs/metrics.md defines every key. The fields of the dataclasses below are the keys; a number that
is null, not finite or absent is None. Needs neither torch nor plotly.
"""

from __future__ import annotations

import functools
import json
import math
import os
import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from gopt.errors import InvalidArgumentError

METRICS_FILE = "metrics.jsonl"
CONFIG_FILE = "config.txtpb"


@dataclass(frozen=True)
class RunProblem:
    """A problem of the run. Times are nanoseconds."""

    set: str  # "train" or "evaluation"
    index: int  # In its set.
    graph: str = ""
    machine: str = ""
    devices: int | None = None
    ops: int | None = None
    reference_ns: int | None = None
    reference_solver: str = ""
    lower_bound_ns: int | None = None
    baselines: dict[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class RunLine:
    """What was run: the first line, and again after each resume."""

    name: str = ""
    version: str = ""
    seed: int | None = None
    config: str = ""
    decoder: str = ""
    tasks: tuple[str, ...] = ()
    parameters: int | None = None
    problems: tuple[RunProblem, ...] = ()


@dataclass(frozen=True)
class IterationProblem:
    """A problem of an iteration's batch."""

    index: int
    ratio_mean: float | None = None
    ratio_best: float | None = None


@dataclass(frozen=True)
class TimeSplit:
    """Where an iteration's seconds went."""

    network_forward: float | None = None
    decode: float | None = None
    evaluate: float | None = None
    network_update: float | None = None
    other: float | None = None


@dataclass(frozen=True)
class IterationLine:
    """One iteration: samples, prices, update."""

    iteration: int
    evaluations: int | None = None
    reward_mean: float | None = None
    reward_best: float | None = None
    ratio_mean: float | None = None
    ratio_best: float | None = None
    entropy: float | None = None
    policy_loss: float | None = None
    value_loss: float | None = None
    output_l2: float | None = None
    clip_fraction: float | None = None
    approximate_kl: float | None = None
    ratio_limit_fraction: float | None = None
    explained_variance: float | None = None
    gradient_norm: float | None = None
    learning_rate: float | None = None
    entropy_coefficient: float | None = None
    infeasible_fraction: float | None = None
    failed_fraction: float | None = None
    skipped_updates: int | None = None
    problems: tuple[IterationProblem, ...] = ()
    seconds: float | None = None
    time: TimeSplit = TimeSplit()


@dataclass(frozen=True)
class EvaluationProblem:
    """What the policy did with one problem. Times are nanoseconds."""

    set: str
    index: int
    greedy_ns: int | None = None
    best_ns: int | None = None


@dataclass(frozen=True)
class EvaluationLine:
    """The policy tried without learning."""

    iteration: int
    evaluations: int | None = None
    ratio_greedy: float | None = None
    ratio_samples: float | None = None
    problems: tuple[EvaluationProblem, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True)
class EventLine:
    """ "checkpoint", "resumed", "restored" or "stopped"."""

    iteration: int
    event: str
    reason: str = ""
    seconds: float | None = None


# Line by its "kind". Other kinds are passed over: a later version may write more.
KINDS: dict[str, type] = {
    "run": RunLine,
    "iteration": IterationLine,
    "evaluation": EvaluationLine,
    "event": EventLine,
}


@dataclass(frozen=True)
class TrainingLog:
    """All lines of a run, in the order of the file. Iterations ascend."""

    path: Path  # Of the file.
    runs: tuple[RunLine, ...]  # At least one.
    iterations: tuple[IterationLine, ...]
    evaluations: tuple[EvaluationLine, ...]
    events: tuple[EventLine, ...]
    warnings: tuple[str, ...]  # What was left out of the file, and why.
    config: str  # The text of the configuration; empty if neither the log nor the folder has it.

    @property
    def run(self) -> RunLine:
        """What is true of the run now."""
        return self.runs[-1]


def is_training_run(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a folder that a training run writes to, or its log."""
    path = Path(path)
    return (path / METRICS_FILE).is_file() or (path.suffix == ".jsonl" and path.is_file())


def read(path: str | os.PathLike[str]) -> TrainingLog:
    """Reads the log of a run, given the folder or the file; the run may still be going on.

    A last line that a kill cut short is left out with a warning in the result, and so are lines
    that a resumed run wrote anew. OSError if the file cannot be read; InvalidArgumentError names
    the file, the line and the key that break the contract.
    """
    path = Path(path)
    path = path / METRICS_FILE if path.is_dir() else path
    return parse(path.read_bytes(), path)


def parse(text: bytes, path: Path) -> TrainingLog:
    """As read(), of a file's content; the path is for messages and to find the configuration."""
    lines: dict[type, list[Any]] = {kind: [] for kind in KINDS.values()}
    warnings: list[str] = []
    for line in _lines(text, path, warnings):
        of_kind = lines[type(line)]
        if isinstance(line, IterationLine | EvaluationLine):
            _drop_from(of_kind, line.iteration, warnings)
        of_kind.append(line)
    if not lines[RunLine]:
        raise InvalidArgumentError(f'{path}: no log of a training run: no line of kind "run"')
    return TrainingLog(
        path=path,
        runs=tuple(lines[RunLine]),
        iterations=tuple(lines[IterationLine]),
        evaluations=tuple(lines[EvaluationLine]),
        events=tuple(lines[EventLine]),
        warnings=tuple(warnings),
        config=lines[RunLine][-1].config or _text(path.with_name(CONFIG_FILE)),
    )


def parse_line(text: str | bytes, where: str = "line") -> Any:
    """The dataclass of one line; None for a kind that is not known. InvalidArgumentError."""
    try:
        item = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"{where}: no JSON: {error}") from error
    return _line(item, where)


def _line(item: Any, where: str) -> Any:
    if not isinstance(item, dict) or not isinstance(item.get("kind"), str):
        raise InvalidArgumentError(f'{where}: no JSON object with a text "kind"')
    return _decode(KINDS[item["kind"]], item, where) if item["kind"] in KINDS else None


def _lines(content: bytes, path: Path, warnings: list[str]) -> Iterator[Any]:
    """The lines of known kinds."""
    texts = [(i, text) for i, text in enumerate(content.split(b"\n"), 1) if text.strip()]
    for number, text in texts:
        where = f"{path}:{number}"
        try:
            item = json.loads(text)
        except (ValueError, RecursionError) as error:
            if number == texts[-1][0]:
                warnings.append(f"line {number}, the last, was cut short and is left out")
                return
            raise InvalidArgumentError(f"{where}: no JSON: {error}") from error
        line = _line(item, where)
        if line is not None:
            yield line


def _drop_from(lines: list[Any], iteration: int, warnings: list[str]) -> None:
    """A line of this iteration comes next: earlier ones of it and of later ones are void."""
    dropped = 0
    while lines and lines[-1].iteration >= iteration:
        lines.pop()
        dropped += 1
    if dropped:
        warnings.append(f"iteration {iteration} was written again: {dropped} older left out")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def _decode(kind: Any, value: Any, where: str) -> Any:
    """`value` of a JSON text as a value of type `kind`."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:  # A number, or None.
        return None if value is None else _number(arguments[0], value, where)
    if origin is tuple:
        _check(isinstance(value, list), "an array", where)
        return tuple(_decode(arguments[0], v, f"{where}[{i}]") for i, v in enumerate(value))
    if origin is dict:
        _check(isinstance(value, dict), "an object", where)
        return {name: _decode(arguments[1], v, f"{where}: {name}") for name, v in value.items()}
    if is_dataclass(kind):
        return _decode_object(kind, value, where)
    if kind is str:
        _check(isinstance(value, str), "a text", where)
        return value
    return _number(kind, value, where, required=True)


_hints = functools.cache(typing.get_type_hints)


def _decode_object(kind: Any, value: Any, where: str) -> Any:
    _check(isinstance(value, dict), "an object", where)
    hints = _hints(kind)
    found = {}
    for key in fields(kind):
        if value.get(key.name) is not None:
            found[key.name] = _decode(hints[key.name], value[key.name], f"{where}: {key.name}")
        elif key.default is MISSING and key.default_factory is MISSING:
            raise InvalidArgumentError(f"{where}: no {key.name}")
    return kind(**found)


def _number(kind: type, value: Any, where: str, *, required: bool = False) -> Any:
    """An int or a float; None for what is not finite."""
    _check(isinstance(value, int | float) and not isinstance(value, bool), "a number", where)
    _check(not isinstance(value, int) or abs(value) < 2**63, "a number of 64 bits", where)
    if not math.isfinite(value):
        _check(not required, "a finite number", where)
        return None
    _check(kind is float or value == int(value), "an integer", where)
    return kind(value)


def _check(holds: bool, what: str, where: str) -> None:
    if not holds:
        raise InvalidArgumentError(f"{where}: is not {what}")
