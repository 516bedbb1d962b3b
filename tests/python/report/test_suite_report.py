"""The page of a benchmark suite: what it reads, what it says, and that a browser shows it."""

import json
import re

import pytest

import gopt
from gopt.cli import main
from gopt.report import suite_data, suite_figures, suite_page

BOUND, EXPERT = 50_000_000, 80_000_000


def cell(row, solver, times, seed, budget=1000):
    curve = [[1 + 10 * i, 0.1 * i, ns] for i, ns in enumerate(times)]
    return {
        "setting": "p100",
        "row": row,
        "solver": solver,
        "seed": seed,
        "budget": budget,
        "evaluations": budget if len(times) > 1 else 1,
        "starts": "",
        "deadline_seconds": 0.0,
        "curve": curve,
    }


def figure(row, solver, median, **other):
    return {
        "setting": "p100",
        "row": row,
        "solver": solver,
        "outcome": "ok",
        "reason": "",
        "seeds": 1,
        "median_ns": median,
        "min_ns": median,
        "max_ns": median,
        "over_expert": median / EXPERT,
        "over_bound": median / BOUND,
        "over_best": 0.0,
        "peak_bytes": 1000,
        "evaluations": 1000,
        "seconds": 0.5,
        **other,
    }


def content():
    """Two workloads; heft does not fit on the second."""
    names = ("rnn", "wave <b>")
    rows = [
        {
            "setting": "p100",
            "name": name,
            "devices": 2,
            "machine": "p100x2",
            "ops": 10,
            "edges": 12,
            "critical_path_ns": 40_000_000,
            "lower_bound_ns": BOUND,
        }
        for name in names
    ]
    cells, figures = [], []
    for name in names:
        cells.append(cell(name, "expert_paper", [EXPERT], 0))
        cells += [cell(name, "anneal", [EXPERT, 70_000_000 - s, 60_000_000], s) for s in (0, 1)]
        figures += [
            figure(name, "expert_paper", EXPERT),
            figure(name, "anneal", 60_000_000, seeds=2, min_ns=58_000_000, max_ns=61_000_000),
        ]
    figures.append(figure("rnn", "heft", 500_000_000))
    why = "device 0 needs 3 bytes, 1 over its limit"
    figures.append(figure("wave <b>", "heft", 0, outcome="out of memory", reason=why))
    means = [
        {"solver": "expert_paper", "reduction": 0.0, "rows": 2, "left_out": []},
        {"solver": "anneal", "reduction": 0.25, "rows": 2, "left_out": []},
        {"solver": "heft", "reduction": 0.5, "rows": 1, "left_out": ["wave <b>"]},
    ]
    means = [{"setting": "p100", "over_bound": 1.2, "over_best": 0.0, **mean} for mean in means]
    return {
        "format": "gopt_suite",
        "format_version": 1,
        "solvers": ["expert_paper", "heft", "anneal"],
        "rows": rows,
        "figures": figures,
        "means": means,
        "cells": cells,
    }


@pytest.fixture
def suite_path(tmp_path):
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(content()))
    return path


@pytest.fixture
def data(suite_path):
    return suite_data.read_suite(suite_path)


def test_the_command_writes_a_page_that_needs_nothing_else(suite_path, tmp_path, capsys):
    out = tmp_path / "suite.html"
    assert main(["report", str(suite_path), "-o", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    text = out.read_text("utf-8")
    assert "wave &lt;b&gt;" in text
    assert "wave <b></th>" not in text
    assert "device 0 needs 3 bytes" in text
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", text)


def test_results_of_a_suite_take_no_plan(suite_path, capsys):
    assert main(["report", str(suite_path), "plan.txtpb"]) == 2
    assert "take no plan" in capsys.readouterr().err


def test_the_lead_names_the_best_of_those_that_fit_everywhere(data):
    text = suite_page.lead(data, "p100")
    assert "anneal needs 25.0 % less time" in text  # Not heft, whose 50 % leave a workload out.
    assert "over 2 workloads" in text


def test_the_lead_says_so_when_nobody_beats_the_expert(suite_path):
    worse = content()
    worse["means"][1]["reduction"] = -0.1
    suite_path.write_text(json.dumps(worse))
    text = suite_page.lead(suite_data.read_suite(suite_path), "p100")
    assert "anneal needs 10.0 % more time" in text


def test_the_lead_says_how_many_workloads_were_run(suite_path):
    one_row = content()
    for mean in one_row["means"]:
        mean["rows"] = 1
    suite_path.write_text(json.dumps(one_row))
    assert "over 1 of 2 workloads" in suite_page.lead(suite_data.read_suite(suite_path), "p100")


def test_only_searches_have_curves(data):
    assert data.searches_of(data.rows[0]) == ("anneal",)


def test_a_curve_is_the_best_so_far(data):
    run = data.runs["p100", "rnn", "anneal"][0]
    assert suite_figures.best_at(run, 0) is None
    assert suite_figures.best_at(run, 1) == EXPERT
    assert suite_figures.best_at(run, 12) == 70_000_000
    assert suite_figures.best_at(run, 10_000) == 60_000_000


def test_curves_are_drawn_on_all_counts_from_the_first_to_the_last():
    grid = suite_figures.evaluation_grid(10_000)
    assert grid[0] == 1
    assert grid[-1] == 10_000
    assert grid == sorted(set(grid))
    assert len(grid) <= suite_figures.CURVE_POINTS
    assert suite_figures.evaluation_grid(1) == [1]


def test_a_bar_stands_for_every_solver_and_long_ones_are_cut(data):
    bars = [t for t in suite_figures.bars(data, "p100").data if t.type == "bar"]
    assert [bar.y for bar in bars] == [("expert_paper", "heft", "anneal")] * 2
    assert bars[0].x[1] == pytest.approx(suite_figures.LONGEST_BAR * EXPERT / 1e6)
    assert bars[0].error_x.arrayminus[2] == pytest.approx(2.0)


def test_a_bar_is_labelled_beyond_its_worst_seed(data):
    traces = suite_figures.bars(data, "p100").data
    labels = [t for t in traces if t.type == "scatter" and t.mode == "text"]
    assert labels[0].text[1].strip() == "500 →"
    assert labels[1].text[1].strip() == "out of memory"
    assert labels[0].x[2] == pytest.approx(61.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("means"), "means"),
        (lambda c: c["rows"][0].pop("devices"), "devices"),
        (lambda c: c.update(format_version=2), "version"),
        (lambda c: c["cells"][0].pop("curve"), "curve"),
    ],
)
def test_a_bad_file_is_an_error_that_names_it(tmp_path, change, message):
    bad = content()
    change(bad)
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(bad))
    with pytest.raises(gopt.GoptError, match=rf"bad\.json.*{message}"):
        suite_data.read_suite(path)


def test_other_files_are_no_suites(tmp_path):
    other = tmp_path / "other.json"
    other.write_text("{}")
    assert not suite_data.is_suite_file(other)
    assert not suite_data.is_suite_file(tmp_path / "absent.json")


def test_a_browser_draws_all_figures_without_errors(suite_path, tmp_path, shown):
    path = tmp_path / "suite.html"
    gopt.report.write_suite_report(path, suite_path)
    page = shown(path)
    for name in ("bars-p100", "curves-p100"):
        drawn = re.search(rf'id="figure-{name}".*?class="main-svg"', page, re.DOTALL)
        assert drawn, f"{name} was not drawn"
    assert page.count('class="point"') >= 6  # Bars.
