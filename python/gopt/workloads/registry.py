"""The models by name: which module makes each, and at which sizes. Imports none of them."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from gopt.errors import NotFoundError

if TYPE_CHECKING:
    from gopt.workloads.workload import Workload

SUITES = ("paper", "modern", "small")


@dataclasses.dataclass(frozen=True)
class Entry:
    """One named training step.

    Attributes:
      name: of the entry and of its graph.
      module: under gopt.workloads; has `workload(device="meta", **options) -> Workload`.
      suite: "paper" (the GO paper's table), "modern" (what is trained today): these are stored;
        "small": sizes that run on data in a moment, for tests.
      family: entries of one family differ in sizes only.
      devices: how many the paper places it on; for other entries, how many it can use.
      summary: one line: layers, sizes, steps.
      options: those that differ from the defaults of the module's options class.
    """

    name: str
    module: str
    suite: str
    family: str
    devices: int
    summary: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def stored(self) -> bool:
        """Whether its graph travels with the package."""
        return self.suite != "small"


# In the order of the suite's table; the small form of a model after its others.
ENTRIES: tuple[Entry, ...] = (
    # --- the GO paper's table
    Entry(
        "inception32",
        "inception",
        "paper",
        "inception",
        2,
        "Inception-v3 with both classifiers, batch 32 of 299 x 299",
    ),
    Entry(
        "inception64",
        "inception",
        "paper",
        "inception",
        2,
        "Inception-v3 with both classifiers, batch 64 of 299 x 299",
        {"batch": 64},
    ),
    Entry(
        "inception-small",
        "inception",
        "small",
        "inception",
        2,
        "Inception-v3 with an eighth of the channels, batch 2 of 75 x 75",
        {"batch": 2, "size": 75, "classes": 10, "width": 0.125},
    ),
    # --- what is trained today
    Entry(
        "gpt",
        "gpt",
        "modern",
        "gpt",
        4,
        "decoder-only Transformer, 12 layers of width 1024, batch 16 x 512 in 4 micro-batches",
    ),
    Entry(
        "gpt-small",
        "gpt",
        "small",
        "gpt",
        2,
        "decoder-only Transformer, 2 layers of width 64, batch 4 x 16 in 2 micro-batches",
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
    ),
)

_BY_NAME = {entry.name: entry for entry in ENTRIES}


def names(suite: str | None = None) -> tuple[str, ...]:
    """Names in the order of the table; of one of SUITES, or of all.

    Raises:
      NotFoundError: no such suite.
    """
    if suite is None:
        return tuple(_BY_NAME)
    if suite not in SUITES:
        raise NotFoundError(f"no suite {suite!r}; there are {', '.join(SUITES)}")
    return tuple(entry.name for entry in ENTRIES if entry.suite == suite)


def entry(name: str) -> Entry:
    """Raises: NotFoundError with the names that come near, or all of them."""
    if name not in _BY_NAME:
        raise NotFoundError(unknown(name, _BY_NAME))
    return _BY_NAME[name]


def unknown(name: str, known: Iterable[str]) -> str:
    """The message for a name that is none of `known`."""
    known = list(known)
    near = difflib.get_close_matches(name, known)
    if near:
        return f"no workload {name!r}; near it: {', '.join(near)}"
    return f"no workload {name!r}; there are {', '.join(known)}"


def make(name: str, **options: Any) -> Workload:
    """A model and its inputs by name, ready to `capture()`. Imports torch.

    Args:
      name: one of names().
      **options: sizes, as in the options class of its module; `device` ("meta": shapes only, the
        default; "cpu": with data, so that it can be run).

    Raises:
      NotFoundError: no such name.
      ValueError: sizes that do not go together.
      TypeError: no such option.
    """
    row = entry(name)
    module = importlib.import_module(f"gopt.workloads.{row.module}")
    workload: Workload = module.workload(**{**row.options, **options})
    return dataclasses.replace(workload, name=name)
