"""Finds a plan, and shows how it compares.

The quick classical solvers run first; their plans start the search, so the result is never worse
than theirs. Ctrl-C ends the search and keeps the best plan so far.

examples:
  gopt optimize step.gopt --machine v100x4 --seconds 30 -o plan.txtpb --report report.html
  gopt optimize step.gopt -m v100x4 --memory 12GiB --solver "anneal(evaluations=20000)" --seed 7
  gopt optimize step.gopt -m v100x4 --fusion --evaluations 2000 -o joint.txtpb
  gopt optimize step.gopt -m v100x4 --tasks fusion --base-plan plan.txtpb -o fused.txtpb
"""

from __future__ import annotations

import argparse

import gopt
from gopt.cli import options
from gopt.cli.progress import ProgressLine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_problem(parser)
    parser.add_argument("--solver", metavar="SPEC", help="default: portfolio")
    parser.add_argument(
        "--policy",
        metavar="FILE",
        help="a learned policy, in place of a solver: classical plans, "
        "the policy's, then annealing",
    )
    options.add_budget(parser)
    parser.add_argument("-o", "--out", metavar="PLAN", help="write the plan; .txtpb is text")
    parser.add_argument("--report", metavar="FILE", help="write an HTML report too")
    options.add_json_file(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.solver and arguments.policy:
        raise options.UsageError("--solver and --policy are given; one is enough")
    problem = options.load_problem(arguments, options.load_graph(arguments.graph))
    with ProgressLine(arguments.evaluations, arguments.seconds, arguments.quiet) as progress:
        result = gopt.optimize(
            problem,
            solver=arguments.solver,
            policy=arguments.policy,
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
