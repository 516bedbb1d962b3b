"""Measures each distinct call of a graph once and puts the times into its cost table."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from gopt import _core
from gopt._text import table, time_text
from gopt.calibration import fit as fitting
from gopt.calibration.cache import Cache
from gopt.calibration.calls import Signature, prepare
from gopt.calibration.fit import Fit, Point, Row
from gopt.calibration.measure import Measurement, MeasureOptions, measure, probe, quiet_torch
from gopt.capture.signatures import FORMAT
from gopt.errors import InvalidArgumentError

# Saved at least after so many new measurements: an interrupted run goes on from there.
_SAVE_EVERY = 20

Progress = Callable[[int, int, str], None]  # Signatures done, of how many, what comes next.


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What a graph's ops take on this CPU.

    Attributes:
      graph: with the cost table put first; where a call failed, its ops have no time (-1) and are
        priced by the roofline.
      environment: CPU, torch and threads.
      measured, cached: signatures measured now, and taken from the cache.
      failures: call and reason, for each signature that could not be run.
      fit: rates of the CPU and efficiencies of its roofline.
      rows: modelled against measured, one per class and one for all.
      held_out_error: median error of efficiencies fitted on half of the signatures, on the other
        half; 1 is exact.
    """

    graph: Any
    environment: dict[str, Any]
    measured: int
    cached: int
    failures: list[tuple[str, str]]
    fit: Fit
    rows: list[Row]
    held_out_error: float
    device_kind: str

    def machine(self, memory_bytes: int = 16 << 30) -> Any:
        """This CPU as a machine of one device with the fitted efficiencies."""
        rates = self.fit.rates
        factors = [{"op_class": name, "factor": s} for name, s in self.fit.by_class.items()]
        factors += [{"op_type": name, "factor": s} for name, s in self.fit.by_type.items()]
        efficiency = [
            _core.Efficiency(flops=entry["factor"], bytes=entry.pop("factor"), **entry)
            for entry in factors
        ]
        device = _core.Device(
            "cpu:0",
            kind=self.device_kind,
            memory_bytes=memory_bytes,
            peak_flops=rates.peak_flops,
            memory_bandwidth=rates.memory_bandwidth,
            launch=rates.launch_ns,
            efficiency=efficiency,
        )
        return _core.Machine(self.environment["cpu"], [device])

    def __str__(self) -> str:
        rates = self.fit.rates
        head = (
            f"{self.environment['cpu']}, {self.environment['threads']} thread(s), torch "
            f"{self.environment['torch']}: {rates.peak_flops / 1e9:.0f} GFLOP/s, "
            f"{rates.memory_bandwidth / 1e9:.1f} GB/s, {time_text(rates.launch_ns)} a call"
        )
        rows = [
            (
                row.name,
                str(row.ops),
                str(row.signatures),
                f"{row.measured_ns / 1e6:.2f}",
                f"{row.roofline_ns / 1e6:.2f}",
                f"{row.calibrated_ns / 1e6:.2f}",
                f"{row.roofline_error:.2f}x",
                f"{row.calibrated_error:.2f}x",
                f"{row.correlation:.2f}",
            )
            for row in self.rows
        ]
        titles = ("class", "ops", "distinct", "measured ms", "roofline ms", "fitted ms",
                  "roofline error", "fitted error", "log corr.")  # fmt: skip
        counts = f"{self.measured} signatures measured, {self.cached} from the cache"
        parts = [head, table(titles, rows, left=1), counts]
        parts[-1] += f"; error of the fit on signatures it did not see: {self.held_out_error:.2f}x"
        parts += [f"not measured: {call}: {why}" for call, why in self.failures]
        return "\n".join(parts)


def calibrate(
    graph: Any,
    *,
    device_kind: str = "cpu",
    options: MeasureOptions | None = None,
    cache: Cache | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Measures the distinct calls of a captured graph on this machine's CPU.

    Args:
      graph: made by gopt.capture; it carries the signatures of its calls.
      device_kind: which devices the times hold for (Device.kind).
      options: threads and samples.
      cache: where times are kept between runs; default: the user's, for this CPU, torch and number
        of threads. What is there is not measured again.
      progress: called before each measurement.

    Raises:
      InvalidArgumentError: the graph carries no signatures.
    """
    options = options or MeasureOptions()
    cache = Cache(options.threads) if cache is None else cache
    signatures, of_op = _signatures(graph)
    uses = Counter(index for index in of_op if index >= 0)
    wanted = sorted(uses)
    missing = [index for index in wanted if cache.get(signatures[index]) is None]
    failures = _measure_missing(signatures, missing, options, cache, progress)
    times = {index: time for index in wanted if (time := cache.get(signatures[index]))}
    rates = cache.rates
    assert rates is not None
    points = _points(graph, of_op, times, uses)
    fitted = fitting.fit(points, rates)
    return Calibration(
        graph=_with_times(graph, of_op, times, device_kind, cache),
        environment=cache.environment,
        measured=len(missing) - len(failures),
        cached=len(wanted) - len(missing),
        failures=failures,
        fit=fitted,
        rows=fitting.compare(points, fitted),
        held_out_error=fitting.held_out_error(points, rates),
        device_kind=device_kind,
    )


def _signatures(graph: Any) -> tuple[list[Signature], list[int]]:
    """The signatures that the graph carries, and the index of each op's."""
    advice = "capture the model again with this version of gopt"
    try:
        content = json.loads(graph.attributes)
        signatures, of_op = content["signatures"], content["op"]
        known = content["format"] == FORMAT and len(of_op) == graph.num_ops
    except (ValueError, KeyError, TypeError):
        known = False
    if not known or not all(-1 <= index < len(signatures) for index in of_op):
        raise InvalidArgumentError(
            f"graph '{graph.name}' (from {graph.source or 'an unknown source'}) does not say how "
            f"its ops are called, so they cannot be measured; {advice}"
        )
    return signatures, of_op


def _measure_missing(
    signatures: list[Signature],
    missing: list[int],
    options: MeasureOptions,
    cache: Cache,
    progress: Progress | None,
) -> list[tuple[str, str]]:
    """Fills the cache; gives what failed. What was measured is saved even if interrupted."""
    failures = []
    try:
        with quiet_torch(options.threads):
            if cache.rates is None:
                cache.rates = probe(options)
            for done, index in enumerate(missing):
                signature = signatures[index]
                if progress is not None:
                    progress(done, len(missing), signature["call"])
                if done % _SAVE_EVERY == _SAVE_EVERY - 1:
                    cache.save()
                try:
                    cache.put(signature, measure(prepare(signature), options))
                except Exception as error:  # Whatever an operator may raise: its ops have no time.
                    failures.append((signature["call"], str(error).split("\n")[0]))
    finally:
        cache.save()
    return failures


def _points(
    graph: Any, of_op: list[int], times: dict[int, Measurement], uses: Counter[int]
) -> list[Point]:
    first: dict[int, int] = {}
    for op, index in enumerate(of_op):
        first.setdefault(index, op)
    points = []
    for index, measurement in times.items():
        op = graph.op(first[index])
        nbytes = max(op.bytes_read, 0) + max(op.bytes_written, 0)
        points.append(
            Point(
                op.type,
                op.fusion_class,
                uses[index],
                max(op.flops, 0.0),
                float(nbytes),
                measurement.median_ns,
            )
        )
    return points


def _with_times(
    graph: Any, of_op: list[int], times: dict[int, Measurement], device_kind: str, cache: Cache
) -> Any:
    found = [times.get(index) for index in of_op]
    return graph.with_cost_table(
        source=f"measured:{cache.environment['cpu']}, {cache.environment['threads']} thread(s)",
        device_kind=device_kind,
        duration_ns=[-1 if time is None else time.median_ns for time in found],
        stddev_ns=[-1 if time is None else time.spread_ns for time in found],
        samples=[0 if time is None else time.samples for time in found],
    )
