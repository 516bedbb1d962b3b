"""Lists the solvers, cost backends, importers and exporters that are registered."""

from __future__ import annotations

import argparse

import gopt
from gopt._text import table
from gopt.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    groups = {
        "solvers": gopt.solvers(),
        "backends": gopt.backends(),
        "importers": gopt.importers(),
        "exporters": gopt.exporters(),
    }
    if arguments.json:
        options.write_json({noun: dict(entries) for noun, entries in groups.items()}, "-")
        return 0
    for noun, entries in groups.items():
        print(table((noun, ""), entries, left=2), end="\n\n")
    print('Options go in parentheses: "anneal(evaluations=10000)".')
    return 0
