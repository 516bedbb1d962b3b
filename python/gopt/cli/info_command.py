"""Shows what is in a graph: ops, phases, parameters, and on a machine where its time goes.

Times are those of unfused ops on the machine's first device: measured where the graph has them,
else the roofline. A policy's file is shown as by `gopt policy`.

examples:
  gopt info step.gopt
  gopt info step.gopt --machine a100x8 --json
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

import gopt
from gopt._text import bytes_text, table, time_text
from gopt.cli import options, policy_command

TOP_TYPES = 12
UNLIMITED_BYTES = 2**62  # Where the library's sums saturate.


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_graph(parser)
    options.add_machine(parser)
    parser.add_argument(
        "--all-types", action="store_true", help=f"every op type, not the {TOP_TYPES} longest"
    )
    options.add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    if policy_command.is_bundle(arguments.graph):
        return policy_command.show(arguments.graph, arguments.json)
    loaded = options.load_graph(arguments.graph)
    machine = options.load_machine(arguments, loaded)
    found = facts(loaded.graph, machine)
    if loaded.figures:
        found["figures"] = loaded.figures
    if arguments.json:
        options.write_json(found, arguments.json)
    else:
        print(text(found, None if arguments.all_types else TOP_TYPES))
    return 0


def facts(graph: gopt.Graph, machine: gopt.Machine | None) -> dict[str, Any]:
    """Everything that is shown, as plain values."""
    found: dict[str, Any] = {
        "name": graph.name,
        "source": graph.source,
        "fingerprint": f"{graph.fingerprint:016x}",
        "ops": graph.num_ops,
        "edges": graph.num_edges,
        "tensors": graph.num_ports,
        "kinds": dict(Counter(graph.op_kinds).most_common()),
        "phases": dict(Counter(_phases(graph)).most_common()),
        "parameters": _parameters(graph),
        "cost_tables": [[t["source"], t["device_kind"]] for t in graph.cost_tables],
    }
    if machine is not None:
        found["machine"] = _on_machine(graph, machine)
    return found


def text(found: dict[str, Any], top: int | None = TOP_TYPES) -> str:
    """The facts for people."""
    parameters = found["parameters"]
    lines = [
        f"{found['name'] or 'graph'}: {found['ops']} ops, {found['edges']} edges, "
        f"{found['tensors']} tensors" + (f" (from {found['source']})" if found["source"] else ""),
        "kinds: " + ", ".join(f"{count} {kind}" for kind, count in found["kinds"].items()),
        "phases: " + ", ".join(f"{count} {phase}" for phase, count in found["phases"].items()),
        f"parameters: {parameters['count']} with {bytes_text(parameters['bytes'])}, "
        f"{bytes_text(parameters['persistent_bytes'])} with optimizer state",
        f"fingerprint: {found['fingerprint']}",
    ]
    for source, kind in found["cost_tables"]:
        lines.append(f"measured times: {source} on {kind}")
    for name, value in found.get("figures", {}).items():
        shown = time_text(value) if name.endswith("_ns") else f"{value:g}"
        lines.append(f"file says: {name.removesuffix('_ns')} = {shown}")
    if "machine" in found:
        lines += _machine_lines(found["machine"], top)
    return "\n".join(lines)


def _phases(graph: gopt.Graph) -> list[str]:
    kinds = graph.op_kinds
    return [
        phase
        for phase, kind in zip(graph.op_phases, kinds, strict=True)
        if kind in ("compute", "collective")
    ]


def _parameters(graph: gopt.Graph) -> dict[str, int]:
    size = state = 0
    for op in graph.parameters:
        for port in map(graph.port, graph.op(op).ports):
            size += port.bytes
            state += port.bytes * port.optimizer_copies
    return {
        "count": len(graph.parameters),
        "bytes": size,
        "persistent_bytes": size + state,
    }


def _on_machine(graph: gopt.Graph, machine: gopt.Machine) -> dict[str, Any]:
    costs = gopt.OpCosts(gopt.Problem(graph, machine))
    bounds = costs.lower_bounds()
    times = costs.op_times(0)
    total: Counter[str] = Counter()
    count: Counter[str] = Counter()
    types = graph.op_types
    for op in graph.kernel_ops:
        total[types[op]] += times[op]
        count[types[op]] += 1
    work = sum(total.values())
    return {
        "name": machine.name,
        "devices": len(machine),
        "device_kind": machine.devices[0].kind,
        "one_device_ns": work,
        "critical_path_ns": bounds.critical_path,
        "parallelism": work / bounds.critical_path if bounds.critical_path else 1.0,
        "lower_bound_ns": bounds.step_time,
        "persistent_bytes": bounds.persistent_bytes,
        "capacity_bytes": bounds.capacity_bytes,
        "types": [
            {"type": name, "ops": count[name], "time_ns": time, "share": time / (work or 1)}
            for name, time in total.most_common()
        ],
    }


def _machine_lines(machine: dict[str, Any], top: int | None) -> list[str]:
    types = machine["types"] if top is None else machine["types"][:top]
    rows = [
        (t["type"], str(t["ops"]), time_text(t["time_ns"]), f"{100 * t['share']:.1f} %")
        for t in types
    ]
    lines = [
        "",
        f"on {machine['name']} ({machine['devices']} devices): "
        f"{time_text(machine['one_device_ns'])} of work on a {machine['device_kind']}, "
        f"critical path {time_text(machine['critical_path_ns'])}, "
        f"parallelism {machine['parallelism']:.2f}",
        f"bound: {time_text(machine['lower_bound_ns'])}; no legal unfused plan is faster",
        f"memory: {bytes_text(machine['persistent_bytes'])} of parameters and state, "
        + _capacity_text(machine["capacity_bytes"]),
        "",
        table(("op type", "ops", "time", "share"), rows),
    ]
    if len(types) < len(machine["types"]):
        lines.append(f"... and {len(machine['types']) - len(types)} more types (--all-types)")
    return lines


def _capacity_text(count: int) -> str:
    return "no limit" if count >= UNLIMITED_BYTES else f"{bytes_text(count)} there is"
