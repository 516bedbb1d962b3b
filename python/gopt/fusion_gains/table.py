"""The recorded table: what was compiled, what it takes, where it was measured. JSON."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

FORMAT = "gopt.fusion_gains/1"

# In this order: a group is of the first class that holds for it.
CLASSES = (
    "contraction + followers",
    "data movement",
    "row-wise reduction inside",
    "reduction last",
    "broadcast",
    "elementwise chain",
)


@dataclasses.dataclass(frozen=True)
class OpRow:
    """One op as the simulator sees it.

    Attributes:
      name, type, op_class, phase: of the graph.
      shape: of its first result.
      flops: at least 0.
      bytes: read and written, as the op alone.
      left_bytes: of these, what it still moves inside the fused kernel.
      eager_ns: one call through PyTorch's dispatcher.
    """

    name: str
    type: str
    op_class: str
    phase: str
    shape: tuple[int, ...]
    flops: float
    bytes: int
    left_bytes: int
    eager_ns: float = 0.0


@dataclasses.dataclass(frozen=True)
class Row:
    """One group: what the simulator needs to price it, and what was measured.

    Attributes:
      workload: a key of Table.workloads.
      group_class: one of CLASSES.
      ops: in the order of the step.
      leader: index of the op whose class sets the memory rate of the fused kernel.
      fused_kernels, apart_kernels: loops or library calls the compiler made.
      fused_ns, apart_ns, eager_ns: one run: compiled as one group; compiled op by op, all in one
        call; op by op through PyTorch's dispatcher.
      alone_ns: each op compiled into a package of its own, called one after another; 0 where that
        was not done.
      fused_spread, ...: see timing.Timing.
      largest_error: between fused and eager results: |a - b| / (1 + |b|).
    """

    workload: str
    group_class: str
    ops: tuple[OpRow, ...]
    leader: int
    fused_kernels: int = 0
    apart_kernels: int = 0
    fused_ns: float = 0.0
    apart_ns: float = 0.0
    eager_ns: float = 0.0
    fused_spread: float = 0.0
    apart_spread: float = 0.0
    eager_spread: float = 0.0
    alone_ns: float = 0.0
    alone_spread: float = 0.0
    largest_error: float = 0.0

    @property
    def moved_bytes(self) -> int:
        """Of the fused kernel, by the simulator's rule."""
        return sum(op.left_bytes for op in self.ops)

    @property
    def name(self) -> str:
        return f"{self.workload}: " + " + ".join(op.name for op in self.ops)


@dataclasses.dataclass(frozen=True)
class Table:
    """Attributes:
    environment: CPU, versions, day.
    workloads: by the rows' names: workload and options that capture the step again.
    call_ns: of a compiled package that does next to nothing: what one more kernel costs where
      each is a package of its own.
    failures: groups that did not compile, or whose results differ: name and reason.
    rows: the groups.
    """

    environment: dict[str, Any]
    workloads: dict[str, dict[str, Any]]
    call_ns: float
    failures: list[tuple[str, str]]
    rows: list[Row]

    def save(self, path: str | os.PathLike[str]) -> None:
        """One line per op and per group, so that differences can be read."""
        head = {"format": FORMAT} | {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "rows"
        }
        lines = json.dumps(head, indent=1)[:-2]
        rows = ",\n".join(_row_text(row) for row in self.rows)
        Path(path).write_text(f'{lines},\n "rows": [\n{rows}\n ]\n}}\n', encoding="utf-8")


def load(path: str | os.PathLike[str]) -> Table:
    """Raises: ValueError that names the file if it is no such table."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content.pop("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        rows = [_row(entry) for entry in content.pop("rows")]
        return Table(**content, rows=rows)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: no table of fusion gains: {error}") from error


def _row(entry: dict[str, Any]) -> Row:
    ops = tuple(OpRow(**{**op, "shape": tuple(op["shape"])}) for op in entry["ops"])
    return Row(**{**entry, "ops": ops})


def _row_text(row: Row) -> str:
    entry = dataclasses.asdict(row)
    ops = ",\n".join(f"    {json.dumps(_rounded(op))}" for op in entry.pop("ops"))
    return f'  {json.dumps(_rounded(entry))[:-1]},\n   "ops": [\n{ops}]}}'


def _rounded(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        key: float(f"{value:.4g}") if isinstance(value, float) else value
        for key, value in entry.items()
    }
