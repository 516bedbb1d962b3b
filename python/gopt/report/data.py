"""What a report shows, gathered from a problem, a priced plan and the rows of a comparison.

Times are nanoseconds and sizes bytes here; units are chosen when figures are drawn.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

PHASES = ("forward", "backward", "optimizer", "unspecified")


@dataclasses.dataclass(frozen=True)
class SolverRow:
    """One solver of a comparison. `curve` holds (evaluations, seconds, best ns)."""

    solver: str
    outcome: str  # "OK", "INFEASIBLE", "FAILED" or "ERROR"
    reason: str = ""
    found_by: str = ""
    step_time: int | None = None
    peak_bytes: int = 0
    evaluations: int = 0
    seconds: float = 0.0
    curve: tuple[tuple[int, float, int], ...] = ()


@dataclasses.dataclass(frozen=True)
class Span:
    """A stretch of one device's time: a kernel, or a run of small ones drawn as one."""

    device: int
    start: int
    end: int
    phase: str
    label: str
    detail: str
    kernels: int = 1


@dataclasses.dataclass(frozen=True)
class Transfer:
    """A stretch of one route's time: a tensor, or a run of small ones drawn as one."""

    source: int
    destination: int
    start: int
    end: int
    bytes: int
    label: str
    tensors: int = 1


@dataclasses.dataclass(frozen=True)
class DeviceUse:
    """One device in the best plan."""

    name: str
    kind: str
    busy: int
    peak_bytes: int
    limit_bytes: int
    kernels: int
    memory_times: np.ndarray  # [samples] ns
    memory_bytes: np.ndarray  # [samples]


@dataclasses.dataclass(frozen=True)
class ReportData:
    """Everything on the page."""

    title: str
    graph_facts: tuple[tuple[str, str], ...]
    machine_name: str
    rows: tuple[SolverRow, ...]
    found_by: str
    step_time: int
    bounds: dict[str, int]  # name -> ns
    one_device: int | None  # step time of the single_device row, if there is one
    devices: tuple[DeviceUse, ...]
    spans: tuple[Span, ...]
    transfers: tuple[Transfer, ...]
    transfer_count: int
    transfer_bytes: int
    time_by_type: tuple[tuple[str, int, int], ...]  # op type, kernels, ns
    chain: dict[str, int]  # what the critical chain's time went into -> ns
    chain_points: tuple[tuple[int, int], ...]  # (device, time) along the chain
    notes: tuple[str, ...]

    @property
    def lower_bound(self) -> int:
        return max(self.bounds.values(), default=0)


def gather(
    problem: Any,
    plan: Any,
    report: Any,
    rows: Sequence[SolverRow],
    bounds: Any,
    *,
    title: str,
    found_by: str,
    max_spans: int = 4000,
) -> ReportData:
    """Collects a report's data.

    report: a CostReport of `plan` with its timeline and critical chain. bounds: a LowerBounds.
    max_spans: drawn spans; beyond it, neighbouring small kernels of one scope are drawn as one.
    """
    labels = _Labels(problem.graph, plan.kernels)
    kernel_spans = report.kernel_spans
    one_device = [r.step_time for r in rows if r.solver.startswith("single_device")]
    return ReportData(
        title=title,
        graph_facts=_graph_facts(problem.graph, plan.kernels),
        machine_name=problem.machine.name,
        rows=tuple(rows),
        found_by=found_by,
        step_time=report.step_time,
        bounds={
            "critical path": bounds.critical_path,
            "work": bounds.work,
            "Fernandez-Bussell": bounds.fernandez_bussell,
            **({"exact search": bounds.search} if bounds.search else {}),
        },
        one_device=one_device[0] if one_device else None,
        devices=_device_uses(problem, report),
        spans=_spans(kernel_spans, labels, report.step_time, max_spans),
        transfers=_transfers(report.transfer_spans, problem.graph, report.step_time, max_spans),
        transfer_count=report.transfers,
        transfer_bytes=report.transfer_bytes,
        time_by_type=_time_by_type(kernel_spans, labels),
        chain=_chain_parts(report, kernel_spans),
        chain_points=_chain_points(report, kernel_spans),
        notes=_notes(report),
    )


class _Labels:
    """Names of kernels, looked up once."""

    def __init__(self, graph: Any, kernels: Any) -> None:
        self.kernels = kernels
        self.names = graph.op_names
        self.types = graph.op_types
        self.scopes = graph.op_scopes
        self.phases = graph.op_phases

    def phase(self, kernel: int) -> str:
        return self.phases[self.kernels[kernel][0]]

    def scope(self, kernel: int) -> str:
        return self.scopes[self.kernels[kernel][0]]

    def type(self, kernel: int) -> str:
        ops = self.kernels[kernel]
        return self.types[ops[0]] if len(ops) == 1 else f"fused {self.types[ops[0]]}"

    def name(self, kernel: int) -> str:
        ops = self.kernels[kernel]
        first = self.names[ops[0]]
        return first if len(ops) == 1 else f"{first} +{len(ops) - 1}"


def _graph_facts(graph: Any, kernels: Any) -> tuple[tuple[str, str], ...]:
    ports = [port for op in graph.parameters for port in graph.op(op).ports]
    parameter_bytes = sum(graph.port(port).bytes for port in ports)
    recomputed = f", {len(kernels.recomputed_ops):,} recomputed" if kernels.recomputed_ops else ""
    return (
        ("graph", graph.name or "unnamed"),
        ("source", graph.source or "unknown"),
        ("ops", f"{len(graph):,}{recomputed}"),
        ("kernels", f"{len(kernels):,}"),
        ("edges", f"{len(graph.edges):,}"),
        ("parameters", f"{len(graph.parameters):,} ({format_bytes(parameter_bytes)})"),
    )


def _device_uses(problem: Any, report: Any) -> tuple[DeviceUse, ...]:
    counts = np.bincount(report.kernel_spans["device"], minlength=len(problem.machine.devices))
    uses = []
    for d, device in enumerate(problem.machine.devices):
        samples = report.memory_samples[d] if d < len(report.memory_samples) else None
        empty = np.zeros(0, dtype=np.int64)
        uses.append(
            DeviceUse(
                name=device.name,
                kind=device.kind,
                busy=report.busy[d],
                peak_bytes=report.peak_bytes[d] if report.peak_bytes else 0,
                limit_bytes=problem.memory_limit(d),
                kernels=int(counts[d]),
                memory_times=empty if samples is None else samples["time"],
                memory_bytes=empty if samples is None else samples["bytes"],
            )
        )
    return tuple(uses)


def _spans(
    kernel_spans: np.ndarray, labels: _Labels, step_time: int, max_spans: int
) -> tuple[Span, ...]:
    """Kernels in time order per device; small neighbours of one scope merged if there are many."""
    order = np.lexsort((kernel_spans["start"], kernel_spans["device"]))
    merge_below = 0 if len(order) <= max_spans else max(1, step_time // 1000)
    result: list[Span] = []
    run: list[int] = []

    def flush() -> None:
        if run:
            result.append(_merged_span(kernel_spans[run], labels))
            run.clear()

    for i in order:
        span = kernel_spans[i]
        if run and not _joins(kernel_spans[run[-1]], span, labels, merge_below):
            flush()
        run.append(int(i))
    flush()
    return tuple(result)


def _joins(last: Any, span: Any, labels: _Labels, merge_below: int) -> bool:
    if merge_below == 0 or last["device"] != span["device"]:
        return False
    if span["start"] - last["end"] > merge_below or span["end"] - span["start"] > merge_below:
        return False
    a, b = int(last["kernel"]), int(span["kernel"])
    return labels.phase(a) == labels.phase(b) and labels.scope(a) == labels.scope(b)


def _merged_span(spans: np.ndarray, labels: _Labels) -> Span:
    first = int(spans[0]["kernel"])
    start, end = int(spans[0]["start"]), int(spans[-1]["end"])
    scope = labels.scope(first)
    label = labels.name(first)
    if len(spans) > 1:
        label = f"{len(spans)} kernels in {scope or 'the top scope'}"
    detail = labels.type(first) + (f" in {scope}" if scope else "")
    return Span(int(spans[0]["device"]), start, end, labels.phase(first), label, detail, len(spans))


def _transfers(
    spans: np.ndarray, graph: Any, step_time: int, max_spans: int
) -> tuple[Transfer, ...]:
    names = graph.op_names
    producer_of_port = np.repeat(
        np.arange(len(graph)), np.asarray(graph.column("op_num_ports"), dtype=np.int64)
    )
    order = np.lexsort((spans["start"], spans["destination"], spans["source"]))
    merge_below = 0 if len(order) <= max_spans else max(1, step_time // 1000)
    result: list[Transfer] = []
    for i in order:
        span = spans[i]
        start, end, size = int(span["start"]), int(span["end"]), int(span["bytes"])
        route = (int(span["source"]), int(span["destination"]))
        last = result[-1] if result else None
        if (
            merge_below
            and last is not None
            and (last.source, last.destination) == route
            and start - last.end <= merge_below
            and end - last.start <= 4 * merge_below
        ):
            count = last.tensors + 1
            result[-1] = Transfer(
                *route, last.start, end, last.bytes + size, f"{count} tensors", count
            )
            continue
        name = names[int(producer_of_port[int(span["port"])])]
        result.append(Transfer(*route, start, end, size, name))
    return tuple(result)


def _time_by_type(kernel_spans: np.ndarray, labels: _Labels) -> tuple[tuple[str, int, int], ...]:
    totals: dict[str, list[int]] = {}
    durations = kernel_spans["end"] - kernel_spans["start"]
    for kernel, duration in zip(kernel_spans["kernel"], durations, strict=True):
        entry = totals.setdefault(labels.type(int(kernel)), [0, 0])
        entry[0] += 1
        entry[1] += int(duration)
    rows = [(name, count, total) for name, (count, total) in totals.items()]
    return tuple(sorted(rows, key=lambda row: (-row[2], row[0])))


def _chain_parts(report: Any, kernel_spans: np.ndarray) -> dict[str, int]:
    """Splits the makespan along the critical chain into computing and waiting for transfers."""
    parts = {"computing": 0, "waiting for a transfer": 0, "other waiting": 0}
    last_end = 0
    for step in report.critical_chain:
        span = kernel_spans[step.kernel]
        gap = int(span["start"]) - last_end
        parts["waiting for a transfer" if step.reason == "transfer" else "other waiting"] += gap
        parts["computing"] += int(span["end"] - span["start"])
        last_end = int(span["end"])
    return {name: ns for name, ns in parts.items() if ns > 0}


def _chain_points(report: Any, kernel_spans: np.ndarray) -> tuple[tuple[int, int], ...]:
    points: list[tuple[int, int]] = []
    for step in report.critical_chain:
        span = kernel_spans[step.kernel]
        points.append((int(span["device"]), int(span["start"])))
        points.append((int(span["device"]), int(span["end"])))
    return tuple(points)


def _notes(report: Any) -> tuple[str, ...]:
    notes = []
    if report.unknown_flops_ops:
        notes.append(f"{report.unknown_flops_ops} ops have unknown flops and are priced by bytes.")
    if report.unmodelled_collectives:
        notes.append(
            f"{report.unmodelled_collectives} collectives are priced as plain data movement."
        )
    if not report.ok:
        notes.append(f"The plan is {report.outcome}: {report.reason}")
    return tuple(notes)


def format_bytes(size: float) -> str:
    """'1.5 GiB'; binary prefixes, three significant digits."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{size:.3g} {unit}" if unit != "B" else f"{int(size)} B"
        size /= 1024
    return f"{size:.3g} TiB"


def format_time(ns: float) -> str:
    """'12.3 ms'; three significant digits."""
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if abs(ns) >= scale:
            value = ns / scale
            return f"{value:.0f} {unit}" if value >= 1000 else f"{value:.3g} {unit}"
    return f"{ns:.0f} ns"
