"""gopt.TrainingConfig: fields, parts, text, settings, errors."""

import copy
import re
import subprocess
import sys

import pytest

import gopt


def test_fields_parts_and_problems():
    config = gopt.TrainingConfig(
        name="mine",
        problem=[("g.gopt", "p100x2"), gopt.TrainingProblem("h.gopt", "v100x4", "pins.txtpb")],
        iterations=7,
        ppo={"learning_rate": 3e-4},
        network=gopt.NetworkOptions(width=32, decoder="direct"),
    )
    assert [(p.graph, p.machine, p.constraints) for p in config.problem] == [
        ("g.gopt", "p100x2", ""),
        ("h.gopt", "v100x4", "pins.txtpb"),
    ]
    assert (config.iterations, config.ppo.learning_rate) == (7, 3e-4)
    assert (config.network.width, config.network.decoder) == (32, "direct")
    config.network.modulation = "graph"
    config.reward.kind = "sqrt"
    config.exploration.rank = 4
    config.ppo.baseline = "none"
    config.check()
    text = str(config)
    for word in ("modulation: GRAPH", "kind: SQRT", "rank: 4", "baseline: NONE", "decoder: DIRECT"):
        assert word in text


def test_every_stored_field_is_an_attribute():
    # The text has every field with its default.
    config = gopt.TrainingConfig()
    owner, seen = config, 0
    for line in config.text().splitlines():
        if part := re.fullmatch(r"(\w+) \{", line):
            owner = getattr(config, part[1])
        elif line == "}":
            owner = config
        elif (field := re.match(r" *(\w+): ", line)) and field[1] != "schema_major":
            assert hasattr(owner, field[1]), (type(owner).__name__, field[1])
            seen += 1
    assert seen > 60


def test_text_round_trip(config, tmp_path):
    config.ppo.learning_rate = 0.1 + 0.2
    again = gopt.TrainingConfig.from_text(config.text())
    assert again == config
    assert repr(again) == str(again) == config.text()
    config.save(tmp_path / "c.txtpb")
    assert gopt.TrainingConfig.load(tmp_path / "c.txtpb") == config
    again.seed = 5
    assert again != config


def test_copies_are_apart(config):
    for twin in (config.copy(), copy.copy(config), copy.deepcopy(config)):
        twin.ppo.samples = 99
        twin.problem = []
        assert config.ppo.samples == 4
        assert len(config.problem) == 1


def test_a_part_outlives_its_configuration():
    part = gopt.TrainingConfig(seed=3).ppo
    part.samples = 5
    assert part.samples == 5


def test_settings(config):
    config.set("ppo.learning_rate=3e-4")
    config.set("network.decoder=direct")
    config.set("problem[1].graph=x")
    assert config.ppo.learning_rate == 3e-4
    assert config.network.decoder == "direct"
    assert config.problem[1].graph == "x"
    with pytest.raises(gopt.InvalidArgumentError, match=r"learning_rat.*learning_rate"):
        config.set("ppo.learning_rat=1")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"iteration": 3}, "TrainingConfig has no field 'iteration'"),
        ({"ppo": {"sample": 3}}, "PpoOptions has no field 'sample'"),
        ({"iterations": "many"}, "TrainingConfig.iterations: 'many'"),
        ({"ppo": {"samples": 2.5}}, "PpoOptions.samples: 2.5"),
        ({"network": {"decoder": "greedy"}}, "decoder: 'greedy' is none of list, direct"),
        ({"problem": ["txl2"]}, "a problem is .graph, machine."),
        ({"copy": 1}, "copy: 1 is no value"),
    ],
)
def test_wrong_fields(fields, message):
    with pytest.raises(gopt.InvalidArgumentError, match=message):
        gopt.TrainingConfig(**fields)


def test_wrong_text_and_rules(config):
    with pytest.raises(gopt.InvalidArgumentError, match=r"mine:1:"):
        gopt.TrainingConfig.from_text("iterationz: 3", source="mine")
    config.network.width = 15
    with pytest.raises(gopt.InvalidArgumentError, match="network.width"):
        config.check()


def test_problems_cannot_be_changed_in_place(config):
    with pytest.raises(AttributeError):
        config.problem[0].machine = "p100x4"
    with pytest.raises(AttributeError):
        config.problem.append(("g", "m"))


def test_no_torch_is_loaded():
    code = (
        "import gopt, sys; gopt.TrainingConfig(); gopt.solvers(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
