"""Lists the machine presets, or shows one machine in full.

examples:
  gopt machines
  gopt machines v100x4
  gopt machines "a100x8(memory=20GiB)" --text > mine.txtpb    # to start a machine of your own
"""

from __future__ import annotations

import argparse
from typing import Any

import gopt
from gopt._text import bytes_text, table, time_text
from gopt.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("machine", nargs="?", metavar="M", help="a preset or a machine file")
    parser.add_argument(
        "--text", action="store_true", help="the machine's file, on standard output"
    )
    options.add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.machine is None:
        return _list_presets(arguments)
    machine = gopt.Machine.from_spec(arguments.machine)
    if arguments.text:
        print(machine.to_text(), end="")
    elif arguments.json:
        options.write_json(_facts(machine), arguments.json)
    else:
        print(_text(machine))
    return 0


def _list_presets(arguments: argparse.Namespace) -> int:
    if arguments.text:
        raise options.UsageError("--text shows one machine: name it")
    presets = gopt.machine_presets()
    if arguments.json:
        options.write_json(dict(presets), arguments.json)
    else:
        print(table(("machine", ""), presets, left=2))
    return 0


def _facts(machine: gopt.Machine) -> dict[str, Any]:
    return {
        "name": machine.name,
        "devices": [
            {
                "name": d.name,
                "kind": d.kind,
                "memory_bytes": d.memory_bytes,
                "peak_flops": d.peak_flops,
                "memory_bandwidth": d.memory_bandwidth,
                "launch_ns": d.launch,
            }
            for d in machine.devices
        ],
        "channels": [
            {"name": c.name, "bandwidth": c.bandwidth, "latency_ns": c.latency}
            for c in machine.channels
        ],
        "routes": [
            {"source": r.source, "destination": r.destination, "channels": r.channels}
            for r in machine.routes
        ],
    }


def _text(machine: gopt.Machine) -> str:
    devices = [
        (
            d.name,
            d.kind,
            bytes_text(d.memory_bytes),
            f"{d.peak_flops / 1e12:g} TFLOP/s",
            f"{d.memory_bandwidth / 1e9:g} GB/s",
            time_text(d.launch),
        )
        for d in machine.devices
    ]
    channels = [
        (c.name, f"{c.bandwidth / 1e9:g} GB/s", time_text(c.latency)) for c in machine.channels
    ]
    parts = [
        f"{machine.name}: {len(devices)} devices, {len(channels)} channels",
        table(("device", "kind", "memory", "peak", "bandwidth", "launch"), devices, left=2),
    ]
    if channels:
        parts.append(table(("channel", "bandwidth", "latency"), channels))
    return "\n\n".join(parts)
