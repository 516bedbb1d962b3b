"""Stored graphs by name, and how they are remade."""

import json
import subprocess
import sys

import pytest

import gopt
from gopt import workloads
from gopt.workloads import registry, remake, store


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of stored graphs."""
    monkeypatch.setenv("GOPT_WORKLOADS_DIR", str(tmp_path / "graphs"))
    return tmp_path / "graphs"


@pytest.fixture
def captures(monkeypatch):
    """Stands for capturing: name to a text of a graph, or to an error. Two workloads are stored."""
    entries = [entry for entry in registry.ENTRIES if entry.stored][:2]
    monkeypatch.setattr(registry, "ENTRIES", entries)
    found = {entry.name: "a:matmul -> b:relu" for entry in entries}

    def capture(name, scratch):
        if not found[name].startswith("a:"):
            return found[name]
        path = scratch / f"{name}.gopt"
        graph = gopt.parse_graph(found[name])
        graph.with_metadata({"workload.devices": "2"}).save(path)
        return path, 1.0

    monkeypatch.setattr(remake, "_capture", capture)
    return found


def states(outcomes):
    return {outcome.name: outcome.state for outcome in outcomes}


def test_loading_needs_no_torch():
    code = (
        "import sys, gopt; graph = gopt.workloads.load('inception32'); "
        "print(graph.name, graph.metadata['workload.devices'], 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "inception32 2 False\n"


def test_what_is_stored_is_known_without_loading():
    info = workloads.info("inception32")
    graph = workloads.load("inception32")
    assert info.stored and info.fingerprint == graph.fingerprint
    assert (info.ops, info.edges) == (graph.num_ops, graph.num_edges)
    assert info.parameters == store.count_parameters(graph) == 27_161_264
    small = workloads.info("gpt-small")
    assert not small.stored and small.ops is None


def test_errors_name_what_comes_near():
    with pytest.raises(gopt.NotFoundError, match="near it: inception32"):
        workloads.load("inceptoin32")
    with pytest.raises(gopt.NotFoundError, match=r"gpt-small.*is not stored; .*make"):
        workloads.load("gpt-small")


def test_another_folder_may_hold_other_graphs(folder):
    with pytest.raises(gopt.NotFoundError, match="GOPT_WORKLOADS_DIR"):
        workloads.infos()
    graph = gopt.parse_graph("a:matmul -> b:relu")
    row = {"name": "mine", "family": "mine", "suite": "own", "devices": 2, "summary": "two ops"}
    row |= {"ops": 2, "edges": 1, "parameters": 0, "fingerprint": f"{graph.fingerprint:016x}"}
    folder.mkdir()
    remake.write_rows(folder, {"mine": row})
    graph.save(folder / "mine.gopt", compress=True)
    assert workloads.load("mine").fingerprint == graph.fingerprint
    assert workloads.info("mine").summary == "two ops"
    (folder / "index.json").write_text('{"version": 1, "workloads": [{}]}')
    with pytest.raises(gopt.InvalidArgumentError, match=r"index.json: workload 0: field 'name'"):
        workloads.load("mine")


@pytest.mark.parametrize("suite", ["paper", "modern"])
def test_the_smallest_graph_of_a_suite_is_what_its_model_gives_today(suite):
    stored = [info for info in workloads.infos() if info.stored and info.suite == suite]
    name = min(stored, key=lambda info: info.ops).name
    made, kept = workloads.capture(name), workloads.load(name)
    assert made.fingerprint == kept.fingerprint
    assert made.to_bytes() == kept.to_bytes()


def test_the_file_says_how_it_was_made(tmp_path):
    graph = workloads.capture("gpt-small", devices=3, layers=1)
    assert graph.metadata["workload.name"] == "gpt-small"
    assert graph.metadata["workload.family"] == "gpt"
    assert graph.metadata["workload.suite"] == "small"
    assert graph.metadata["workload.devices"] == "3"
    options = json.loads(graph.metadata["workload.options"])
    assert options["layers"] == 1 and options["width"] == 64
    again = workloads.capture("gpt-small", devices=3, layers=1)
    for made, name in ((graph, "one"), (again, "two")):
        made.save(tmp_path / name, compress=True)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    graph.save(tmp_path / "plain")
    assert (tmp_path / "one").stat().st_size < (tmp_path / "plain").stat().st_size / 3


def test_remaking_keeps_what_is_unchanged(folder, captures):
    first, second = captures
    assert set(states(remake.make_all(folder)).values()) == {"new"}
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert set(states(remake.make_all(folder)).values()) == {"unchanged"}
    assert before == {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    captures[first] = "a:matmul -> b:relu -> c:add"
    outcomes = remake.make_all(folder)
    assert states(outcomes) == {first: "changed", second: "unchanged"}
    assert "2 to 3 ops" in {outcome.name: outcome.detail for outcome in outcomes}[first]
    assert gopt.Graph.load(folder / f"{first}.gopt").num_ops == 3
    assert [row.name for row in gopt._core.stored_workloads()] == [first, second]


def test_a_workload_that_fails_stops_no_other_and_keeps_its_file(folder, captures):
    first, second = captures
    remake.make_all(folder)
    captures[first] = "no such operator"
    captures[second] = "a:matmul"
    assert states(remake.make_all(folder)) == {first: "failed", second: "changed"}
    assert gopt.Graph.load(folder / f"{first}.gopt").num_ops == 2
    assert remake.read_rows(folder)[first]["ops"] == 2


def test_one_name_leaves_the_others_and_all_names_remove_the_rest(folder, captures):
    first, second = captures
    remake.make_all(folder, only=[first])
    assert list(remake.read_rows(folder)) == [first]
    rows = remake.read_rows(folder)
    remake.write_rows(folder, {**rows, "gone": {**rows[first], "name": "gone"}})
    (folder / "gone.gopt").write_bytes(b"")
    assert "removed" not in states(remake.make_all(folder, only=[second])).values()
    assert states(remake.make_all(folder))["gone"] == "removed"
    assert not (folder / "gone.gopt").exists()
    assert list(remake.read_rows(folder)) == [first, second]
    with pytest.raises(gopt.NotFoundError, match="no workload 'gpt-small'"):
        remake.make_all(folder, only=["gpt-small"])


@pytest.mark.parametrize("text", ["{", "[]", '{"workloads": [{}]}', '{"workloads": 3}'])
def test_an_index_that_is_none_is_refused(folder, captures, text):
    folder.mkdir()
    (folder / "index.json").write_text(text)
    with pytest.raises(gopt.InvalidArgumentError, match=r"index.json: no index of workloads"):
        remake.make_all(folder)
    assert (folder / "index.json").read_text() == text


def test_a_damaged_file_is_made_anew(folder, captures):
    first, _ = captures
    remake.make_all(folder)
    (folder / f"{first}.gopt").write_bytes(b"damaged")
    assert states(remake.make_all(folder))[first] == "new"
    assert gopt.Graph.load(folder / f"{first}.gopt").num_ops == 2


def test_the_page_lists_what_is_stored(root):
    page = (root / "docs" / "workloads.md").read_text()
    rows = [table_row(info) for info in workloads.infos() if info.stored]
    missing = [row for row in rows if row not in page]
    assert not missing, "put these into docs/workloads.md:\n" + "\n".join(missing)


def table_row(info):
    figures = f"{info.ops:,} | {info.edges:,} | {info.parameters / 1e6:.1f} M"
    return f"| `{info.name}` | {info.devices} | {figures} | {info.summary} |"
