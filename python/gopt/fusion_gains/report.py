"""How well predicted gains rank the measured ones, per class."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Callable, Sequence

from gopt._text import table as text_table
from gopt.fusion_gains.model import Model, fit, half
from gopt.fusion_gains.ranks import kendall, spearman
from gopt.fusion_gains.table import CLASSES, Row, Table

# What "unfused" is: each kernel called by itself, all kernels in one call, PyTorch's dispatcher.
BASELINES = ("called", "inlined", "eager")


def unfused_ns(table: Table, baseline: str) -> Callable[[Row], float]:
    """The measured time of a group op by op.

    Args:
      baseline: "inlined": compiled op by op, all in one call. "called": and a call more for each
        kernel but the first. "eager": through PyTorch's dispatcher.
    """
    if baseline == "eager":
        return lambda row: row.eager_ns
    call = table.call_ns if baseline == "called" else 0.0
    return lambda row: row.apart_ns + (len(row.ops) - 1) * call


@dataclasses.dataclass(frozen=True)
class Agreement:
    """Predicted against measured over some groups.

    Attributes:
      name, groups: of which class, how many.
      one_kernel: groups that the compiler made one kernel.
      measured, predicted: geometric mean of time op by op / time fused.
      gain_spearman, gain_kendall: of the nanoseconds gained.
      ratio_spearman, ratio_kendall: of time op by op / time fused.
      fused_error: median of max(model / measured, measured / model) of the fused time.
    """

    name: str
    groups: int
    one_kernel: int
    measured: float
    predicted: float
    gain_spearman: float
    gain_kendall: float
    ratio_spearman: float
    ratio_kendall: float
    fused_error: float


def compare(rows: Sequence[Row], model: Model, unfused: Callable[[Row], float]) -> list[Agreement]:
    """One line per class that has groups, in the order of CLASSES; those that the compiler made
    one kernel, and the others; all."""
    parts = {name: [row for row in rows if row.group_class == name] for name in CLASSES}
    parts["(made one kernel)"] = [row for row in rows if row.fused_kernels == 1]
    parts["(made several)"] = [row for row in rows if row.fused_kernels != 1]
    parts["all"] = list(rows)
    return [_agreement(name, part, model, unfused) for name, part in parts.items() if part]


def _agreement(
    name: str, rows: Sequence[Row], model: Model, unfused: Callable[[Row], float]
) -> Agreement:
    measured = [(unfused(row), row.fused_ns) for row in rows]
    predicted = [(model.unfused_ns(row), model.fused_ns(row)) for row in rows]
    gains = [[before - after for before, after in times] for times in (predicted, measured)]
    ratios = [[before / after for before, after in times] for times in (predicted, measured)]
    errors = [
        math.exp(abs(math.log(p / m))) for (_, p), (_, m) in zip(predicted, measured, strict=True)
    ]
    return Agreement(
        name=name,
        groups=len(rows),
        one_kernel=sum(row.fused_kernels == 1 for row in rows),
        measured=statistics.geometric_mean(ratios[1]),
        predicted=statistics.geometric_mean(ratios[0]),
        gain_spearman=spearman(*gains),
        gain_kendall=kendall(*gains),
        ratio_spearman=spearman(*ratios),
        ratio_kendall=kendall(*ratios),
        fused_error=statistics.median(errors),
    )


def fitted(table: Table, baseline: str, rule: str = "leader") -> Model:
    """On the half of the groups that is for fitting."""
    return fit([row for row in table.rows if half(row) == 0], unfused_ns(table, baseline), rule)


def text(lines: Sequence[Agreement]) -> str:
    header = ("class", "groups", "one kernel", "measured", "predicted", "gain rho", "gain tau",
              "ratio rho", "ratio tau", "fused error")  # fmt: skip
    rows = [
        (
            line.name,
            str(line.groups),
            str(line.one_kernel),
            f"{line.measured:.2f}x",
            f"{line.predicted:.2f}x",
            *(
                "-" if math.isnan(value) else f"{value:.2f}"
                for value in (line.gain_spearman, line.gain_kendall,
                              line.ratio_spearman, line.ratio_kendall)
            ),
            f"{line.fused_error:.2f}x",
        )
        for line in lines
    ]  # fmt: skip
    return text_table(header, rows, left=1)


def alone_text(table: Table) -> str:
    """How near "called" comes to packages that hold one op each, where those were measured."""
    called = unfused_ns(table, "called")
    factors = sorted(row.alone_ns / called(row) for row in table.rows if row.alone_ns)
    if not factors:
        return ""
    return (
        f"ops as packages of their own ({len(factors)} groups): {statistics.median(factors):.2f}x "
        f"of called in the median, {factors[0]:.2f}x to {factors[-1]:.2f}x"
    )


def plain_text(rows: Sequence[Row], unfused: Callable[[Row], float]) -> str:
    """What ranking without any model gives: by bytes saved, and by the number of ops."""
    gains = [unfused(row) - row.fused_ns for row in rows]
    ratios = [unfused(row) / row.fused_ns for row in rows]
    saved = [float(sum(op.bytes for op in row.ops) - row.moved_bytes) for row in rows]
    ops = [float(len(row.ops)) for row in rows]
    return (
        f"without a model, the other half: gain rho {spearman(saved, gains):.2f} by bytes saved, "
        f"ratio rho {spearman(ops, ratios):.2f} by number of ops"
    )
