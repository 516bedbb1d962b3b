"""`gopt workloads`, and names of stored graphs in place of files."""

import json

import pytest

import gopt


def test_list_shows_what_is_stored(run):
    text = run("workloads", "list").stdout
    assert "inception32" in text and "Inception-v3" in text
    rows = json.loads(run("workloads", "list", "--suite", "paper", "--json").stdout)
    assert {row["suite"] for row in rows} == {"paper"}
    row = next(row for row in rows if row["name"] == "inception32")
    assert row["stored"] and row["devices"] == 2 and row["ops"] > 1000
    assert row["fingerprint"] == f"{gopt.workloads.load('inception32').fingerprint:016x}"


def test_commands_take_the_name_of_a_stored_graph(run):
    assert "inception32: 1748 ops" in run("info", "inception32", "--machine", "p100x2").stdout
    rows = run("compare", "inception32", "--machine", "p100x2", "--solvers", "expert", "--json")
    assert json.loads(rows.stdout)["rows"]


def test_a_file_of_that_name_wins_and_a_folder_does_not(run, tmp_path):
    (tmp_path / "inception32").mkdir()
    assert json.loads(run("info", "inception32", "--json").stdout)["ops"] == 1748
    gopt.parse_graph("a:matmul -> b:relu").save(tmp_path / "gpt")
    assert json.loads(run("info", "gpt", "--json").stdout)["ops"] == 2


def test_a_wrong_name_is_told_what_comes_near(run):
    done = run("info", "inceptoin32", code=2)
    assert "no such file" in done.stderr and "near it: inception32" in done.stderr
    assert done.stderr.count("\n") == 1


def test_make_writes_a_graph_with_other_sizes(run, tmp_path):
    pytest.importorskip("torch")
    done = run(
        *("workloads", "make", "gpt-small", "--set", "layers=1", "--devices", "4"),
        *("-o", "one.gopt", "--json"),
    )
    row = json.loads(done.stdout)
    graph = gopt.Graph.load(tmp_path / "one.gopt")
    assert row["ops"] == graph.num_ops and row["devices"] == 4
    assert json.loads(graph.metadata["workload.options"])["layers"] == 1


def test_make_says_what_is_wrong(run):
    pytest.importorskip("torch")
    assert "depth" in run("workloads", "make", "gpt-small", "--set", "depth=1", code=2).stderr
    assert "KEY=VALUE" in run("workloads", "make", "gpt-small", "--set", "depth", code=2).stderr
    wrong = run("workloads", "make", "gpt-small", "--set", "micro_batches=3", code=2).stderr
    assert wrong.count("\n") == 1 and "micro_batches 3" in wrong
    assert "near it" in run("workloads", "make", "gpt-smal", code=2).stderr
    wrong = run("workloads", "make", "gpt-small", "--devices", "0", code=2).stderr
    assert "devices is 0" in wrong


def test_make_all_refuses_what_is_not_stored(run, tmp_path):
    done = run("workloads", "make-all", "--only", "gpt-small", "-o", tmp_path / "g", code=2)
    assert "no workload 'gpt-small'" in done.stderr
    assert "--jobs 0 is below 1" in run("workloads", "make-all", "--jobs", "0", code=2).stderr
    assert "make-all" in run("workloads", "--help").stdout
