"""What needs torch, loaded when first used: `import gopt` stays a fraction of a second."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

# Solvers that gopt._gopt brings, as it describes them.
SOLVERS = {
    "gopt": "classical plans, a learned policy, then annealing",
    "policy": "plans drawn by a learned policy, zero-shot",
}


@functools.cache
def native() -> ModuleType:
    """gopt._gopt, its solvers registered."""
    import torch  # noqa: F401  Brings the libraries that gopt._gopt is linked to.

    from gopt import _gopt

    _gopt.register_all()
    return _gopt
