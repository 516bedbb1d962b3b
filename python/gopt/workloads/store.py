"""Graphs of the workloads: loaded from the files that travel with the package, or captured."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from typing import Any

from gopt import _core
from gopt.errors import NotFoundError
from gopt.workloads import registry


@dataclasses.dataclass(frozen=True)
class Info:
    """What is known of a workload without loading it.

    Attributes:
      name, suite, family, devices, summary: as in its `Entry`.
      stored: whether `load` has its graph; the figures below are None where it has not.
      ops, edges: of the graph.
      parameters: numbers, not tensors.
      fingerprint: of the graph.
    """

    name: str
    suite: str
    family: str
    devices: int
    summary: str
    stored: bool = False
    ops: int | None = None
    edges: int | None = None
    parameters: int | None = None
    fingerprint: int | None = None


_FIGURES = ("ops", "edges", "parameters", "fingerprint")


def infos() -> list[Info]:
    """All workloads: those of the registry, then others that GOPT_WORKLOADS_DIR holds.

    Raises:
      gopt.GoptError: the index of the stored graphs is malformed.
    """
    rows = {row.name: row for row in _stored_rows()}
    found = []
    for entry in registry.ENTRIES:
        row = rows.pop(entry.name, None)
        figures = {key: getattr(row, key) for key in _FIGURES} if row else {}
        found.append(_info(entry, stored=row is not None, **figures))
    for row in rows.values():
        found.append(_info(row, stored=True, **{key: getattr(row, key) for key in _FIGURES}))
    return found


def info(name: str) -> Info:
    """Raises: NotFoundError with the names that come near."""
    known = {found.name: found for found in infos()}
    if name not in known:
        raise NotFoundError(registry.unknown(name, known))
    return known[name]


def load(name: str) -> _core.Graph:
    """The stored graph of a workload: `gopt.workloads.load("gnmt8")`. Needs no torch.

    Raises:
      NotFoundError: no such name (the message has those that come near), or one that is not stored.
      gopt.GoptError: the file is damaged, or holds another graph than the index says.
    """
    if not info(name).stored:
        raise NotFoundError(
            f"workload {name!r} is not stored; gopt.workloads.make({name!r}).capture() makes it"
        )
    return _core.load_workload(name)


def capture(name: str, devices: int | None = None, **options: Any) -> _core.Graph:
    """Captures a workload; its metadata say from which entry and options.

    Args:
      name: of an entry.
      devices: written into the metadata instead of the entry's.
      **options: as for `gopt.workloads.make`.

    Raises:
      As `gopt.workloads.make` and `gopt.capture`; ValueError: `devices` is below 1.
    """
    entry = registry.entry(name)
    if devices is not None and devices < 1:
        raise ValueError(f"devices is {devices}, expected at least 1")
    graph = registry.make(name, **options).capture().graph
    return graph.with_metadata(
        {
            "workload.name": name,
            "workload.family": entry.family,
            "workload.suite": entry.suite,
            "workload.devices": str(devices or entry.devices),
            "workload.options": json.dumps({**entry.options, **options}, sort_keys=True),
        }
    )


def count_parameters(graph: _core.Graph) -> int:
    """Numbers that the graph's parameters hold."""
    ports = (port for op in graph.parameters for port in graph.op(op).ports)
    return sum(math.prod(graph.port(port).shape) for port in ports)


def _stored_rows() -> list[_core.StoredWorkload]:
    try:
        return _core.stored_workloads()
    except NotFoundError:
        if os.environ.get("GOPT_WORKLOADS_DIR"):
            raise
        return []  # installed without them


def _info(row: registry.Entry | _core.StoredWorkload, **figures: Any) -> Info:
    shared: Mapping[str, Any] = {
        key: getattr(row, key) for key in ("name", "suite", "family", "devices", "summary")
    }
    return Info(**shared, **figures)
