"""Measures a captured graph's ops on this machine's CPU.

Each distinct call (operator, shapes, constants) runs a few times; the median goes into the graph's
cost table, which the simulator prefers to its roofline on devices of that kind. Times are kept in
the user's cache folder, so that a second graph measures only what is new. Prints modelled against
measured time per class of op.

examples:
  gopt calibrate step.gopt -o step.measured.gopt
  gopt calibrate step.gopt --machine-out this_cpu.txtpb
  gopt optimize step.measured.gopt --machine cpu --seconds 10
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from typing import TYPE_CHECKING

from gopt.cli import options

if TYPE_CHECKING:
    from gopt.calibration import Calibration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_graph(parser)
    parser.add_argument("-o", "--out", metavar="FILE", help="the graph with measured times")
    parser.add_argument(
        "--machine-out",
        metavar="FILE",
        help="this CPU as a machine file: probed rates, fitted efficiencies",
    )
    parser.add_argument(
        "--device-kind", default="cpu", metavar="KIND", help="devices the times hold for (cpu)"
    )
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="inside one op (1)")
    parser.add_argument(
        "--seconds", type=float, default=0.2, metavar="S", help="for one call's samples (0.2)"
    )
    parser.add_argument("--cache", metavar="DIR", help="folder of measured times")
    parser.add_argument("--no-cache", action="store_true", help="measure all, keep nothing")
    parser.add_argument("--quiet", action="store_true", help="no progress line")
    options.add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.threads < 1:
        raise options.UsageError(f"--threads {arguments.threads} is below 1")
    if not 0 <= arguments.seconds < math.inf:
        raise options.UsageError(f"--seconds {arguments.seconds} is no duration")
    from gopt.calibration import Cache, MeasureOptions, calibrate

    graph = options.load_graph(arguments.graph).graph
    line = _ProgressLine(arguments.quiet)
    result = calibrate(
        graph,
        device_kind=arguments.device_kind,
        options=MeasureOptions(threads=arguments.threads, seconds=arguments.seconds),
        cache=Cache(arguments.threads, arguments.cache, kept=not arguments.no_cache),
        progress=line,
    )
    line.clear()
    if arguments.out:
        result.graph.save(arguments.out)
    if arguments.machine_out:
        result.machine().save(arguments.machine_out)
    if arguments.json:
        options.write_json(_facts(result), arguments.json)
    else:
        print(result)
        for path in filter(None, (arguments.out, arguments.machine_out)):
            print(f"written: {path}")
    return 0


def _facts(result: Calibration) -> dict[str, object]:
    rows = [dataclasses.asdict(row) for row in result.rows]
    for row in rows:
        row["correlation"] = None if math.isnan(row["correlation"]) else row["correlation"]
    return {
        "environment": result.environment,
        "rates": dataclasses.asdict(result.fit.rates),
        "signatures_measured": result.measured,
        "signatures_cached": result.cached,
        "failures": [{"call": call, "reason": why} for call, why in result.failures],
        "efficiency_by_class": result.fit.by_class,
        "efficiency_by_type": result.fit.by_type,
        "held_out_error": None if math.isnan(result.held_out_error) else result.held_out_error,
        "rows": rows,
    }


class _ProgressLine:
    """A line such as "12/212 aten::mm.default" on a terminal's standard error."""

    def __init__(self, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()

    def __call__(self, done: int, total: int, call: str) -> None:
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{done}/{total} {call}")
            sys.stderr.flush()

    def clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
