"""Lists the workloads, captures one, or remakes all stored graphs.

`make-all` keeps what is unchanged and says what changed. Exit code 1: a workload failed; the others
are made all the same.

examples:
  gopt workloads list --suite paper
  gopt workloads make gpt --set micro_batches=8 -o gpt8.gopt
  gopt workloads make-all --jobs 2
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gopt import workloads
from gopt._text import table
from gopt.cli import info_command, options
from gopt.workloads import registry, remake


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="names, sizes, and which are stored")
    listing.add_argument("--suite", choices=workloads.SUITES, help="default: all")
    options.add_json_flag(listing)
    listing.set_defaults(act=_list)

    make = actions.add_parser("make", help="capture one as a graph file")
    make.add_argument("name", metavar="NAME")
    make.add_argument("-o", "--out", metavar="FILE", help="default: NAME.gopt")
    make.add_argument(
        "--set",
        dest="settings",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="a size, as in the options class of the model's module; may be repeated",
    )
    make.add_argument("--devices", type=int, metavar="N", help="noted in the graph's metadata")
    options.add_json_flag(make)
    make.set_defaults(act=_make)

    make_all = actions.add_parser("make-all", help="remake the stored graphs and their index")
    make_all.add_argument("-o", "--out", metavar="DIR", help="default: the folder of the package")
    make_all.add_argument("--only", metavar="A,B,C", help="default: all that are to be stored")
    make_all.add_argument("--jobs", type=int, default=1, metavar="N", help="at a time; default 1")
    make_all.set_defaults(act=_make_all)


def run(arguments: argparse.Namespace) -> int:
    return arguments.act(arguments)


def _list(arguments: argparse.Namespace) -> int:
    found = [info for info in workloads.infos() if arguments.suite in (None, info.suite)]
    if arguments.json:
        options.write_json([_plain(info) for info in found], arguments.json)
        return 0
    rows = [
        (
            info.name,
            info.suite,
            str(info.devices),
            _or_dash(info.ops, "{:,}"),
            _or_dash(info.edges, "{:,}"),
            _or_dash(info.parameters, "{:,}"),
            "yes" if info.stored else "no",
        )
        for info in found
    ]
    header = ("name", "suite", "devices", "ops", "edges", "parameters", "stored")
    heading, *lines = table(header, rows, left=2).splitlines()
    print(heading)
    for line, info in zip(lines, found, strict=True):
        print(f"{line.ljust(len(heading))}  {info.summary}")
    return 0


def _make(arguments: argparse.Namespace) -> int:
    given = dict(_setting(text) for text in arguments.settings)
    began = time.process_time()
    try:
        graph = workloads.capture(arguments.name, devices=arguments.devices, **given)
    except (TypeError, ValueError) as error:
        raise options.UsageError(f"{arguments.name}: {error}") from error
    seconds = time.process_time() - began
    out = arguments.out or f"{arguments.name}.gopt"
    graph.save(out, compress=True)
    if arguments.json:
        row = remake.row_of(arguments.name, graph, seconds)
        options.write_json({"file": out, **row}, arguments.json)
    else:
        print(info_command.text(info_command.facts(graph, None)))
        print(f"written: {out}")
    return 0


def _make_all(arguments: argparse.Namespace) -> int:
    if arguments.jobs < 1:
        raise options.UsageError(f"--jobs {arguments.jobs} is below 1")
    folder = Path(arguments.out) if arguments.out else remake.stored_folder()
    only = [name for name in (arguments.only or "").split(",") if name]
    outcomes = remake.make_all(folder, only, arguments.jobs, progress=_show)
    failed = sum(outcome.state == "failed" for outcome in outcomes)
    changed = sum(outcome.state not in ("failed", "unchanged") for outcome in outcomes)
    print(f"{len(outcomes)} workloads: {changed} changed, {failed} failed; in {folder}")
    return 1 if failed else 0


def _show(outcome: remake.Outcome) -> None:
    print(f"{outcome.name:<16} {outcome.state:<10} {outcome.detail}".rstrip(), flush=True)


def _setting(text: str) -> tuple[str, Any]:
    """ "layers=2" as ("layers", 2); a value that is no JSON is a text."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise options.UsageError(f"--set {text}: expected KEY=VALUE")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def _plain(info: workloads.Info) -> dict[str, Any]:
    found = asdict(info)
    if info.fingerprint is not None:
        found["fingerprint"] = f"{info.fingerprint:016x}"
    options_of = {entry.name: dict(entry.options) for entry in registry.ENTRIES}
    return {**found, "options": options_of.get(info.name, {})}


def _or_dash(value: Any, form: str) -> str:
    return "-" if value is None else form.format(value)
