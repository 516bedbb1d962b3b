"""Checks the simulator's price of fusion against compiled kernels.

`compile` cuts groups of ops out of captured workloads and compiles each with AOTInductor, fused
and op by op (two compilations of some 7 s a group; it needs a C++ compiler). `measure` checks
and times them on one thread and writes the table. `report` and `draw` read the table alone.

examples:
  gopt fusion-gains compile --folder groups
  gopt fusion-gains measure --folder groups -o fusion_gains.json
  gopt fusion-gains report benchmarks/fusion_gains.json
  gopt fusion-gains draw benchmarks/fusion_gains.json -o docs/images/fusion_gains.svg
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gopt.cli import options

if TYPE_CHECKING:
    from gopt.fusion_gains import Model, Row, Table

_BASELINES = ("called", "inlined", "eager")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, act, summary in (
        ("compile", _compile, "groups of the workloads, fused and op by op"),
        ("measure", _measure, "time what was compiled; writes the table"),
    ):
        action = actions.add_parser(name, help=summary)
        action.add_argument("--folder", metavar="DIR", required=True, help="of compiled packages")
        action.add_argument("--per-class", type=int, default=11, metavar="N", help="groups (11)")
        action.add_argument("--quiet", action="store_true", help="no progress lines")
        action.set_defaults(act=act)
    action.add_argument("-o", "--out", metavar="FILE", required=True, help="the table")

    report = actions.add_parser("report", help="rank correlations, per class")
    draw = actions.add_parser("draw", help="predicted against measured, as SVG")
    for action, act in ((report, _report), (draw, _draw)):
        action.add_argument("table", metavar="TABLE", help="written by `measure`")
        action.add_argument(
            "--baseline",
            choices=_BASELINES,
            default=_BASELINES[0],
            help="unfused is each kernel called by itself, all in one call, or eager PyTorch",
        )
        action.add_argument(
            "--rule",
            choices=("leader", "own"),
            default="leader",
            help="memory rate of a fused kernel: of one op (the simulator's), or each op its own",
        )
        action.set_defaults(act=act)
    options.add_json_flag(report)
    draw.add_argument("-o", "--out", metavar="FILE", required=True)


def run(arguments: argparse.Namespace) -> int:
    code: int = arguments.act(arguments)
    return code


def _compile(arguments: argparse.Namespace) -> int:
    from gopt.fusion_gains import record

    record.compile_all(Path(arguments.folder), _choice(arguments), progress=_progress(arguments))
    return 0


def _measure(arguments: argparse.Namespace) -> int:
    from gopt.fusion_gains import record

    table = record.measure_all(
        Path(arguments.folder), _choice(arguments), progress=_progress(arguments)
    )
    table.save(arguments.out)
    print(f"written: {arguments.out}: {len(table.rows)} groups, {len(table.failures)} failures")
    return 0


def _report(arguments: argparse.Namespace) -> int:
    from gopt import fusion_gains

    table = _load(arguments.table)
    parts = _parts(table, arguments.baseline, arguments.rule)
    if arguments.json:
        options.write_json(
            {title: [_plain(line) for line in lines] for title, lines in parts.items()},
            arguments.json,
        )
        return 0
    for title, lines in parts.items():
        print(f"{title}\n{fusion_gains.text(lines)}\n")
    unseen = [row for row in table.rows if fusion_gains.half(row) == 1]
    print(fusion_gains.plain_text(unseen, fusion_gains.unfused_ns(table, arguments.baseline)))
    print(fusion_gains.alone_text(table))
    return 0


def _draw(arguments: argparse.Namespace) -> int:
    from gopt import fusion_gains
    from gopt.fusion_gains.figure import draw

    table = _load(arguments.table)
    model = fusion_gains.fitted(table, arguments.baseline, arguments.rule)
    unfused = fusion_gains.unfused_ns(table, arguments.baseline)
    Path(arguments.out).write_text(draw(table.rows, model, unfused), encoding="utf-8")
    print(f"written: {arguments.out}")
    return 0


def _parts(table: Table, baseline: str, rule: str) -> dict[str, Any]:
    from gopt import _core, fusion_gains
    from gopt.fusion_gains import Model, half

    unfused = fusion_gains.unfused_ns(table, baseline)

    def compare(rows: list[Row], model: Model) -> Any:
        return fusion_gains.compare(rows, model, unfused)

    preset = dataclasses.replace(Model.of(_core.Machine.preset("cpux1").devices[0]), rule=rule)
    model = fusion_gains.fitted(table, baseline, rule)
    halves = [[row for row in table.rows if half(row) == i] for i in (0, 1)]
    return {
        "preset cpu, all groups": compare(table.rows, preset),
        "fitted, the half it was fitted on": compare(halves[0], model),
        "fitted, the other half": compare(halves[1], model),
    }


def _load(path: str) -> Table:
    from gopt import fusion_gains

    try:
        return fusion_gains.load(path)
    except ValueError as error:
        raise options.UsageError(str(error)) from error


def _choice(arguments: argparse.Namespace) -> Any:
    from gopt.fusion_gains.choose import ChooseOptions

    if arguments.per_class < 1:
        raise options.UsageError(f"--per-class {arguments.per_class} is below 1")
    return ChooseOptions(per_class=arguments.per_class)


def _progress(arguments: argparse.Namespace) -> Any:
    return (lambda line: None) if arguments.quiet else (lambda line: print(line, file=sys.stderr))


def _plain(line: Any) -> dict[str, Any]:
    fields = dataclasses.asdict(line)
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in fields.items()}
