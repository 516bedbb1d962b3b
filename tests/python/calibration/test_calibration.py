"""Measured op times: what is run, kept, fitted and written."""

import dataclasses
import json
import math

import pytest
import torch
from torch import nn

import gopt
from gopt import workloads
from gopt.calibration import Cache, MeasureOptions
from gopt.calibration.calls import prepare
from gopt.calibration.fit import Point, compare, fit, held_out_error
from gopt.calibration.measure import Rates
from gopt.cli.main import main

QUICK = MeasureOptions(seconds=0.0, minimum=2, maximum=2)


@pytest.fixture(scope="module")
def graph():
    model = nn.Sequential(nn.Embedding(50, 16), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))
    ids = torch.randint(0, 50, (4, 8))
    return gopt.capture(model, ids, loss=lambda y: y.square().mean()).graph


def test_every_op_that_runs_gets_its_signatures_time(graph, tmp_path):
    result = gopt.calibrate(graph, options=QUICK, cache=Cache(1, tmp_path))
    table = result.graph.cost_tables[0]
    assert result.failures == []
    assert table["device_kind"] == "cpu"
    assert table["source"].startswith("measured:")
    of_op = json.loads(graph.attributes)["op"]
    times: dict[int, int] = {}
    for op, index in enumerate(of_op):
        duration = table["duration_ns"][op]
        if index < 0:
            assert (duration, table["samples"][op]) == (-1, 0)
        else:
            assert duration > 0
            assert table["samples"][op] == 2
            assert times.setdefault(index, duration) == duration
    assert result.measured == len(times)


def test_the_simulator_uses_the_measured_times(graph, tmp_path):
    result = gopt.calibrate(graph, options=QUICK, cache=Cache(1, tmp_path))
    measured = result.graph.cost_tables[0]["duration_ns"]
    machine = result.machine()
    problem = gopt.Problem(result.graph, machine)
    plan = gopt.optimize(result.graph, machine, solver="single_device")
    assert plan.step_time_ns == sum(time for time in measured if time > 0)
    assert gopt.lower_bounds(problem).work == plan.step_time_ns


def test_what_is_kept_is_not_measured_again(graph, tmp_path):
    first = gopt.calibrate(graph, options=QUICK, cache=Cache(1, tmp_path))
    again = gopt.calibrate(graph, options=QUICK, cache=Cache(1, tmp_path))
    assert (again.measured, again.cached) == (0, first.measured)
    assert again.graph.fingerprint == first.graph.fingerprint


def test_without_a_file_nothing_is_read_or_written(graph, tmp_path):
    gopt.calibrate(graph, options=QUICK, cache=Cache(1, tmp_path))
    (path,) = tmp_path.iterdir()
    before = path.read_bytes()
    result = gopt.calibrate(graph, options=QUICK, cache=Cache(1, tmp_path, kept=False))
    assert result.cached == 0
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["{", "[]", '{"times": {"a": [1]}, "rates": null}', "\x00"])
def test_a_damaged_cache_is_told_and_measured_anew(graph, tmp_path, damage):
    first = gopt.calibrate(graph, options=QUICK, cache=Cache(1, tmp_path))
    (path,) = tmp_path.iterdir()
    path.write_text(damage)
    with pytest.warns(UserWarning, match=path.name):
        cache = Cache(1, tmp_path)
    with pytest.warns(UserWarning, match=path.name):  # once more before it is written over
        result = gopt.calibrate(graph, options=QUICK, cache=cache)
    assert result.measured == first.measured
    assert len(Cache(1, tmp_path)) == first.measured


def test_a_call_that_cannot_run_is_named_and_the_rest_is_measured(tmp_path):
    builder = gopt.GraphBuilder(name="odd", source="test")
    for i in range(2):
        builder.add_port(builder.add_op(f"op{i}", "add"), bytes=4)
    tensor = {"tensor": ["float32", [2], [1]]}
    signatures = [
        {"call": "aten::no_such_operator.default", "args": [tensor], "kwargs": {}},
        {"call": "aten::neg.default", "args": [tensor], "kwargs": {}},
    ]
    content = {"format": "gopt.signatures/1", "signatures": signatures, "op": [0, 1]}
    builder.set_attributes(json.dumps(content).encode())
    result = gopt.calibrate(builder.build(), options=QUICK, cache=Cache(1, tmp_path))
    ((call, reason),) = result.failures
    assert call == "aten::no_such_operator.default"
    assert "has no operator" in reason
    durations = result.graph.cost_tables[0]["duration_ns"]
    assert durations[0] == -1
    assert durations[1] > 0
    assert "no_such_operator" in str(result)


@pytest.mark.parametrize("attributes", [b"", b"[]", b'{"format": "x"}', b"\xff"])
def test_a_graph_that_does_not_say_how_its_ops_are_called_is_refused(attributes):
    builder = gopt.GraphBuilder(name="mute", source="elsewhere")
    builder.add_op("a", "add")
    builder.set_attributes(attributes)
    with pytest.raises(gopt.InvalidArgumentError, match=r"'mute' \(from elsewhere\)"):
        gopt.calibrate(builder.build())


def small_workloads():
    return [name for name in workloads.names() if workloads.entry(name).suite == "small"]


@pytest.mark.parametrize("name", small_workloads())
def test_every_call_of_a_workload_runs(name):
    content = json.loads(workloads.make(name).capture().graph.attributes)
    unfused = "optimizer::rmsprop"  # Torch has no fused kernel for it: its ops have no time.
    with torch.no_grad():
        for signature in content["signatures"]:
            if signature["call"] != unfused:
                prepare(signature)()


@pytest.mark.parametrize(
    "call",
    [
        "load_library::__call__.__call__",  # Not an operator, and it would run the file's code.
        "aten::save.default",
        "aten::from_file.default",
    ],
)
def test_what_does_more_than_compute_is_refused(call, tmp_path):
    path = tmp_path / "written"
    with pytest.raises(ValueError, match=call):
        prepare({"call": call, "args": [str(path)], "kwargs": {}})
    assert not path.exists()


def test_tensors_have_the_strides_and_legal_values_of_the_call():
    seen = []
    tensor = ["float32", [3, 2], [1, 3]]
    signature = {"call": "aten::neg.default", "args": [{"tensor": tensor}], "kwargs": {}}
    run = prepare(signature)
    seen = [cell.cell_contents for cell in run.__closure__]
    (argument,) = next(cell for cell in seen if isinstance(cell, list))
    assert argument.stride() == (1, 3)
    assert argument.min() >= 0.1
    table = {"tensor": ["float32", [7, 4], [4, 1]]}
    ids = {"tensor": ["int64", [1000], [1]]}
    run = prepare({"call": "aten::embedding.default", "args": [table, ids], "kwargs": {}})
    assert run().shape == (1000, 4)


# --- the fit ---------------------------------------------------------------------------------

RATES = Rates(peak_flops=1e12, memory_bandwidth=1e10, launch_ns=1000)


def points(op_type, op_class, factor, sizes):
    """Ops bound by memory that reach `factor` of it."""
    return [
        Point(op_type, op_class, 1, 0.0, nbytes, round(1000 + nbytes / 10 / factor))
        for nbytes in sizes
    ]


def test_the_fit_finds_the_factor_of_a_class():
    made = points("add", "elementwise", 0.25, [1e6, 2e6, 5e6, 1e7, 1e8])
    fitted = fit(made, RATES)
    assert fitted.by_class["elementwise"] == pytest.approx(0.25, rel=0.02)
    assert fitted.by_type == {}
    assert compare(made, fitted)[-1].calibrated_error == pytest.approx(1.0, abs=0.02)
    assert compare(made, fitted)[-1].roofline_error == pytest.approx(4.0, rel=0.02)
    assert held_out_error(made, RATES) == pytest.approx(1.0, abs=0.02)


def test_a_type_far_from_its_class_has_a_factor_of_its_own():
    sizes = [1e6, 2e6, 5e6, 1e7]
    fitted = fit(
        [
            *points("add", "opaque", 0.5, [s * 10 for s in sizes]),
            *points("pool", "opaque", 0.02, sizes[:2]),
        ],
        RATES,
    )
    assert fitted.by_class["opaque"] == pytest.approx(0.5, rel=0.05)
    assert fitted.by_type["pool"] == pytest.approx(0.02, rel=0.05)


def test_ops_that_the_launch_fills_leave_the_roofline_as_it_is():
    made = [Point("add", "elementwise", 1, 0.0, 10.0, 1000) for _ in range(5)]
    assert fit(made, RATES).by_class == {"elementwise": 1.0}


def test_a_factor_is_at_most_one():
    fitted = fit(points("add", "elementwise", 8.0, [1e6, 1e7]), RATES)
    assert fitted.by_class == {"elementwise": 1.0}


def test_few_points_have_no_held_out_error_and_no_correlation():
    made = points("add", "elementwise", 0.5, [1e6])
    assert math.isnan(held_out_error(made, RATES))
    assert math.isnan(compare(made, fit(made, RATES))[0].correlation)
    assert compare([], fit([], RATES)) == []


# --- the command -----------------------------------------------------------------------------


def test_the_command_writes_graph_machine_and_facts(graph, tmp_path, capsys):
    graph.save(tmp_path / "step.gopt")
    out, machine = str(tmp_path / "measured.gopt"), str(tmp_path / "cpu.txtpb")
    arguments = ["calibrate", str(tmp_path / "step.gopt"), "--cache", str(tmp_path / "cache")]
    arguments += ["--seconds", "0", "-o", out, "--machine-out", machine]
    assert main([*arguments, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["failures"] == []
    assert facts["rows"][-1]["name"] == "all"
    assert facts["rows"][-1]["ops"] == len(graph.kernel_ops)
    assert gopt.Graph.load(out).cost_tables[0]["device_kind"] == "cpu"
    device = gopt.Machine.load(machine).devices[0]
    assert device.kind == "cpu"
    assert device.peak_flops == facts["rates"]["peak_flops"]
    fitted = {e.op_class: e.flops for e in device.efficiency if not e.op_type}
    assert fitted == pytest.approx(facts["efficiency_by_class"])
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "0 signatures measured" in text
    assert f"written: {out}" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--threads", "0"], "--threads 0 is below 1"),
        (["--seconds", "nan"], "--seconds nan is no duration"),
    ],
)
def test_the_command_refuses_nonsense(graph, tmp_path, capsys, arguments, message):
    graph.save(tmp_path / "step.gopt")
    assert main(["calibrate", str(tmp_path / "step.gopt"), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_options_have_the_documented_defaults():
    assert dataclasses.asdict(MeasureOptions()) == {
        "threads": 1, "seconds": 0.2, "minimum": 5, "maximum": 50,
    }  # fmt: skip
