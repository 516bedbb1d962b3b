"""The table that ends a training run: the policy against the classical solvers."""

from __future__ import annotations

from gopt._text import table, time_text
from gopt.training_log import RunProblem, TrainingLog

# Smaller differences count as none, as in the report of a run.
EQUAL = 5e-4

_HEADER = ("problem", "set", "reference", "best classical", "one decode", "best of 16", "found")


def summary(log: TrainingLog) -> str:
    """Step times over the reference's, per problem, after the last evaluation; and who won."""
    if not log.run.problems:
        return "no problems are in the log"
    rows, ahead = [], dict.fromkeys(("policy", "level", "classical"), 0)
    for problem in log.run.problems:
        greedy, samples = _evaluated(log, problem)
        name, classical = _best_classical(problem)
        winner = _winner([r for r in (greedy, samples) if r is not None], classical)
        ahead[winner] += 1
        rows.append(
            (
                f"{problem.graph} on {problem.machine}",
                "evaluation" if problem.set == "evaluation" else "training",
                time_text(problem.reference_ns or 0),
                f"{classical:.3f} {name}",
                _text(greedy),
                _text(samples),
                _text(_found(log, problem)),
                winner,
            )
        )
    verdict = (
        f"ahead on {len(rows)} problem(s): policy {ahead['policy']}, classical "
        f"{ahead['classical']}, level {ahead['level']}"
    )
    notes = (
        "Step time over the reference's, the best classical plan without search; less is better.\n"
        "found: the best plan while training, which priced many more plans than one decode."
    )
    return f"{table((*_HEADER, 'ahead'), rows, left=2)}\n\n{verdict}\n{notes}"


def _evaluated(log: TrainingLog, problem: RunProblem) -> tuple[float | None, float | None]:
    """Ratios of one decode and of the best of 16 in the last evaluation."""
    for line in log.evaluations[-1:]:
        for p in line.problems:
            if (p.set, p.index) == (problem.set, problem.index):
                return _ratio(p.greedy_ns, problem), _ratio(p.best_ns, problem)
    return None, None


def _found(log: TrainingLog, problem: RunProblem) -> float | None:
    if problem.set != "train":
        return None
    for line in reversed(log.iterations):
        for p in line.problems:
            if p.index == problem.index:
                return p.ratio_best
    return None


def _best_classical(problem: RunProblem) -> tuple[str, float]:
    ratios = {problem.reference_solver or "reference": 1.0}
    for name, ns in problem.baselines.items():
        ratio = _ratio(ns, problem)
        if ratio is not None:
            ratios.setdefault(name, ratio)
    name = min(ratios, key=lambda solver: ratios[solver])
    return name, ratios[name]


def _winner(policy: list[float], classical: float) -> str:
    best = min(policy, default=None)
    if best is None or best > classical * (1 + EQUAL):
        return "classical"
    return "policy" if best < classical * (1 - EQUAL) else "level"


def _ratio(ns: int | None, problem: RunProblem) -> float | None:
    return ns / problem.reference_ns if ns and problem.reference_ns else None


def _text(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.3f}"
