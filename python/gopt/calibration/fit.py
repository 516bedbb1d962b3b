"""From measured times to efficiencies of the roofline, and how well each explains the other.

The roofline says: time = launch + max(flops / (peak * e), bytes / (bandwidth * b)). What an op
reaches of it is one factor s = e = b. A class gets the factor with the least error of log time on
its ops, weighted by the time they take in the graph; an op type far from its class
gets one of its own. (Williams, Waterman, Patterson: Roofline, CACM 52(4), 2009.)
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from gopt.calibration.measure import Rates

# A type leaves its class when its factor differs by this much, on at least so many signatures.
_FAR = 1.5
_ENOUGH = 2
_GRID = 40  # Steps per pass of the search for a factor.


@dataclasses.dataclass(frozen=True)
class Point:
    """A signature that was measured.

    Attributes:
      op_type, op_class: of its ops.
      count: how many ops of the graph have it.
      flops, bytes: of one op; unknown ones count 0, as in the simulator.
      measured_ns: median of one op.
    """

    op_type: str
    op_class: str
    count: int
    flops: float
    bytes: float
    measured_ns: int


@dataclasses.dataclass(frozen=True)
class Fit:
    """Attributes:
    rates: what the CPU reaches at best.
    by_class, by_type: efficiencies, in (0, 1]; a type's own goes before its class's.
    """

    rates: Rates
    by_class: dict[str, float]
    by_type: dict[str, float]

    def efficiency(self, point: Point) -> float:
        return self.by_type.get(point.op_type, self.by_class.get(point.op_class, 1.0))

    def time_ns(self, point: Point) -> float:
        """The calibrated roofline's time of one op."""
        return self.rates.launch_ns + busy_ns(point, self.rates) / self.efficiency(point)


@dataclasses.dataclass(frozen=True)
class Row:
    """Modelled against measured, for the ops of one class or for all.

    Attributes:
      name: of the class; "all".
      ops, signatures: how many.
      measured_ns, roofline_ns, calibrated_ns: sums over the ops: measured, by the roofline at full
        efficiency, by the fitted one.
      roofline_error, calibrated_error: median over signatures of max(model / measured, measured /
        model); 1 is exact.
      correlation: of the logarithms of calibrated and measured time, over signatures; NaN for
        fewer than three.
    """

    name: str
    ops: int
    signatures: int
    measured_ns: float
    roofline_ns: float
    calibrated_ns: float
    roofline_error: float
    calibrated_error: float
    correlation: float


def busy_ns(point: Point, rates: Rates) -> float:
    """The roofline without launch."""
    return 1e9 * max(point.flops / rates.peak_flops, point.bytes / rates.memory_bandwidth)


def roofline_ns(point: Point, rates: Rates) -> float:
    return rates.launch_ns + busy_ns(point, rates)


def fit(points: Sequence[Point], rates: Rates) -> Fit:
    """Efficiencies of classes and of types that differ from their class.

    The launch is what a tenth of the calls stay below, if that is less than the probe's: no call
    waits for more than the shortest ones do.
    """
    if points:
        tenth = sorted(point.measured_ns for point in points)[len(points) // 10]
        rates = dataclasses.replace(rates, launch_ns=min(rates.launch_ns, tenth))
    by_class = _factors(points, rates, lambda point: point.op_class)
    by_type = {}
    of_type = _group(points, lambda point: point.op_type)
    for op_type, factor in _factors(points, rates, lambda point: point.op_type).items():
        members = of_type[op_type]
        away = abs(math.log(factor / by_class.get(members[0].op_class, 1.0)))
        if len(members) >= _ENOUGH and away > math.log(_FAR):
            by_type[op_type] = factor
    return Fit(rates, by_class, by_type)


def held_out_error(points: Sequence[Point], rates: Rates) -> float:
    """Median error on signatures that the fit did not see: each half predicted from the other."""
    if len(points) < 4:
        return math.nan
    halves = (points[0::2], points[1::2])
    errors: list[float] = []
    for seen, unseen in (halves, halves[::-1]):
        fitted = fit(seen, rates)
        errors += [_error(fitted.time_ns(point), point.measured_ns) for point in unseen]
    return statistics.median(errors)


def compare(points: Sequence[Point], fitted: Fit) -> list[Row]:
    """One row per class, the one with the most measured time first; last, all together."""
    groups = _group(points, lambda point: point.op_class)
    rows = [_row(name, members, fitted) for name, members in groups.items()]
    rows.sort(key=lambda row: -row.measured_ns)
    return [*rows, _row("all", points, fitted)] if points else []


def _row(name: str, points: Sequence[Point], fitted: Fit) -> Row:
    roofline = [roofline_ns(point, fitted.rates) for point in points]
    calibrated = [fitted.time_ns(point) for point in points]
    measured = [float(point.measured_ns) for point in points]
    counts = [point.count for point in points]
    return Row(
        name=name,
        ops=sum(counts),
        signatures=len(points),
        measured_ns=_dot(counts, measured),
        roofline_ns=_dot(counts, roofline),
        calibrated_ns=_dot(counts, calibrated),
        roofline_error=statistics.median(map(_error, roofline, measured)),
        calibrated_error=statistics.median(map(_error, calibrated, measured)),
        correlation=_log_correlation(calibrated, measured),
    )


def _factors(
    points: Sequence[Point], rates: Rates, key: Callable[[Point], str]
) -> dict[str, float]:
    return {
        name: _best_factor(members, rates)
        for name, members in _group(points, key).items()
        if any(busy_ns(point, rates) > 0 for point in members)
    }


def _best_factor(points: Sequence[Point], rates: Rates) -> float:
    """The factor with the least sum of |log(model / measured)|, weighted by measured time.

    Ops that the launch fills say nothing of the factor, and do not sway it either.
    """

    def loss(factor: float) -> float:
        return sum(
            p.count
            * p.measured_ns
            * abs(math.log((rates.launch_ns + busy_ns(p, rates) / factor) / p.measured_ns))
            for p in points
        )

    # Coarse to fine; of equal ones the largest, so that without evidence the roofline stands.
    low, high = -4.0, 0.0
    best = 0.0
    for _ in range(3):
        step = (high - low) / _GRID
        best = min((high - i * step for i in range(_GRID + 1)), key=lambda x: loss(10**x))
        low, high = max(-4.0, best - step), min(0.0, best + step)
    return float(10**best)


def _group(points: Iterable[Point], key: Callable[[Point], str]) -> dict[str, list[Point]]:
    groups: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        groups[key(point)].append(point)
    return groups


def _error(model: float, measured: float) -> float:
    return max(model / measured, measured / model)


def _dot(counts: Iterable[int], values: Iterable[float]) -> float:
    return sum(count * value for count, value in zip(counts, values, strict=True))


def _log_correlation(model: Sequence[float], measured: Sequence[float]) -> float:
    if len(model) < 3:
        return math.nan
    x, y = [math.log(v) for v in model], [math.log(v) for v in measured]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    spread = math.sqrt(sum((a - mean_x) ** 2 for a in x) * sum((b - mean_y) ** 2 for b in y))
    return covariance / spread if spread > 0 else math.nan
