"""Fills the template of a training run's page."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

from gopt.training_log import TrainingLog

from . import training_figures as figures
from .data import format_time
from .page import figure_html, render_template
from .training_data import (
    BEST,
    GREEDY,
    SAMPLES,
    SET_NAMES,
    Mean,
    ProblemCurves,
    TrainingData,
    gather,
    mean,
)

POLICY_ROWS = {
    BEST: "policy, best found in training",
    SAMPLES: "policy, best of 16 samples",
    GREEDY: "policy, one decode",
}
BEST_BASELINE_ROW, REFERENCE_ROW = "best baseline of each problem", "reference"
BOUND_ROW = "lower bound"
# A ratio this near to 1 is told as equal.
EQUAL = 0.0005


def render_training(log: TrainingLog, version: str, *, title: str) -> str:
    """The page as one self-contained HTML text."""
    data = gather(log)
    drawn = {
        "ratios": figures.ratios(data),
        "events": figures.events(data),
        "problems": figures.problems(data),
        "health": figures.health(data),
        "time": figures.time_split(data),
    }
    return render_template(
        "training.html.jinja",
        title=title or log.run.name or "training run",
        facts=_facts(data),
        lead=lead(data),
        notes=_notes(data),
        cards=_cards(data),
        standing=_standing(data),
        problems=[_problem_row(p) for p in data.problems],
        constants=", ".join(f"{name} {value:.4g}" for name, value in figures.constants(data)),
        happened=[_event_row(data, e) for e in log.events if e.event != "checkpoint"],
        shares=_time_shares(data),
        config=log.config,
        figures={k: figure_html(f, k) for k, f in drawn.items() if f is not None},
        axes=_axes(data),
        clock=Markup(json.dumps(_clock(data))),
        max_panels=figures.MAX_PANELS,
        version=version,
    )


def lead(data: TrainingData) -> list[str]:
    """Whether the policy beats what it is compared with, in numbers."""
    if not data.log.iterations and not data.log.evaluations:
        return ["No iteration has ended yet, so there is nothing to compare."]
    sentences = []
    best = _against(data, "train", BEST)
    if best:
        sentences.append(f"The best plans found while training need {best}.")
    for of_set in ("evaluation", "train"):
        greedy = _against(data, of_set, GREEDY)
        samples = _against(data, of_set, SAMPLES)
        if not greedy and not samples:
            continue
        where = "never trained on" if of_set == "evaluation" else "trained on"
        clauses = [f"the best of 16 samples needs {samples}"] if samples else []
        clauses += [f"one decode needs {greedy}"] if greedy else []
        sentences.append(f"On problems {where}, {'; '.join(clauses)}.")
    return [verdict(data), *sentences, *_better_before(data)]


def verdict(data: TrainingData) -> str:
    """One plain sentence on the last evaluation, or without any on the plans found in training."""
    for of_set, key, who in (
        ("evaluation", SAMPLES, "On problems that it never saw, the policy (best of 16 samples)"),
        ("train", SAMPLES, "On the problems it trained on, the policy (best of 16 samples)"),
        ("train", BEST, "The search for plans that training is (not yet evaluated as a policy)"),
    ):
        problems = data.of_set(of_set)
        reference = mean(p.last(key) for p in problems)
        if reference is None:
            continue
        baseline = mean(_over_best_baseline(p, key) for p in problems)
        opponents = [("the reference", reference)]
        opponents += [("the best baseline of each problem", baseline)] if baseline else []
        beaten = [name for name, m in opponents if m.ratio < 1 - EQUAL]
        others = [name for name, _ in opponents if name not in beaten]
        if not beaten:
            return f"{who} does not beat {' or '.join(others)}."
        but = f", but not {others[0]}" if others else ""
        return f"{who} beats {' and '.join(beaten)}{but}."
    return "Nothing can be compared: no feasible plan, or no reference, has been logged."


def _over_best_baseline(problem: ProblemCurves, key: str) -> float | None:
    """To the fastest of all baselines of this problem, which is no worse than any one solver."""
    ratio, baseline = problem.last(key), problem.best_baseline
    return ratio / baseline[1] if ratio and baseline else None


def _against(data: TrainingData, of_set: str, key: str) -> str:
    """ "3.2 % less time than the reference (ahead on 2 of 3) and ..."; empty if not known."""
    problems = data.of_set(of_set)
    reference = mean(p.last(key) for p in problems)
    baseline = mean(_over_best_baseline(p, key) for p in problems)
    if reference is None:
        return ""
    text = _versus(reference, "the reference")
    if baseline is not None:
        text += " and " + _versus(baseline, "the best baseline of each problem")
    return text


def _versus(m: Mean, whom: str) -> str:
    percent = 100 * abs(m.ratio - 1)
    change = f"{percent:.1f}\u00a0% {'less' if m.ratio < 1 else 'more'} time than {whom}"
    if percent < 100 * EQUAL:
        change = f"as much time as {whom}"
    if m.of == 1:
        return change
    left_out = "" if m.count == m.of else f", {m.of - m.count} left out"
    return f"{change} (ahead on {m.ahead} of {m.count}{left_out})"


def _better_before(data: TrainingData) -> list[str]:
    """Says so if an earlier evaluation was better than the last, on which the rest rests."""
    of_set = "evaluation" if data.of_set("evaluation") else "train"
    points = data.curves.get(of_set, {}).get(SAMPLES, [])
    if len(points) < 2:
        return []
    iteration, best = min(points, key=lambda point: point[1])
    last = points[-1][1]
    if best > last * (1 - 10 * EQUAL):
        return []
    return [
        f"The evaluation at iteration {iteration:,} was better than the last: {best:.3f} of the"
        f" reference against {last:.3f}, best of 16 samples."
    ]


def _notes(data: TrainingData) -> list[str]:
    notes = [f"{data.log.path.name}: {warning}." for warning in data.log.warnings]
    if data.stride > 1:
        notes.append(
            f"One iteration in {data.stride} is drawn; of the numbers that tell whether learning is"
            " healthy, the largest of so many."
        )
    return notes


def _facts(data: TrainingData) -> list[tuple[str, str]]:
    run = data.log.run
    counts = [f"{len(data.of_set(name))} {SET_NAMES.get(name, name)}" for name in data.sets]
    facts = [
        ("decides", ", ".join(run.tasks)),
        ("decoder", run.decoder),
        ("problems", " + ".join(counts)),
        ("parameters", _count(run.parameters)),
        ("seed", _count(run.seed)),
        ("gopt", run.version),
    ]
    return [(name, value) for name, value in facts if value]


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _cards(data: TrainingData) -> list[tuple[str, str]]:
    cards = []
    for of_set, key in (("evaluation", SAMPLES), ("train", SAMPLES), ("train", BEST)):
        m = mean(p.last(key) for p in data.of_set(of_set))
        if m is not None:
            where = SET_NAMES[of_set]
            name = "best found in training" if key == BEST else f"{key}, {where} problems"
            cards.append((f"{m.ratio:.3f}", name))
    iterations = data.log.iterations
    if iterations:
        cards.append((f"{iterations[-1].iteration:,}", "iterations"))
    if data.clock.evaluations:
        cards.append((f"{data.clock.evaluations[-1]:,.0f}", "plans priced"))
    if data.clock.seconds:
        cards.append((duration(data.clock.seconds[-1]), "training time"))
    return cards


def duration(seconds: float) -> str:
    """'41 s', '12 min 5 s', '3 h 20 min'."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.3g} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _standing(data: TrainingData) -> dict[str, Any]:
    """Policy and baselines, a column per set, in the order of the first set's ratios."""
    columns = [_standing_column(data, of_set) for of_set in data.sets]
    ratios = {
        name: m.ratio for found in reversed(columns) for name, m in found.items() if m is not None
    }
    return {
        "sets": [SET_NAMES.get(name, name) for name in data.sets],
        "rows": [
            {
                "name": name,
                "policy": name in POLICY_ROWS.values(),
                "bound": name == BOUND_ROW,
                "cells": [_mean_cell(found.get(name), name) for found in columns],
            }
            for name in sorted(ratios, key=lambda name: ratios[name])
        ],
    }


def _standing_column(data: TrainingData, of_set: str) -> dict[str, Mean | None]:
    """By row of the table."""
    problems = data.of_set(of_set)
    same = {data.reference_name(name) for name in data.sets}
    solver = same.pop() if len(same) == 1 else ""
    found = {name: mean(p.last(key) for p in problems) for key, name in POLICY_ROWS.items()}
    for name, m in data.baselines(of_set).items():
        if name != solver:
            found[f"baseline: {name}"] = m
    found[BEST_BASELINE_ROW] = mean(
        p.best_baseline[1] if p.best_baseline else None for p in problems
    )
    found[f"{REFERENCE_ROW}: {solver}" if solver else REFERENCE_ROW] = mean(
        1.0 if p.problem.reference_ns else None for p in problems
    )
    found[BOUND_ROW] = mean(p.bound for p in problems)
    return found


def _mean_cell(m: Mean | None, row: str) -> dict[str, str]:
    if m is None:
        return {"ratio": "", "ahead": "", "count": ""}
    return {
        "ratio": f"{m.ratio:.3f}",
        "ahead": "" if row.startswith((REFERENCE_ROW, BOUND_ROW)) else f"{m.ahead} of {m.count}",
        "count": f"({m.count} of {m.of})" if m.count < m.of else "",
    }


def _problem_row(curves: ProblemCurves) -> dict[str, Any]:
    problem, baseline = curves.problem, curves.best_baseline
    ratios = {key: curves.last(key) for key in POLICY_ROWS}
    known = [ratio for ratio in (*ratios.values(), baseline and baseline[1], 1.0) if ratio]
    fastest = min(known) if len(known) > 1 else None
    return {
        "set": SET_NAMES.get(problem.set, problem.set),
        "graph": problem.graph or f"problem {problem.index}",
        "machine": problem.machine,
        "devices": _count(problem.devices),
        "ops": _count(problem.ops),
        "reference": _time(problem.reference_ns),
        "reference_solver": problem.reference_solver,
        "reference_best": fastest == 1.0,
        "bound": f"{curves.bound:.3f}" if curves.bound else "",
        "baseline": baseline[0] if baseline else "",
        "baseline_ratio": f"{baseline[1]:.3f}" if baseline else "",
        "baseline_best": bool(baseline) and baseline is not None and baseline[1] == fastest,
        "cells": [
            {"text": f"{ratio:.3f}" if ratio else "", "best": ratio == fastest}
            for ratio in ratios.values()
        ],
    }


def _time(ns: int | None) -> str:
    return format_time(ns) if ns else ""


def _event_row(data: TrainingData, event: Any) -> dict[str, str]:
    return {
        "iteration": f"{event.iteration:,}",
        "time": "" if event.seconds is None else duration(event.seconds),
        "event": event.event,
        "reason": event.reason,
    }


def _time_shares(data: TrainingData) -> str:
    """ "network, update 61 %, ..." of all iterations' time."""
    sums = {
        name: sum(getattr(line.time, key) or 0.0 for line in data.log.iterations)
        for key, name, _ in figures.TIMES
    }
    total = sum(sums.values())
    if total <= 0:
        return ""
    shares = sorted(sums.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {100 * s / total:.0f}\u00a0%" for name, s in shares if s > 0)


def _axes(data: TrainingData) -> list[tuple[str, str]]:
    """(key of the clock, name) of what the curves can be drawn over."""
    axes = [("iteration", "iterations")]
    if data.clock.evaluations:
        axes.append(("evaluations", "plans priced"))
    if data.clock.seconds:
        axes.append(("time", "training time"))
    return axes


def _clock(data: TrainingData) -> dict[str, Any]:
    """What the page's script needs: per axis its title and its values by iteration."""
    clock = data.clock
    unit, scale = "s", 1.0
    if clock.seconds and clock.seconds[-1] >= 300:
        unit, scale = ("h", 3600.0) if clock.seconds[-1] >= 3 * 3600 else ("min", 60.0)
    return {
        "iterations": clock.iterations,
        "titles": {
            "iteration": figures.X_TITLE,
            "evaluations": "plans priced",
            "time": f"training time, {unit}",
        },
        "evaluations": clock.evaluations,
        "time": [round(s / scale, 5) for s in clock.seconds],
    }
