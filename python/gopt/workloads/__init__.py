"""Training steps at real shapes to try things on: `gopt.workloads.make("inception").capture()`."""

from __future__ import annotations

from typing import Any

from gopt.workloads import inception, transformer
from gopt.workloads.workload import Workload

# name: (module, options that differ from its defaults, one line)
_REGISTRY: dict[str, tuple[Any, dict[str, Any], str]] = {
    "transformer": (
        transformer,
        {},
        "decoder-only Transformer, 12 layers of width 1024, batch 16 x 512 in 4 micro-batches",
    ),
    "transformer-small": (
        transformer,
        {
            "layers": 2,
            "width": 64,
            "heads": 4,
            "feed_forward": 128,
            "vocabulary": 100,
            "batch": 4,
            "sequence": 16,
            "micro_batches": 2,
        },
        "the same with 2 layers of width 64, batch 4 x 16 in 2 micro-batches",
    ),
    "inception": (inception, {}, "Inception-v3 with both classifiers, batch 32 of 299 x 299"),
    "inception-small": (
        inception,
        {"batch": 2, "size": 75, "classes": 10, "width": 0.125},
        "Inception-v3 with an eighth of the channels, batch 2 of 75 x 75",
    ),
}

NAMES: tuple[str, ...] = tuple(_REGISTRY)
DESCRIPTIONS: dict[str, str] = {name: row[2] for name, row in _REGISTRY.items()}


def make(name: str, **options: Any) -> Workload:
    """A workload by name.

    Args:
      name: one of NAMES.
      **options: sizes, as in the options class of its module; `device` ("meta": shapes only, the
        default; "cpu": with data, so that it can be run).

    Raises:
      ValueError: no such name, or sizes that do not go together.
      TypeError: no such option.
    """
    if name not in _REGISTRY:
        raise ValueError(f"no workload {name!r}; there are {', '.join(NAMES)}")
    module, defaults, _ = _REGISTRY[name]
    workload: Workload = module.workload(**{**defaults, **options})
    return workload


__all__ = ["DESCRIPTIONS", "NAMES", "Workload", "make"]
