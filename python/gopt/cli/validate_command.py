"""Checks a graph file, and a plan for it on a machine.

Exit code 0: both are fine; 1: the plan is illegal or does not fit in memory; 2: a file is bad.

examples:
  gopt validate step.gopt
  gopt validate step.gopt plan.txtpb --machine v100x4 --memory 12GiB
"""

from __future__ import annotations

import argparse

import gopt
from gopt._text import time_text
from gopt.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_problem(parser)
    options.add_plan(parser)
    options.add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    loaded = options.load_graph(arguments.graph)
    plan = options.load_plan(arguments, loaded)
    verdict = {
        "graph": loaded.graph.name,
        "ops": loaded.graph.num_ops,
        "edges": loaded.graph.num_edges,
        "fingerprint": f"{loaded.graph.fingerprint:016x}",
    }
    outcome = "OK"
    if plan is not None:
        report = _price(options.load_problem(arguments, loaded, plan), plan.plan, arguments.backend)
        outcome = report.outcome
        verdict["plan"] = {
            "outcome": report.outcome,
            "reason": report.reason,
            "step_time_ns": report.step_time,
        }
    if arguments.json:
        options.write_json(verdict, arguments.json)
    else:
        print(f"{arguments.graph}: a valid graph of {loaded.graph.num_ops} ops")
        if plan is not None:
            _print_plan(options.plan_path(arguments) or "", verdict["plan"])
    return 0 if outcome == "OK" else 1


def _price(problem: gopt.Problem, plan: gopt.Plan, backend: str) -> gopt.CostReport:
    try:
        problem.validate(plan)
    except gopt.InvalidArgumentError as error:
        return gopt.CostReport(outcome="INFEASIBLE", reason=str(error))
    return gopt.evaluate(problem, plan, backend, timeline=False)


def _print_plan(path: str, verdict: dict) -> None:
    if verdict["outcome"] == "OK":
        print(f"{path}: a legal plan, step time {time_text(verdict['step_time_ns'])}")
    else:
        print(f"{path}: {verdict['outcome'].lower()}: {verdict['reason']}")
