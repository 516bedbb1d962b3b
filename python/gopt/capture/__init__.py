"""Capture from PyTorch: `gopt.capture(model, example_inputs, ...)`.

The package itself is callable, since its name is that of its one function: whichever of
`import gopt` and `import gopt.capture.entry` comes first, `gopt.capture(...)` works.
"""

import sys
import types
from typing import Any

from gopt.capture.errors import CaptureError
from gopt.capture.optimizer import OptimizerSpec
from gopt.capture.step import Captured, TrainingStep, capture


class _CallableModule(types.ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Captured:
        return capture(*args, **kwargs)


_CallableModule.__call__.__doc__ = capture.__doc__
_CallableModule.__call__.__wrapped__ = capture  # type: ignore[attr-defined]
sys.modules[__name__].__class__ = _CallableModule

__all__ = ["CaptureError", "Captured", "OptimizerSpec", "TrainingStep", "capture"]
