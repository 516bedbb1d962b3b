"""What GRAPH may be, besides a file of our own and a workload's name."""

import json

import pytest


@pytest.fixture
def corpus(root):
    return root / "tests" / "fuzz" / "corpus"


def test_a_generated_graph_comes_with_its_machine(run):
    found = json.loads(run("info", "planted(ops=50,devices=2)", "--json").stdout)
    assert found["ops"] == 50
    assert found["machine"]["devices"] == 2
    assert found["machine"]["lower_bound_ns"] == found["figures"]["optimal_step_time_ns"]


def test_a_generated_graph_can_be_solved(run):
    arguments = ["--solvers", "heft,metis", "--evaluations", "20", "--quiet", "--json"]
    rows = json.loads(run("compare", "blocks(blocks=2)", *arguments).stdout)["rows"]
    assert [row["outcome"] for row in rows] == ["OK", "OK"]


def test_files_of_foreign_tools(run, corpus):
    profile = corpus / "pipedream" / "small.graph.txt"
    whole = json.loads(run("info", profile, "--json").stdout)
    assert whole["cost_tables"] == [["pipedream", "device"]]
    forward = json.loads(run("info", f"pipedream(training=false):{profile}", "--json").stdout)
    assert forward["ops"] < whole["ops"]
    inputs = corpus / "dnn_partitioning" / "small.json"
    assert json.loads(run("info", inputs, "--json").stdout)["machine"]["devices"] == 3


def test_what_is_wrong_with_a_spec_is_said_in_one_line(run, corpus):
    for graph, words in [
        ("ring(ops=3)", "no synthetic family is named 'ring'"),
        ("chain(ops=0)", "chain: ops is 0"),
        ("pipedream(training=false):missing.txt", "missing.txt"),
        (f"pipedream(mirror=true):{corpus}/pipedream/small.graph.txt", "unknown key 'mirror'"),
    ]:
        done = run("info", graph, code=2)
        assert done.stderr.count("\n") == 1
        assert words in done.stderr


def test_figures_and_memory_are_shown_as_people_read_them(run):
    text = run("info", "planted(ops=50,devices=2)").stdout
    assert "file says: optimal_step_time = 500 us" in text
    assert "0 B of parameters and state, no limit" in text
