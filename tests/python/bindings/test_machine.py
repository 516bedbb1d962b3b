"""Machines from presets, parts, text and files."""

import math
import pickle

import pytest

import gopt


def device(name: str, **changes) -> gopt.Device:
    values = {"memory_bytes": 1 << 30, "peak_flops": 1e12, "memory_bandwidth": 1e11, **changes}
    return gopt.Device(name, **values)


def pair(**changes) -> gopt.Machine:
    return gopt.Machine(
        "pair",
        [device("a"), device("b", **changes)],
        [gopt.Channel("there", bandwidth=1e9, latency=500), gopt.Channel("back", bandwidth=2e9)],
        [gopt.Route(0, 1, [0]), gopt.Route(1, 0, [1])],
    )


def test_parts_come_back():
    machine = pair(
        kind="gpu", launch=4000, efficiency=[gopt.Efficiency(op_class="contraction", flops=0.5)]
    )
    second = machine.devices[1]
    assert (second.name, second.kind, second.launch) == ("b", "gpu", 4000)
    assert (second.efficiency[0].op_class, second.efficiency[0].flops) == ("contraction", 0.5)
    assert [c.name for c in machine.channels] == ["there", "back"]
    assert machine.route(0, 1) == [0]
    assert machine.route(0, 0) == []
    assert machine.transfer_time(1000, 0, 1) == 1000
    assert [(r.source, r.destination) for r in machine.routes] == [(0, 1), (1, 0)]
    assert machine.find_device("b") == 1
    assert machine.find_device("c") == -1


def test_presets_are_listed_and_made():
    names = [name for name, _ in gopt.machine_presets()]
    assert {"p100x4", "v100x4", "a100x8", "h100x8", "cpu"} <= set(names)
    assert len(gopt.Machine.preset("v100x4")) == 4
    limited = gopt.Machine.preset("v100x4(memory=12GiB)")
    assert limited.devices[0].memory_bytes == 12 << 30
    with pytest.raises(gopt.NotFoundError, match="v100x4"):
        gopt.Machine.preset("v1000x4")


def test_memory_limits():
    machine = pair().with_memory_limit(100)
    assert [d.memory_bytes for d in machine.devices] == [100, 100]
    machine = machine.with_memory_limit(200, device=1)
    assert [d.memory_bytes for d in machine.devices] == [100, 200]
    with pytest.raises(IndexError):
        machine.with_memory_limit(5, device=2)
    with pytest.raises(gopt.InvalidArgumentError):
        machine.with_memory_limit(-5)


def test_text_files_and_pickles(tmp_path):
    machine = pair()
    machine.save(tmp_path / "m.txtpb")
    for back in (
        gopt.Machine.load(tmp_path / "m.txtpb"),
        gopt.Machine.from_file(str(tmp_path / "m.txtpb")),
        gopt.Machine.from_spec(str(tmp_path / "m.txtpb")),
        gopt.Machine.from_text(machine.to_text()),
        pickle.loads(pickle.dumps(machine)),
    ):
        assert back.to_text() == machine.to_text()
    with pytest.raises(gopt.NotFoundError, match="absent"):
        gopt.Machine.load(tmp_path / "absent.txtpb")
    with pytest.raises(gopt.InvalidArgumentError):
        gopt.Machine.from_text("devices { name: 3 }")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gopt.Machine("none", []), "device"),
        (lambda: gopt.Machine("twins", [device("a"), device("a")]), "'a'"),
        (lambda: gopt.Machine("nan", [device("a", peak_flops=math.nan)]), "'a'"),
        (lambda: gopt.Machine("slow", [device("a", memory_bandwidth=0.0)]), "'a'"),
        (lambda: gopt.Machine("m", [device("a")], [], [gopt.Route(0, 7, [0])]), "route"),
        (
            lambda: gopt.Machine("m", [device("a")], [gopt.Channel("c", bandwidth=-1.0)]),
            "'c'",
        ),
    ],
)
def test_bad_machines_are_named(make, message):
    with pytest.raises(gopt.InvalidArgumentError, match=message):
        make()


def test_unknown_class_lists_the_known_ones():
    with pytest.raises(gopt.InvalidArgumentError, match="contraction"):
        gopt.Efficiency(op_class="matmul")


def test_indices_are_checked():
    with pytest.raises(IndexError):
        pair().route(0, 2)
    with pytest.raises(IndexError):
        pair().transfer_time(5, -1, 0)
