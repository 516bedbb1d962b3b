"""Whether the simulator's price of fusion ranks kernels as compiled ones do.

Groups of real ops, legal by docs/simulator.md, are cut out of captured training steps, compiled by
AOTInductor fused and op by op, checked against eager PyTorch and timed on one thread. The table of
times is recorded; rank correlations and efficiencies are computed from it alone.

table = gopt.fusion_gains.load("benchmarks/fusion_gains.json")
model = gopt.fusion_gains.fitted(table, "called")
print(gopt.fusion_gains.text(gopt.fusion_gains.compare(table.rows, model, unfused)))
"""

from gopt.fusion_gains.model import Model, fit, half
from gopt.fusion_gains.report import (
    Agreement,
    alone_text,
    compare,
    fitted,
    plain_text,
    text,
    unfused_ns,
)
from gopt.fusion_gains.table import OpRow, Row, Table, load

__all__ = [
    "Agreement",
    "Model",
    "OpRow",
    "Row",
    "Table",
    "alone_text",
    "compare",
    "fit",
    "fitted",
    "half",
    "load",
    "plain_text",
    "text",
    "unfused_ns",
]
