"""Captures a PyTorch training step as a graph file.

SPEC names a function without arguments, importable from the current directory, that gives
(model, inputs), (model, inputs, loss), a dict of gopt.capture's arguments, or a captured step; or
the name of a workload of gopt.workloads.

example:
  gopt capture mypackage.model:step -o step.gopt
"""

from __future__ import annotations

import argparse

from gopt.cli import info_command, options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("spec", metavar="SPEC", help="package.module:function, or a workload")
    parser.add_argument(
        "-o", "--out", metavar="FILE", help="graph file; default: the function's name and .gopt"
    )
    parser.add_argument(
        "--inference", action="store_true", help="the forward pass only, no loss, no optimizer"
    )
    options.add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    from gopt.capture.entry import capture_entry

    # Without the flag the function's own choice holds.
    choice = {"train": False, "loss": None, "optimizer": None} if arguments.inference else {}
    graph = capture_entry(arguments.spec, **choice).graph
    out = arguments.out or arguments.spec.replace(":", ".").split(".")[-1] + ".gopt"
    graph.save(out)
    facts = info_command.facts(graph, None)
    if arguments.json:
        options.write_json({"file": out, **facts}, arguments.json)
    else:
        print(info_command.text(facts))
        print(f"written: {out}")
    return 0
