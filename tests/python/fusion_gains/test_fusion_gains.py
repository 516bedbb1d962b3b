"""The price of fusion against compiled kernels: the recorded table, and how it is made."""

import dataclasses
import math
import os
import shutil
from collections import Counter

import pytest
import torch

import gopt
from gopt import fusion_gains, workloads
from gopt.cli.main import main
from gopt.fusion_gains import compiled
from gopt.fusion_gains.choose import ChooseOptions, choose
from gopt.fusion_gains.describe import describe, outputs
from gopt.fusion_gains.model import OP_CLASSES
from gopt.fusion_gains.ranks import kendall, spearman
from gopt.fusion_gains.rebuild import Group
from gopt.fusion_gains.report import unfused_ns
from gopt.fusion_gains.table import CLASSES
from gopt.fusion_gains.timing import TimingOptions, time_in_turn


@pytest.fixture(scope="module")
def table(root):
    return fusion_gains.load(root / "benchmarks" / "fusion_gains.json")


@pytest.fixture(scope="module")
def step():
    return workloads.make("rnnlm-small").capture()


@pytest.fixture(scope="module")
def choices(step):
    return choose({"rnnlm-small": step}, ChooseOptions(per_class=4))


def test_rank_correlations_are_those_of_the_textbook():
    x, y = [1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 4.0, 3.0, 5.0]
    assert spearman(x, y) == pytest.approx(1 - 6 * 4 / (5 * 24))
    assert kendall(x, y) == pytest.approx((8 - 2) / 10)
    assert spearman(x, [-v for v in x]) == pytest.approx(-1)
    tied = [1.0, 1.0, 2.0, 3.0, 3.0]
    assert spearman(tied, tied) == pytest.approx(1)
    assert kendall(x, tied) == pytest.approx(8 / math.sqrt(10 * 8))
    assert math.isnan(kendall(x, [1.0] * 5)) and math.isnan(spearman([1.0], [2.0]))


def test_the_table_holds_enough_groups_of_every_class(table):
    counts = Counter(row.group_class for row in table.rows)
    assert len(table.rows) >= 50
    assert all(counts[name] >= 8 for name in CLASSES)
    assert {op.phase for row in table.rows for op in row.ops} == {"forward", "backward"}
    assert max(row.fused_ns for row in table.rows) < 50e6
    assert max(row.largest_error for row in table.rows) < 1e-3


def test_the_docs_tell_what_the_table_says(table, root, capsys):
    documents = (root / "docs" / "calibration.md").read_text()
    for baseline in ("called", "inlined", "eager"):
        command = ["report", str(root / "benchmarks" / "fusion_gains.json")]
        assert main(["fusion-gains", *command, "--baseline", baseline]) == 0
        for line in capsys.readouterr().out.splitlines():
            if baseline == "called" or line.startswith("all "):
                assert line.rstrip() in documents


@pytest.mark.parametrize("rule", ["leader", "own"])
def test_the_results_tell_what_the_table_says(rule, table, root):
    results = (root / "docs" / "results.md").read_text()
    model, unfused = fusion_gains.fitted(table, "called", rule), unfused_ns(table, "called")
    unseen = [row for row in table.rows if fusion_gains.half(row) == 1]
    for line in fusion_gains.compare(unseen, model, unfused)[-3:]:
        figures = (line.measured, line.predicted, line.gain_spearman, line.gain_kendall,
                   line.ratio_spearman, line.ratio_kendall)  # fmt: skip
        cells = [str(line.groups), *(f"{figure:.2f}" for figure in figures)]
        assert f"{line.name.strip('()')} | {' | '.join(cells)} |" in results


def test_the_picture_is_that_of_the_table(table, root, tmp_path, capsys):
    source = str(root / "benchmarks" / "fusion_gains.json")
    assert main(["fusion-gains", "draw", source, "-o", str(tmp_path / "drawn.svg")]) == 0
    kept = (root / "docs" / "images" / "fusion_gains.svg").read_text()
    assert (tmp_path / "drawn.svg").read_text() == kept


def test_a_table_survives_saving(table, tmp_path):
    table.save(tmp_path / "again.json")
    assert fusion_gains.load(tmp_path / "again.json") == table
    (tmp_path / "broken.json").write_text('{"format": "gopt.fusion_gains/1", "rows": [{}]}')
    with pytest.raises(ValueError, match="broken.json"):
        fusion_gains.load(tmp_path / "broken.json")
    assert main(["fusion-gains", "report", str(tmp_path / "broken.json")]) == 2


def test_groups_are_legal_distinct_and_the_same_again(step, choices):
    assert len({choice.key for choice in choices}) == len(choices) >= 8
    assert choices == choose({"rnnlm-small": step}, ChooseOptions(per_class=4))
    problem = gopt.Problem(step.graph, gopt.Machine.preset("cpux1"), fusion=True)
    for choice in choices:
        rest = [[op] for op in step.graph.kernel_ops if op not in choice.ops]
        kernels = gopt.Kernels(step.graph, [*rest, list(choice.ops)])
        problem.validate(gopt.Plan(kernels))


def test_a_rows_price_is_the_simulators(step, choices):
    model = fusion_gains.Model(
        launch_ns=700.0,
        flops=dict.fromkeys(OP_CLASSES, 3.0) | {"contraction": 40.0},
        bytes=dict.fromkeys(OP_CLASSES, 5.0) | {"broadcast": 4.0, "reduction": 7.0},
    )
    device = model.device()
    machine = gopt.Machine("one", [device])
    costs = gopt.OpCosts(gopt.Problem(step.graph, machine))
    assert fusion_gains.Model.of(device).bytes == pytest.approx(model.bytes)
    for choice in choices:
        row = describe(step, choice)
        fused = costs.kernel_time(list(choice.ops), outputs(step.graph, choice.ops), 0)
        assert fused == pytest.approx(model.fused_ns(row), abs=2)
        apart = sum(costs.op_times(0)[op] for op in choice.ops)
        assert apart == pytest.approx(model.unfused_ns(row), abs=2 * len(choice.ops))


def test_a_group_by_itself_computes_what_it_does_in_the_step(step, choices):
    for choice in choices:
        group = Group(step, choice.ops)
        fused, apart = (
            group.module(separate=separate)(*group.tensors()) for separate in (False, True)
        )
        assert len(fused) == len(group.outputs) > 0
        for a, b, node in zip(fused, apart, group.outputs, strict=True):
            assert a.shape == node.meta["val"].shape
            torch.testing.assert_close(a, b)


def test_rates_that_made_the_times_are_found_again(table):
    true = fusion_gains.fitted(table, "called")
    rows = [dataclasses.replace(row, fused_ns=true.fused_ns(row)) for row in table.rows]
    found = fusion_gains.fit(rows, true.unfused_ns)
    for row in rows:
        assert found.fused_ns(row) == pytest.approx(row.fused_ns, rel=0.3)


def test_functions_are_timed_in_turn():
    calls = []
    times = time_in_turn(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")},
        TimingOptions(seconds=0, rounds=3, sample_ns=1),
    )
    assert times["a"].ns > 0 and times["b"].spread >= 0
    assert "".join(calls[-6:]) == "ababab"


@pytest.mark.skipif(
    "GOPT_COMPILE_TESTS" not in os.environ or shutil.which("c++") is None,
    reason="set GOPT_COMPILE_TESTS and have a C++ compiler: takes up to a minute",
)
def test_a_real_group_compiles_fused_and_apart(step, choices, tmp_path):
    choice = next(choice for choice in choices if choice.group_class == "elementwise chain")
    group = Group(step, choice.ops)
    tensors = group.tensors()
    wanted = group.module()(*tensors)
    with compiled.own_cache():
        for separate, kernels in ((False, 1), (True, len(choice.ops))):
            path = tmp_path / f"{separate}.pt2"
            made = compiled.compile_group(group.module(separate=separate), tensors, path)
            assert made == kernels
            for a, b in zip(compiled.load(path)(list(tensors)), wanted, strict=True):
                torch.testing.assert_close(a, b)
