"""Graphs made, read and looked at from Python."""

import copy
import gc
import pickle

import numpy as np
import pytest

import gopt


def mlp() -> gopt.Graph:
    b = gopt.GraphBuilder(name="mlp", source="by hand")
    weight = b.add_op("w", "parameter", kind="parameter")
    w = b.add_port(weight, bytes=4000, shape=(10, 100), persistent=True, optimizer_copies=2)
    x = b.add_port(b.add_op("x", "input", kind="input"), bytes=400, shape=(10, 10))
    mm = b.add_op("mm", "matmul", operands=[x, w], fusion_class="contraction", flops=2e4)
    y = b.add_port(mm, bytes=4000, shape=[10, 100])
    relu = b.add_op("relu", "relu", operands=[y], fusion_class="elementwise", scope="net.act")
    z = b.add_port(relu, bytes=4000, shape=np.array([10, 100]))
    b.add_op("out", "output", kind="output", operands=[z])
    b.add_op("adam", "optimizer", phase="optimizer", operands=[w], colocation=3)
    b.add_cost_table(source="profile:test", device_kind="gpu", duration_ns=[-1, -1, 50, 7])
    b.set_metadata("batch", "10")
    b.set_ungroup(mm, ["mm_default", "view_1"])
    return b.build()


def test_builder_makes_what_was_added():
    graph = mlp()
    assert len(graph) == graph.num_ops == 6
    assert (graph.name, graph.source, graph.metadata) == ("mlp", "by hand", {"batch": "10"})
    mm = graph.op(graph.find("mm"))
    assert (mm.type, mm.kind, mm.phase, mm.fusion_class) == (
        "matmul",
        "compute",
        "forward",
        "contraction",
    )
    assert mm.flops == 2e4
    assert mm.bytes_read == -1
    assert mm.ungroup == ["mm_default", "view_1"]
    weight = graph.port(mm.operands[1])
    assert (weight.shape, weight.dtype, weight.bytes) == ((10, 100), "float32", 4000)
    assert weight.persistent
    assert weight.optimizer_copies == 2
    assert graph.op(weight.producer).parameter_index == 0
    assert graph.optimizer_op(0) == graph.find("adam")
    assert graph.measured_time(mm.id, "gpu") == 50
    assert graph.measured_time(mm.id, "tpu") == -1


def test_ops_may_be_added_in_any_order():
    b = gopt.GraphBuilder()
    late = b.add_op("late", "op")
    early = b.add_op("early", "op")
    b.add_operands(late, [b.add_port(early, bytes=8)])
    graph, where = b.build_with_ids()
    assert graph.op_names == ["early", "late"]
    assert where == [1, 0]


def test_a_slice_shares_its_storage():
    b = gopt.GraphBuilder()
    op = b.add_op("split", "split")
    whole = b.add_port(op, bytes=100)
    part = b.add_port(op, bytes=40, storage=whole)
    graph = b.build()
    assert graph.num_storages == 1
    assert graph.port(part).storage == graph.port(whole).storage
    assert graph.port(part).storage_bytes == 100


def test_a_cycle_is_printed():
    b = gopt.GraphBuilder()
    first, second = b.add_op("a", "op"), b.add_op("b", "op")
    b.add_operands(second, [b.add_port(first, bytes=1)])
    b.add_operands(first, [b.add_port(second, bytes=1)])
    with pytest.raises(gopt.InvalidGraphError, match="'a' -> 'b' -> 'a'") as caught:
        b.build()
    assert caught.value.code == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda b: b.add_op("a", "op", operands=[99]), "99"),
        (lambda b: b.add_op("a", "op", controls=[99]), "99"),
        (lambda b: (b.add_op("a", "op"), b.add_op("a", "op")), "'a'"),
        (lambda b: b.add_port(b.add_op("a", "op"), bytes=-5), "'a'"),
        (lambda b: b.add_port(7, bytes=5), "7"),
        (lambda b: b.add_op("a", "op", flops=float("nan")), "'a'"),
        (lambda b: b.add_port(b.add_op("a", "op"), bytes=8, shape=(2**40, 2**40)), "'a'"),
    ],
)
def test_bad_graphs_are_named(break_it, message):
    b = gopt.GraphBuilder()
    break_it(b)
    with pytest.raises(gopt.InvalidGraphError, match=message):
        b.build()


def test_unknown_words_list_the_known_ones():
    b = gopt.GraphBuilder()
    with pytest.raises(gopt.InvalidArgumentError, match=r"known: .*parameter"):
        b.add_op("a", "op", kind="weights")
    with pytest.raises(ValueError, match="backward"):
        b.add_op("a", "op", phase="sideways")
    with pytest.raises(gopt.GoptError, match="float32"):
        b.add_port(b.add_op("a", "op"), bytes=4, dtype="float33")


def test_indices_are_checked():
    graph = gopt.parse_graph("a -> b")
    for index in (-1, 2, 2**40):
        with pytest.raises(IndexError):
            graph.op(index)
        with pytest.raises(IndexError):
            graph.port(index)
    with pytest.raises(gopt.NotFoundError, match="'c'"):
        graph.find("c")


def test_parse_errors_are_graph_errors():
    with pytest.raises(gopt.InvalidGraphError, match="column"):
        gopt.parse_graph("a -> ")


def test_columns_are_read_only_views_that_keep_the_graph_alive():
    graph = mlp()
    flops = graph.column("op_flops")
    assert flops.dtype == np.float64
    assert flops.shape == (6,)
    del graph
    gc.collect()
    assert 2e4 in flops
    with pytest.raises(ValueError, match="read-only"):
        flops[0] = 1
    with pytest.raises(gopt.NotFoundError, match="nonsense"):
        mlp().column("nonsense")


def test_every_column_is_readable():
    graph = mlp()
    for name in graph.column_names():
        assert graph.column(name).ndim == 1
    assert graph.column("op_kind").dtype == np.uint8


def test_edges_are_pairs():
    graph = gopt.parse_graph("a -> b -> d; a -> c => d")
    assert graph.edges.shape == (graph.num_edges, 2) == (4, 2)
    names = graph.op_names
    pairs = {(names[i], names[j]) for i, j in graph.edges}
    assert pairs == {("a", "b"), ("b", "d"), ("a", "c"), ("c", "d")}


def test_text_columns():
    graph = mlp()
    assert graph.op_types[graph.find("relu")] == "relu"
    assert graph.op_kinds.count("parameter") == 1
    assert graph.op_phases.count("optimizer") == 1
    assert "net.act" in graph.op_scopes


def test_empty_graph():
    graph = gopt.GraphBuilder(name="nothing").build()
    assert len(graph) == 0
    assert graph.edges.shape == (0, 2)
    assert graph.column("op_flops").shape == (0,)
    assert "nothing" in repr(graph)


def test_fingerprint_ignores_names():
    assert (
        gopt.parse_graph("a:relu -> b:exp").fingerprint
        == gopt.parse_graph("c:relu -> d:exp").fingerprint
    )
    assert (
        gopt.parse_graph("a:relu -> b:exp").fingerprint
        != gopt.parse_graph("a:relu -> b:tanh").fingerprint
    )


def test_to_text_names_every_op():
    text = mlp().to_text()
    assert all(name in text for name in mlp().op_names)


def test_graphs_go_through_files_bytes_and_pickles(tmp_path):
    graph = mlp()
    for name in ("g.gopt", "g.txtpb"):
        graph.save(tmp_path / name)
        back = gopt.Graph.load(str(tmp_path / name))
        assert back.fingerprint == graph.fingerprint
        assert back.op_names == graph.op_names
        assert back.metadata == graph.metadata
    assert gopt.Graph.from_bytes(graph.to_bytes()).fingerprint == graph.fingerprint
    assert gopt.Graph.from_textproto(graph.to_textproto()).op_names == graph.op_names
    assert pickle.loads(pickle.dumps(graph)).op(2).ungroup == graph.op(2).ungroup
    assert copy.deepcopy(graph).fingerprint == graph.fingerprint


def test_bad_files_are_named(tmp_path):
    with pytest.raises(gopt.NotFoundError, match=r"absent\.gopt"):
        gopt.Graph.load(tmp_path / "absent.gopt")
    (tmp_path / "cut.gopt").write_bytes(mlp().to_bytes()[:-5])
    with pytest.raises(gopt.InvalidGraphError, match=r"cut\.gopt"):
        gopt.Graph.load(tmp_path / "cut.gopt")
    with pytest.raises(gopt.InvalidGraphError):
        gopt.Graph.from_bytes(b"\x80\x04pickle")
