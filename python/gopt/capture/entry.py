"""`package.module:function` to a Captured: what the command line needs."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any

from torch import nn

from gopt import workloads
from gopt.capture.errors import CaptureError
from gopt.capture.step import Captured, capture
from gopt.workloads.registry import unknown


def capture_entry(spec: str, **options: Any) -> Captured:
    """Imports `package.module:function`, calls it without arguments and captures what it gives.

    The current directory is importable. The function may give a Captured, (model, inputs),
    (model, inputs, loss), a dict of arguments of `gopt.capture`, or an object with a method
    `capture` (a `gopt.workloads.Workload`).

    Args:
      spec: "package.module:function", "package.module:object.method", or the name of a workload.
      **options: further arguments of `gopt.capture`; they override the function's own.

    Raises:
      CaptureError: no such module or function, or something else came back; or as `capture`.
    """
    if spec in workloads.names():
        return workloads.make(spec).capture(**options)
    function = _find(spec)
    given = function() if callable(function) and not isinstance(function, nn.Module) else function
    if isinstance(given, Captured):
        return given
    if hasattr(given, "capture"):
        return given.capture(**options)
    if isinstance(given, Mapping):
        return capture(**{**given, **options})
    if isinstance(given, tuple) and len(given) in (2, 3) and isinstance(given[0], nn.Module):
        keys = ("model", "example_inputs", "loss")
        return capture(**{**dict(zip(keys, given, strict=False)), **options})
    raise CaptureError(
        f"what {spec} gives",
        f"it is a {type(given).__name__}",
        "return (model, inputs), (model, inputs, loss), a dict of gopt.capture's arguments, "
        "or a captured step",
    )


def _find(spec: str) -> Any:
    module_name, _, path = spec.partition(":")
    if not module_name or not path:
        no_name = unknown(spec, workloads.names())
        raise CaptureError(
            f"{spec!r}", f"it is not package.module:function, and {no_name}", _ADVICE
        )
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found = importlib.import_module(module_name)
    except ImportError as error:
        raise CaptureError(f"{spec!r}", f"{error}", _ADVICE) from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise CaptureError(f"{spec!r}", f"{module_name} has no {path}", _ADVICE)
        found = getattr(found, part)
    return found


_ADVICE = (
    "give package.module:function, importable from the current directory, "
    "such as gopt.workloads.inception:workload"
)
