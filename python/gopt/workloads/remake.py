"""Remakes the stored graphs and their index: what `gopt workloads make-all` does.

Every workload is captured by a process of its own, so that one that fails, or takes all memory,
does not stop the others.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gopt import _core
from gopt.errors import GoptError, InvalidArgumentError, NotFoundError
from gopt.workloads import registry, store

VERSION = 1
INDEX = "index.json"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one workload.

    Attributes:
      name: of the workload.
      state: "new", "changed", "unchanged", "removed" or "failed".
      detail: one line: ops before and now, or why it failed.
    """

    name: str
    state: str
    detail: str = ""


def stored_folder() -> Path:
    """GOPT_WORKLOADS_DIR, else the folder inside the package."""
    folder = os.environ.get("GOPT_WORKLOADS_DIR")
    return Path(folder) if folder else Path(__file__).parent.resolve() / "graphs"


def make_all(
    folder: Path,
    only: Iterable[str] = (),
    jobs: int = 1,
    progress: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Captures the workloads that are to be stored and writes what has changed.

    A file whose graph has the same content keeps its bytes and its row. The index, in the order of
    the registry, follows each graph, so that an interrupted run leaves a folder that can be used.
    Rows and files of names that the registry no longer has are removed, unless `only` is given.

    Args:
      folder: where index.json and the graphs are; made if it is not there.
      only: names; none: all.
      jobs: how many are captured at a time.
      progress: called with each outcome as it comes.

    Raises:
      NotFoundError: a name that is not to be stored.
      InvalidArgumentError: the folder's index is malformed.
      OSError: the folder cannot be written.
    """
    names = _chosen(only)
    folder.mkdir(parents=True, exist_ok=True)
    rows = read_rows(folder)
    outcomes = []
    with (
        tempfile.TemporaryDirectory(prefix="gopt-workloads-") as scratch,
        concurrent.futures.ThreadPoolExecutor(max(1, jobs)) as pool,
    ):
        captures = {pool.submit(_capture, name, Path(scratch)): name for name in names}
        try:
            for done in concurrent.futures.as_completed(captures):
                outcomes.append(_keep(captures[done], done.result(), folder, rows))
                write_rows(folder, rows)
                progress(outcomes[-1])
        except BaseException:  # interrupted, or the folder cannot be written
            pool.shutdown(cancel_futures=True)
            raise
    if not only:
        for outcome in _remove_others(folder, rows):
            outcomes.append(outcome)
            progress(outcome)
        write_rows(folder, rows)
    return outcomes


def row_of(name: str, graph: _core.Graph, seconds: float) -> dict[str, Any]:
    """The index row of a graph that `store.capture` made."""
    entry = registry.entry(name)
    return {
        "name": name,
        "family": entry.family,
        "suite": entry.suite,
        "devices": int(graph.metadata["workload.devices"]),
        "summary": entry.summary,
        "ops": graph.num_ops,
        "edges": graph.num_edges,
        "parameters": store.count_parameters(graph),
        "fingerprint": f"{graph.fingerprint:016x}",
        "capture_seconds": round(seconds, 1),
        "source": graph.source,
    }


def read_rows(folder: Path) -> dict[str, dict[str, Any]]:
    """Rows of the index by name; none where there is no index.

    Raises:
      InvalidArgumentError: it is malformed.
    """
    path = folder / INDEX
    try:
        return {row["name"]: row for row in json.loads(path.read_text("utf-8"))["workloads"]}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, LookupError) as error:
        raise InvalidArgumentError(f"{path}: no index of workloads; remove it: {error}") from error


def write_rows(folder: Path, rows: dict[str, dict[str, Any]]) -> None:
    """The index, one row a line, atomically; untouched if it is the same."""
    order = {name: i for i, name in enumerate(registry.names())}
    lines = [
        json.dumps(rows[name]) for name in sorted(rows, key=lambda n: order.get(n, len(order)))
    ]
    text = f'{{"version": {VERSION}, "workloads": [\n' + ",\n".join(lines) + "\n]}\n"
    path = folder / INDEX
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def _chosen(only: Iterable[str]) -> list[str]:
    stored = [entry.name for entry in registry.ENTRIES if entry.stored]
    for name in only:
        if name not in stored:
            raise NotFoundError(registry.unknown(name, stored))
    return [name for name in stored if not only or name in only]


def _capture(name: str, scratch: Path) -> tuple[Path, float] | str:
    """The graph's file and the seconds it took, or why there is none."""
    path = scratch / f"{name}.gopt"
    code = "import sys, gopt.cli; sys.exit(gopt.cli.main())"
    command = [sys.executable, "-c", code, "workloads", "make", name, "-o", str(path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return path, float(json.loads(done.stdout)["capture_seconds"])
    if done.returncode < 0:
        return f"ended by signal {-done.returncode}"
    lines = done.stderr.strip().splitlines()
    return lines[-1].removeprefix("gopt: error: ") if lines else f"exit code {done.returncode}"


def _keep(
    name: str, made: tuple[Path, float] | str, folder: Path, rows: dict[str, dict[str, Any]]
) -> Outcome:
    """Puts a captured graph and its row in place, unless they are there already."""
    if isinstance(made, str):
        return Outcome(name, "failed", made)
    graph, path = _core.Graph.load(made[0]), folder / f"{name}.gopt"
    row, old = row_of(name, graph, made[1]), rows.get(name)
    old_graph = _load_or_none(path)
    same_graph = old_graph is not None and old_graph.to_bytes() == graph.to_bytes()
    if same_graph and old is not None:
        row["capture_seconds"] = old.get("capture_seconds", row["capture_seconds"])
    rows[name] = row
    if same_graph and row == old:
        return Outcome(name, "unchanged", f"{row['ops']} ops")
    if not same_graph:
        graph.save(path, compress=True)
    if old is None or old_graph is None:
        return Outcome(name, "new", f"{row['ops']} ops, {path.stat().st_size} bytes")
    if row["fingerprint"] == old["fingerprint"]:
        return Outcome(
            name, "changed", f"{row['ops']} ops as before; names, notes or summary differ"
        )
    return Outcome(name, "changed", f"{old['ops']} to {row['ops']} ops")


def _load_or_none(path: Path) -> _core.Graph | None:
    try:
        return _core.Graph.load(path)
    except GoptError:  # absent or damaged: made anew
        return None


def _remove_others(folder: Path, rows: dict[str, dict[str, Any]]) -> Iterable[Outcome]:
    known = {entry.name for entry in registry.ENTRIES if entry.stored}
    for name in sorted(set(rows) - known):
        del rows[name]
        (folder / f"{name}.gopt").unlink(missing_ok=True)
        yield Outcome(name, "removed")
