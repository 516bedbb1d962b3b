"""What a run of `gopt_bench_suite` or `gopt_bench_joint` left in its JSON file, for drawing.

Times are nanoseconds, ratios plain numbers; 0 stands for "not known", as in the file.
"""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any

FORMAT = "gopt_suite"
USUAL_REFERENCE = "expert_paper"


@dataclasses.dataclass(frozen=True)
class SuiteRow:
    """A workload on the machine of one setting."""

    setting: str
    name: str
    devices: int
    machine: str
    ops: int
    edges: int
    critical_path_ns: int
    lower_bound_ns: int


@dataclasses.dataclass(frozen=True)
class SuiteFigure:
    """One solver on one row, over its seeds."""

    solver: str
    outcome: str  # "ok", "out of memory" or "failed"
    reason: str
    seeds: int
    median_ns: int
    min_ns: int
    max_ns: int
    over_expert: float
    over_bound: float
    over_best: float
    peak_bytes: int
    evaluations: int
    seconds: float

    @property
    def ok(self) -> bool:
        return self.outcome == "ok"


@dataclasses.dataclass(frozen=True)
class SuiteMean:
    """One solver in one setting, over rows. `reduction`: of run time, against the reference."""

    reduction: float
    over_bound: float
    over_best: float
    rows: int
    left_out: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class SuiteRun:
    """One run of a search: how its best plan became better. Curve: (evaluations, best ns)."""

    seed: int
    budget: int
    evaluations: int
    starts: str
    deadline_seconds: float
    curve: tuple[tuple[int, int], ...]


@dataclasses.dataclass(frozen=True)
class SuiteData:
    """Everything in the file. Keys are (setting, row) and (setting, row, solver)."""

    rows: tuple[SuiteRow, ...]
    solvers: tuple[str, ...]
    figures: dict[tuple[str, str, str], SuiteFigure]
    means: dict[tuple[str, str], SuiteMean]  # By (setting, solver).
    runs: dict[tuple[str, str, str], tuple[SuiteRun, ...]]
    reference: str = USUAL_REFERENCE  # The solver that ratios are taken to.

    @property
    def settings(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.setting for row in self.rows))

    def rows_of(self, setting: str) -> tuple[SuiteRow, ...]:
        return tuple(row for row in self.rows if row.setting == setting)

    def figure(self, row: SuiteRow, solver: str) -> SuiteFigure | None:
        return self.figures.get((row.setting, row.name, solver))

    def solvers_of(self, setting: str) -> tuple[str, ...]:
        return tuple(solver for solver in self.solvers if (setting, solver) in self.means)

    def searches_of(self, row: SuiteRow) -> tuple[str, ...]:
        """Solvers that spent at least half of a budget of many plans, and so have a curve."""
        return tuple(
            solver
            for solver in self.solvers
            if any(
                run.budget > 1 and 2 * run.evaluations >= run.budget and run.curve
                for run in self.runs.get((row.setting, row.name, solver), ())
            )
        )


def is_suite_file(path: str | os.PathLike[str]) -> bool:
    """Whether the file begins as these programs write it."""
    try:
        with open(path, "rb") as file:
            return file.read(64).startswith(b'{"format": "' + FORMAT.encode() + b'"')
    except OSError:
        return False


def read_suite(path: str | os.PathLike[str]) -> SuiteData:
    """Reads the file. OSError if that fails; GoptError names the file and the field."""
    import gopt

    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        return _from_json(json.loads(text))
    except (KeyError, TypeError, ValueError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise gopt.GoptError(f"{os.fspath(path)}: no file of suite results: {what}") from error


def _from_json(content: dict[str, Any]) -> SuiteData:
    if content["format"] != FORMAT or content["format_version"] != 1:
        raise ValueError("another format or version")
    runs: dict[tuple[str, str, str], list[SuiteRun]] = {}
    for cell in content["cells"]:
        key = (cell["setting"], cell["row"], cell["solver"])
        runs.setdefault(key, []).append(_run(cell))
    return SuiteData(
        rows=tuple(_pick(SuiteRow, item) for item in content["rows"]),
        solvers=tuple(content["solvers"]),
        figures={
            (item["setting"], item["row"], item["solver"]): _pick(SuiteFigure, item)
            for item in content["figures"]
        },
        means={
            (item["setting"], item["solver"]): _pick(
                SuiteMean, {**item, "left_out": tuple(item["left_out"])}
            )
            for item in content["means"]
        },
        runs={key: tuple(of_key) for key, of_key in runs.items()},
        reference=content.get("reference", USUAL_REFERENCE),
    )


def _pick(kind: type, item: dict[str, Any]) -> Any:
    return kind(**{field.name: item[field.name] for field in dataclasses.fields(kind)})


def _run(cell: dict[str, Any]) -> SuiteRun:
    return SuiteRun(
        seed=cell["seed"],
        budget=cell["budget"],
        evaluations=cell["evaluations"],
        starts=cell["starts"],
        deadline_seconds=cell["deadline_seconds"],
        curve=tuple((int(point[0]), int(point[2])) for point in cell["curve"]),
    )
