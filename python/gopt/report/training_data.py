"""What the page of a training run shows, computed from its log.

Ratios are step time over the reference's, 1 being the reference and less being better. None stands
for what is not known.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Any

from gopt.training_log import RunProblem, TrainingLog

# Lines of the policy, in the order of the page's legends and tables.
MEAN, BEST, GREEDY, SAMPLES = "mean of samples", "best so far", "one decode", "best of 16"
# A larger run is drawn with every so many iterations only, to keep the page small.
MOST_POINTS = 1500
SET_NAMES = {"train": "training", "evaluation": "evaluation"}

Points = list[tuple[int, float]]  # (iteration, value), by iteration.


@dataclasses.dataclass(frozen=True)
class ProblemCurves:
    """One problem: what it is compared with, and how the policy's ratios went."""

    problem: RunProblem
    baselines: dict[str, float]  # Ratios of those with a plan.
    bound: float | None
    curves: dict[str, Points]  # By MEAN, BEST, GREEDY, SAMPLES; empty ones are left out.

    @property
    def name(self) -> str:
        return f"{self.problem.graph or self.problem.index} on {self.problem.machine}"

    @property
    def best_baseline(self) -> tuple[str, float] | None:
        return min(self.baselines.items(), key=lambda item: item[1], default=None)

    def last(self, name: str) -> float | None:
        points = self.curves.get(name)
        return points[-1][1] if points else None


@dataclasses.dataclass(frozen=True)
class Mean:
    """A geometric mean over the problems that have the ratio, of `of` problems."""

    ratio: float
    count: int
    of: int
    ahead: int  # Problems with a ratio below 1.


@dataclasses.dataclass(frozen=True)
class Clock:
    """What each iteration of the drawn ones is on the other axes."""

    iterations: tuple[int, ...]
    evaluations: tuple[float, ...]  # Empty if the log has none.
    seconds: tuple[float, ...]  # Empty if the log has none.


@dataclasses.dataclass(frozen=True)
class TrainingData:
    log: TrainingLog
    problems: tuple[ProblemCurves, ...]
    curves: dict[str, dict[str, Points]]  # By set, then by line: geometric means over problems.
    columns: dict[str, Points]  # All numbers of iterations by key; of `time` by "time.<key>".
    clock: Clock
    stride: int  # Every so many iterations are drawn.

    @property
    def sets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(p.problem.set for p in self.problems))

    def of_set(self, name: str) -> list[ProblemCurves]:
        return [p for p in self.problems if p.problem.set == name]

    def baselines(self, of_set: str) -> dict[str, Mean]:
        """Of each baseline with a plan for any problem of the set."""
        problems = self.of_set(of_set)
        names = dict.fromkeys(name for p in problems for name in p.baselines)
        means = {name: mean(p.baselines.get(name) for p in problems) for name in names}
        return {name: m for name, m in means.items() if m is not None}

    def reference_name(self, of_set: str) -> str:
        """The solver that made the references; empty if not the same for all problems."""
        solvers = {p.problem.reference_solver for p in self.of_set(of_set)}
        return solvers.pop() if len(solvers) == 1 else ""


def mean(ratios: Iterable[float | None]) -> Mean | None:
    """None if no problem has a ratio."""
    everything = list(ratios)
    known = [r for r in everything if r is not None and r > 0]
    if not known:
        return None
    ahead = sum(r < 1 for r in known)
    value = math.exp(math.fsum(math.log(r) for r in known) / len(known))
    return Mean(value, len(known), len(everything), ahead)


def gather(log: TrainingLog) -> TrainingData:
    stride = max(1, -(-len(log.iterations) // MOST_POINTS))
    points = _problem_points(log)
    problems = tuple(_problem_curves(p, points[p.set, p.index]) for p in log.run.problems)
    sets = list(dict.fromkeys(p.problem.set for p in problems)) or ["train"]
    return TrainingData(
        log=log,
        problems=tuple(_thinned_problem(p, stride) for p in problems),
        curves={name: _set_curves(log, problems, name, sets, stride) for name in sets},
        columns=_columns(log),
        clock=_clock(log),
        stride=stride,
    )


def _ratio(ns: float | None, reference_ns: int | None) -> float | None:
    return ns / reference_ns if ns and reference_ns and ns > 0 and reference_ns > 0 else None


def _points(pairs: Iterable[tuple[int, float | None]]) -> Points:
    return [(iteration, value) for iteration, value in pairs if value is not None]


def _problem_points(log: TrainingLog) -> dict[tuple[str, int], dict[str, Points]]:
    """The policy's ratios by (set, index) of the problem, then by line."""
    found: dict[tuple[str, int], dict[str, Points]] = {
        (p.set, p.index): {MEAN: [], BEST: [], GREEDY: [], SAMPLES: []} for p in log.run.problems
    }
    references = {(p.set, p.index): p.reference_ns for p in log.run.problems}
    for line in log.iterations:
        for p in line.problems:
            if of_problem := found.get(("train", p.index)):
                of_problem[MEAN] += _points([(line.iteration, p.ratio_mean)])
                of_problem[BEST] += _points([(line.iteration, p.ratio_best)])
    for line in log.evaluations:
        for p in line.problems:
            if of_problem := found.get((p.set, p.index)):
                reference = references[p.set, p.index]
                greedy, best = _ratio(p.greedy_ns, reference), _ratio(p.best_ns, reference)
                of_problem[GREEDY] += _points([(line.iteration, greedy)])
                of_problem[SAMPLES] += _points([(line.iteration, best)])
    return found


def _problem_curves(problem: RunProblem, curves: dict[str, Points]) -> ProblemCurves:
    reference = problem.reference_ns
    baselines = {name: _ratio(ns, reference) for name, ns in problem.baselines.items()}
    curves = {**curves, BEST: _running_best(curves[BEST])}
    return ProblemCurves(
        problem=problem,
        baselines={name: ratio for name, ratio in baselines.items() if ratio is not None},
        bound=_ratio(problem.lower_bound_ns, reference),
        curves={name: points for name, points in curves.items() if points},
    )


def _running_best(points: Points) -> Points:
    best = math.inf
    result = []
    for iteration, value in points:
        best = min(best, value)
        result.append((iteration, best))
    return result


def _set_curves(
    log: TrainingLog,
    problems: Sequence[ProblemCurves],
    name: str,
    sets: Sequence[str],
    stride: int,
) -> dict[str, Points]:
    curves: dict[str, Points] = {}
    if name == "train":
        curves[MEAN] = _points((line.iteration, line.ratio_mean) for line in log.iterations)
        curves[BEST] = _points((line.iteration, line.ratio_best) for line in log.iterations)
    of_set = [p for p in problems if p.problem.set == name]
    for key in (GREEDY, SAMPLES):
        curves[key] = _mean_curve([p.curves.get(key, []) for p in of_set])
    if not any(curves[key] for key in (GREEDY, SAMPLES)) and name == sets[-1]:
        # Without lines per problem the means of the log must do; they are of the last set.
        lines = log.evaluations
        curves[GREEDY] = _points((line.iteration, line.ratio_greedy) for line in lines)
        curves[SAMPLES] = _points((line.iteration, line.ratio_samples) for line in lines)
    return {key: thinned(points, stride) for key, points in curves.items() if points}


def _mean_curve(curves: Sequence[Points]) -> Points:
    """The geometric mean where any of the curves has a point."""
    values: dict[int, list[float]] = {}
    for points in curves:
        for iteration, value in points:
            values.setdefault(iteration, []).append(value)
    means = {iteration: mean(found) for iteration, found in sorted(values.items())}
    return [(iteration, m.ratio) for iteration, m in means.items() if m is not None]


def thinned(points: Points, stride: int) -> Points:
    """Every `stride`-th point, counted from the last."""
    return points[::-1][::stride][::-1] if len(points) > MOST_POINTS else points


def peaks(points: Points, stride: int) -> Points:
    """The point of largest size in each `stride`, so that what went wrong once is still seen."""
    if len(points) <= MOST_POINTS:
        return points
    return [
        max(points[begin : begin + stride], key=lambda point: abs(point[1]))
        for begin in range(0, len(points), stride)
    ]


def _thinned_problem(curves: ProblemCurves, stride: int) -> ProblemCurves:
    drawn = {name: thinned(points, stride) for name, points in curves.curves.items()}
    return dataclasses.replace(curves, curves=drawn)


def _columns(log: TrainingLog) -> dict[str, Points]:
    found: dict[str, Points] = {}
    for line in log.iterations:
        numbers: dict[str, Any] = {f"time.{k}": v for k, v in vars(line.time).items()}
        numbers |= vars(line)
        for key, value in numbers.items():
            if isinstance(value, int | float):
                found.setdefault(key, []).append((line.iteration, value))
    return found


def _clock(log: TrainingLog) -> Clock:
    """Over 0 and every iteration that has a line; what one lacks is as in the one before."""
    known: dict[int, list[float | None]] = {0: [None, None]}
    for line in (*log.iterations, *log.evaluations, *log.events):
        entry = known.setdefault(line.iteration, [None, None])
        for place, key in enumerate(("evaluations", "seconds")):
            value = getattr(line, key, None)
            entry[place] = value if entry[place] is None else entry[place]
    iterations = tuple(sorted(known))
    columns = []
    for place in (0, 1):
        values, last = [], 0.0
        for iteration in iterations:
            # Never backwards, whatever the log says: curves could not be read.
            last = max(last, known[iteration][place] or 0.0)
            values.append(last)
        columns.append(tuple(values) if last > 0 else ())
    return Clock(iterations, *columns)
