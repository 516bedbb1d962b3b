"""Runs several solvers under the same budget, backend and seed: one row each.

Each row of the JSON has step_time_ns, lower_bound_ns, outcome, reason, evaluations, seconds and who
(the solver that found the plan: for portfolios the inner one). Exit code 1: no row has a plan.

example:
  gopt compare step.gopt --machine v100x4 --solvers expert,metis,heft,anneal,portfolio \\
      --evaluations 2000 --seed 1 --json rows.json
"""

from __future__ import annotations

import argparse

import gopt
from gopt.cli import options
from gopt.cli.progress import ProgressLine

DEFAULT_SOLVERS = "single_device,expert,metis,heft,list,anneal,portfolio"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_problem(parser)
    parser.add_argument(
        "--solvers",
        metavar="A,B,C",
        help=f"specs, with commas between; default: {DEFAULT_SOLVERS}",
    )
    options.add_budget(parser)
    parser.add_argument("-o", "--out", metavar="PLAN", help="write the best plan")
    parser.add_argument("--report", metavar="FILE", help="write an HTML report too")
    options.add_json_file(parser)


def run(arguments: argparse.Namespace) -> int:
    problem = options.load_problem(arguments, options.load_graph(arguments.graph))
    with ProgressLine(arguments.evaluations, arguments.seconds, arguments.quiet) as progress:
        result = gopt.compare(
            problem,
            solvers=arguments.solvers or _registered_defaults(),
            progress=progress,
            **options.budget(arguments),
        )
    if arguments.json:
        options.write_json(result.to_json(), arguments.json)
    if arguments.json != "-":
        print(result)
    best = result.best
    if best is None:
        return 1
    if arguments.out:
        result.save(arguments.out)
    if arguments.report:
        result.report(arguments.report)
    return 0 if best.ok else 1


def _registered_defaults() -> list[str]:
    known = {name for name, _ in gopt.solvers()}
    return [name for name in DEFAULT_SOLVERS.split(",") if name in known]
