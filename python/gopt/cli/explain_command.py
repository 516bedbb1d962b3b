"""Says why an op is where it is: its inputs' homes and bytes, its slack, and what moving it to each
other device would do to the step time. It moves with its kernel and colocation group.

examples:
  gopt explain step.gopt plan.txtpb --op encoder.layers.0.linear1.mm
  gopt explain step.gopt --plan plan.txtpb --op 17 --machine v100x4
"""

from __future__ import annotations

import argparse
import difflib

import gopt
from gopt.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_problem(parser)
    options.add_plan(parser, required=True)
    parser.add_argument("--op", required=True, metavar="NAME", help="an op's name or id")
    options.add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    loaded = options.load_graph(arguments.graph)
    plan = options.load_plan(arguments, loaded)
    assert plan is not None
    problem = options.load_problem(arguments, loaded, plan)
    op = _find(loaded.graph, arguments.op)
    found = gopt.explain(problem, plan.plan, op, gopt.api.as_backend(arguments.backend))
    if arguments.json:
        options.write_json(found.to_json(), arguments.json)
    else:
        print(found)
    return 0


def _find(graph: gopt.Graph, name: str) -> int:
    names = graph.op_names
    if name in names:
        return names.index(name)
    if name.isdigit() and int(name) < len(graph):
        return int(name)
    close = difflib.get_close_matches(name, names[:20_000], n=3, cutoff=0.5)
    hint = f"; close: {', '.join(close)}" if close else ""
    raise options.UsageError(f"graph '{graph.name}' has no op named '{name}'{hint}")
