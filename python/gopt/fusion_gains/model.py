"""The simulator's price of a group from its row of the table, and rates fitted to measured times.

docs/simulator.md: an op takes launch + max(compute, bytes / rate of its class), a fused kernel
launch + max(sum of compute, moved bytes / rate of its leader).
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gopt import _core
from gopt.fusion_gains.table import OpRow, Row

OP_CLASSES = ("elementwise", "broadcast", "reduction", "data_movement", "contraction")
# Steps of the search, as factors; each is tried up and down until none helps.
_BOUNDS = (0.05, 500.0)  # Of rates, per nanosecond: beyond them no time depends on a rate.
_STEPS = (4.0, 2.0, 1.4, 1.2, 1.1, 1.05, 1.02)


@dataclasses.dataclass(frozen=True)
class Model:
    """Attributes:
    launch_ns: of a kernel.
    flops, bytes: per nanosecond, by op class.
    rule: "leader", the simulator's; or "own", proposed: what each op still moves, at its own rate.
    """

    launch_ns: float
    flops: dict[str, float]
    bytes: dict[str, float]
    rule: str = "leader"

    @staticmethod
    def of(device: Any) -> Model:
        """A gopt.Device's, efficiencies by op type left out."""
        factors = {entry.op_class: entry for entry in device.efficiency if not entry.op_type}
        whole = _core.Efficiency()
        return Model(
            float(device.launch),
            {c: device.peak_flops * factors.get(c, whole).flops / 1e9 for c in OP_CLASSES},
            {c: device.memory_bandwidth * factors.get(c, whole).bytes / 1e9 for c in OP_CLASSES},
        )

    def device(self, name: str = "cpu:0", memory_bytes: int = 16 << 30) -> Any:
        """As a gopt.Device: the best class sets the rates, the others are efficiencies of it."""
        peak, bandwidth = max(self.flops.values()), max(self.bytes.values())
        efficiency = [
            _core.Efficiency(
                op_class=c, flops=self.flops[c] / peak, bytes=self.bytes[c] / bandwidth
            )
            for c in OP_CLASSES
        ]
        return _core.Device(
            name,
            kind="cpu",
            memory_bytes=memory_bytes,
            peak_flops=peak * 1e9,
            memory_bandwidth=bandwidth * 1e9,
            launch=round(self.launch_ns),
            efficiency=efficiency,
        )

    def op_ns(self, op: OpRow) -> float:
        return self.launch_ns + max(self._compute(op), op.bytes / self.bytes[op.op_class])

    def unfused_ns(self, row: Row) -> float:
        return sum(self.op_ns(op) for op in row.ops)

    def fused_ns(self, row: Row) -> float:
        if self.rule == "own":
            memory = sum(op.left_bytes / self.bytes[op.op_class] for op in row.ops)
        else:
            memory = row.moved_bytes / self.bytes[row.ops[row.leader].op_class]
        return self.launch_ns + max(sum(map(self._compute, row.ops)), memory)

    def _compute(self, op: OpRow) -> float:
        return op.flops / self.flops[op.op_class]


def half(row: Row) -> int:
    """0: efficiencies are fitted on it; 1: they are tested on it. By hash, so it never changes."""
    return hashlib.sha256(row.name.encode()).digest()[0] % 2


def fit(rows: Sequence[Row], unfused_ns: Callable[[Row], float], rule: str = "leader") -> Model:
    """The launch and the rates of each class with the least sum of |log(model / measured)|.

    Both times of each group count: fused and op by op. Coordinate descent from one start, so the
    same rows give the same model; a rate that no time depends on stays at its start.
    """
    rates = [f"{kind} {c}" for kind in ("flops", "bytes") for c in OP_CLASSES]
    value = {"launch": 1000.0, **dict.fromkeys(rates, 10.0)}
    measured = [(row, row.fused_ns, unfused_ns(row)) for row in rows]

    def loss(values: dict[str, float]) -> float:
        model = _model(values, rule)
        return sum(
            abs(math.log(model.fused_ns(row) / fused))
            + abs(math.log(model.unfused_ns(row) / unfused))
            for row, fused, unfused in measured
        )

    least = loss(value)
    for step in _STEPS:
        improved = True
        while improved:
            improved = False
            for trial in _trials(value, step):
                if (found := loss(trial)) < least - 1e-9:
                    least, value, improved = found, trial, True
                    break
    return _model(value, rule)


def _trials(value: dict[str, float], step: float) -> Iterator[dict[str, float]]:
    """One parameter changed, up or down."""
    for name, old in value.items():
        for new in (old * step, old / step):
            if name == "launch" or _BOUNDS[0] <= new <= _BOUNDS[1]:
                yield {**value, name: new}


def _model(value: dict[str, float], rule: str) -> Model:
    flops, size = ({c: value[f"{kind} {c}"] for c in OP_CLASSES} for kind in ("flops", "bytes"))
    return Model(value["launch"], flops, size, rule)
