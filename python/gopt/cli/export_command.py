"""Writes a graph, or a plan with its timeline, for another tool.

formats: `gopt solvers` lists them; trace opens in Chrome and Perfetto, dot in Graphviz,
model_explorer and model_explorer_data in Model Explorer.

examples:
  gopt export step.gopt plan.txtpb --format trace -o step.trace.json
  gopt export step.gopt --format dot -o step.dot
"""

from __future__ import annotations

import argparse
import os
import sys

import gopt
from gopt.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_problem(parser)
    options.add_plan(parser)
    parser.add_argument("--format", required=True, metavar="F", help="trace, dot, ...")
    parser.add_argument(
        "-o", "--out", metavar="FILE", help="- is standard output; default: GRAPH's name + ending"
    )


def run(arguments: argparse.Namespace) -> int:
    loaded = options.load_graph(arguments.graph)
    plan = options.load_plan(arguments, loaded)
    problem = options.load_problem(arguments, loaded, plan)
    report = None
    if plan is not None:
        problem.validate(plan.plan)
        report = gopt.evaluate(problem, plan.plan, arguments.backend)
    content = gopt.export(arguments.format, problem, plan and plan.plan, report)
    if arguments.out == "-":
        sys.stdout.buffer.write(content)
        return 0
    out = arguments.out or _default_name(arguments)
    with open(out, "wb") as file:
        file.write(content)
    print(f"written: {out}")
    return 0


def _default_name(arguments: argparse.Namespace) -> str:
    stem = os.path.basename(arguments.graph).split(".")[0]
    name, ending = arguments.format.split("(")[0], gopt.export_extension(arguments.format)
    return f"{stem}{ending}" if ending.startswith(f".{name}") else f"{stem}.{name}{ending}"
