"""gopt: fusion, placement and scheduling of dataflow graphs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gopt._core import Graph, GraphBuilder, Op, Port, parse_graph
from gopt._core import version as _version
from gopt.errors import (
    FailedPreconditionError,
    GoptError,
    InvalidArgumentError,
    InvalidGraphError,
    NotFoundError,
    ResourceExhaustedError,
    SearchExhausted,
)

if TYPE_CHECKING:
    from gopt import report, workloads
    from gopt.capture import CaptureError, capture

__version__ = _version()

# Loaded when first used: they need torch or a plotting library, which `import gopt` does not.
_LAZY = {
    "capture": ("gopt.capture", None),  # a package that can be called
    "CaptureError": ("gopt.capture", "CaptureError"),
    "workloads": ("gopt.workloads", None),
    "report": ("gopt.report", None),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'gopt' has no attribute '{name}'")
    module_name, attribute = _LAZY[name]
    module = importlib.import_module(module_name)
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value
    return value


__all__ = [
    "CaptureError",
    "FailedPreconditionError",
    "GoptError",
    "Graph",
    "GraphBuilder",
    "InvalidArgumentError",
    "InvalidGraphError",
    "NotFoundError",
    "Op",
    "Port",
    "ResourceExhaustedError",
    "SearchExhausted",
    "capture",
    "parse_graph",
    "report",
    "workloads",
]
