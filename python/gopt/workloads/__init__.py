"""Training steps at real shapes to try things on.

    gopt.workloads.load("gnmt8")                  # its graph, from a file of the package
    gopt.workloads.make("gnmt8").capture()        # the same from the model
    gopt.workloads.synthetic("layered(ops=5000)") # a generated graph and its machine

A model's module, and torch with it, is imported by `make` and `capture` alone.
"""

from __future__ import annotations

from gopt._core import synthetic, synthetic_families
from gopt.workloads.registry import ENTRIES, SUITES, Entry, entry, make, names
from gopt.workloads.store import Info, capture, info, infos, load
from gopt.workloads.workload import Workload

__all__ = [
    "ENTRIES",
    "SUITES",
    "Entry",
    "Info",
    "Workload",
    "capture",
    "entry",
    "info",
    "infos",
    "load",
    "make",
    "names",
    "synthetic",
    "synthetic_families",
]
