"""Training steps at real shapes to try things on.

    gopt.workloads.make("inception32").capture()

A model's module, and torch with it, is imported by `make` alone.
"""

from __future__ import annotations

from gopt.workloads.registry import ENTRIES, SUITES, Entry, entry, make, names
from gopt.workloads.workload import Workload

__all__ = ["ENTRIES", "SUITES", "Entry", "Workload", "entry", "make", "names"]
