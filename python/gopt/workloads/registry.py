"""The models by name. Imports none of them until one is made."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gopt.errors import NotFoundError
from gopt.workloads.entries import ENTRIES, Entry

if TYPE_CHECKING:
    from gopt.workloads.workload import Workload

SUITES = ("paper", "modern", "small")

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


def unknown(name: str, known: Iterable[str], noun: str = "workload") -> str:
    """The message for a name that is none of `known`, each of which is a `noun`."""
    known = list(known)
    near = difflib.get_close_matches(name, known)
    if near:
        return f"no {noun} {name!r}; near it: {', '.join(near)}"
    return f"no {noun} {name!r}; there are {', '.join(known)}"


def make(name: str, **options: Any) -> Workload:
    """A model and its inputs by name, ready to `capture()`. Imports torch.

    Args:
      name: one of names().
      **options: sizes, as in the options class of its module; `device` ("meta": shapes only, the
        default; "cpu": with data, so that it can be run).

    Raises:
      NotFoundError: no such name.
      ValueError: a size that is none, or sizes that do not go together.
      TypeError: no such option.
    """
    row = entry(name)
    module = importlib.import_module(f"gopt.workloads.{row.module}")
    try:
        workload: Workload = module.workload(**{**row.options, **options})
    except RuntimeError as error:  # torch's word on shapes that cannot be.
        raise ValueError(str(error)) from error
    return dataclasses.replace(workload, name=name)
