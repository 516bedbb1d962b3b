"""Graphs made in Python equal those that C++ parses or reads."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

import gopt

TYPES = {"matmul": "contraction", "relu": "elementwise", "softmax": "reduction", "op": "opaque"}


@st.composite
def dags(draw):
    """(type, time, bytes, operands) per op; operands are earlier ops."""
    count = draw(st.integers(1, 12))
    ops = []
    for i in range(count):
        reads = draw(st.lists(st.integers(0, i - 1), max_size=3, unique=True)) if i else []
        ops.append(
            (
                draw(st.sampled_from(sorted(TYPES))),
                draw(st.integers(0, 10**6)),
                draw(st.integers(0, 10**9)),
                reads,
            )
        )
    return ops


def in_text(ops) -> gopt.Graph:
    lines = [f"n{i}:{t}[time={time},bytes={size}]" for i, (t, time, size, _) in enumerate(ops)]
    for i, (_, _, _, reads) in enumerate(ops):
        lines += [f"n{r} -> n{i}" for r in reads]
    return gopt.parse_graph("; ".join(lines))


def in_python(ops, order) -> gopt.Graph:
    """Ops are added in the given order; ids of the builder follow it."""
    builder = gopt.GraphBuilder()
    op_id, port = {}, {}
    for i in order:
        kind, _, size, _ = ops[i]
        op_id[i] = builder.add_op(f"n{i}", kind, fusion_class=TYPES[kind])
        port[i] = builder.add_port(op_id[i], bytes=size)
    for i, (_, _, _, reads) in enumerate(ops):
        builder.add_operands(op_id[i], [port[r] for r in reads])
    times = [ops[i][1] for i in order]
    builder.add_cost_table(source="text", device_kind="device", duration_ns=times)
    return builder.build()


def described(graph: gopt.Graph):
    names = graph.op_names
    return {
        names[i]: (
            graph.op(i).type,
            graph.op(i).fusion_class,
            [names[graph.port(p).producer] for p in graph.op(i).operands],
            [graph.port(p).bytes for p in graph.op(i).ports],
            graph.measured_time(i, "device"),
        )
        for i in range(len(graph))
    }


@settings(max_examples=60, deadline=None)
@given(dags(), st.randoms(use_true_random=False))
def test_python_and_text_make_the_same_graph(ops, random):
    parsed = in_text(ops)
    built = in_python(ops, range(len(ops)))
    assert built.fingerprint == parsed.fingerprint
    assert built.to_bytes() is not None
    order = list(range(len(ops)))
    random.shuffle(order)
    assert described(in_python(ops, order)) == described(parsed)


@settings(max_examples=40, deadline=None)
@given(dags())
def test_every_file_form_keeps_the_fingerprint(ops):
    graph = in_text(ops)
    assert gopt.Graph.from_bytes(graph.to_bytes()).fingerprint == graph.fingerprint
    assert gopt.Graph.from_textproto(graph.to_textproto()).fingerprint == graph.fingerprint


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(content):
    for read in (gopt.Graph.from_bytes, lambda b: gopt.parse_graph(b.decode("latin-1"))):
        with contextlib.suppress(gopt.InvalidGraphError):
            read(content)


@settings(max_examples=40, deadline=None)
@given(dags(), st.data())
def test_one_device_takes_exactly_the_sum(ops, data):
    graph = in_text(ops)
    problem = gopt.Problem(graph, gopt.Machine.uniform(2))
    rank = data.draw(st.permutations(range(len(ops))))
    plan = gopt.Plan(problem.base_kernels, rank=rank)
    report = gopt.evaluate(problem, plan)
    assert report.step_time == sum(time for _, time, _, _ in ops)
