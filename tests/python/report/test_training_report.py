"""The page of a training run: what it reads, what it says, and that a browser shows it."""

import dataclasses
import json
import math
import re
import typing

import pytest
import synthetic_run

import gopt
from gopt import training_log
from gopt.cli import main
from gopt.report import training_data, training_figures, training_page

KEY = re.compile(r"`(\w+)`")


def gathered(folder):
    return training_data.gather(training_log.read(folder))


@pytest.fixture(scope="module")
def run_path(tmp_path_factory):
    return synthetic_run.write(tmp_path_factory.mktemp("runs") / "run", synthetic_run.lines())


@pytest.fixture
def short(tmp_path):
    """Writes these lines as a run, by default ten iterations with all that a run has."""

    def make(content=None):
        content = synthetic_run.lines(10, every=5) if content is None else content
        return synthetic_run.write(tmp_path / "run", content)

    return make


# --- The log.


def keys_of(kind):
    """The keys of a line by the heading in docs/metrics.md that defines them."""
    nested = {
        ("run", "problems"): "Problems of a run",
        ("iteration", "problems"): "Problems of an iteration",
        ("iteration", "time"): "Time of an iteration",
        ("evaluation", "problems"): "Problems of an evaluation",
    }
    hints = typing.get_type_hints(training_log.KINDS[kind])
    found = {f"`{kind}`": set(hints)}
    for (of_kind, key), heading in nested.items():
        if of_kind == kind:
            part = (typing.get_args(hints[key]) or (hints[key],))[0]
            found[heading] = {field.name for field in dataclasses.fields(part)}
    return found


@pytest.mark.parametrize("kind", training_log.KINDS)
def test_the_docs_define_every_key_and_no_other(kind, root):
    text = (root / "docs" / "metrics.md").read_text()
    sections = dict(re.findall(r"^##+ (.+?)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))
    for heading, keys in keys_of(kind).items():
        rows = [line for line in sections[heading].splitlines() if line.startswith("| `")]
        defined = [key for line in rows for key in KEY.findall(line.split("|")[1])]
        assert sorted(defined) == sorted(keys), heading


@pytest.mark.parametrize("kind", training_log.KINDS)
def test_the_reader_knows_every_key_of_a_run(kind):
    lines = [line for line in synthetic_run.lines(10, every=5) if line["kind"] == kind]
    for heading, known in keys_of(kind).items():
        part = lines[0]
        if "`" not in heading:
            part = part["time"] if heading.startswith("Time") else part["problems"][0]
        assert set(part) - {"kind"} == known, heading


def test_what_was_written_is_read(run_path):
    log = training_log.read(run_path)
    assert log.warnings == ()
    assert len(log.runs) == 2  # Resumed once.
    assert [line.iteration for line in log.iterations] == list(range(1, 301))
    assert log.run.problems[0].baselines["heft"] == int(40_000_000 * 1.06)
    assert log.iterations[0].value_loss is None
    assert log.iterations[56].skipped_updates == 1
    assert log.iterations[0].problems[2].index == 2
    assert log.iterations[0].time.network_update > 0
    assert log.evaluations[-1].problems[-1].set == "evaluation"
    assert log.events[-1].event == "stopped"
    assert training_log.read(run_path / "metrics.jsonl").run == log.run


def test_a_last_line_that_was_cut_is_left_out_with_a_warning(short):
    folder = short()
    path = folder / "metrics.jsonl"
    last = json.dumps(synthetic_run.iteration_line(11)).encode()
    whole = path.read_bytes()
    for length in (1, 40, len(last) - 1):
        path.write_bytes(whole + last[:length])
        log = training_log.read(folder)
        assert log.iterations[-1].iteration == 10
        assert len(log.warnings) == 1
        assert "cut short" in log.warnings[0]
    path.write_bytes(whole + last)
    assert training_log.read(folder).iterations[-1].iteration == 11


def test_unknown_keys_and_kinds_are_passed_over_and_numbers_may_be_null(short):
    line = {**synthetic_run.iteration_line(1), "new": {"a": 1}, "entropy": math.nan}
    del line["gradient_norm"]
    line["ratio_mean"] = None
    log = training_log.read(short([synthetic_run.run_line(), {"kind": "new"}, line]))
    (read,) = log.iterations
    assert (read.entropy, read.gradient_norm, read.ratio_mean) == (None, None, None)
    assert read.evaluations == 192


def test_lines_that_a_resumed_run_wrote_again_count_once(short):
    again = {**synthetic_run.iteration_line(4), "entropy": 7.0}
    log = training_log.read(short([*synthetic_run.lines(5), again]))
    assert [line.iteration for line in log.iterations] == [1, 2, 3, 4]
    assert log.iterations[-1].entropy == 7.0
    assert "iteration 4" in log.warnings[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[1].pop("iteration"), r"jsonl:2: no iteration"),
        (lambda lines: lines[1].update(entropy="high"), r"jsonl:2: entropy: is not a number"),
        (lambda lines: lines[1].update(evaluations=1.5), r"evaluations: is not an integer"),
        (lambda lines: lines[1]["problems"][1].pop("index"), r"problems\[1\]: no index"),
        (lambda lines: lines[0].update(tasks="placement"), r"tasks: is not an array"),
        (lambda lines: lines[1].pop("kind"), r'jsonl:2: .*"kind"'),
        (lambda lines: lines.pop(0), r'no line of kind "run"'),
    ],
)
def test_a_malformed_line_is_an_error_that_names_it(short, change, message):
    content = [synthetic_run.run_line(), synthetic_run.iteration_line(1)]
    change(content)
    with pytest.raises(gopt.InvalidArgumentError, match=message):
        training_log.read(short(content))


def test_a_broken_line_in_the_middle_is_an_error(short):
    folder = short()
    path = folder / "metrics.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[1][:50] + b"\n", *lines[2:]]))
    with pytest.raises(gopt.InvalidArgumentError, match=r"metrics\.jsonl:2: no JSON"):
        training_log.read(folder)


# --- What the page says.


def with_ratios(greedy, sampled, best=0.9, of_set="evaluation"):
    """A run with one training and one evaluation problem; best baseline 0.94, reference 1."""
    problems = [
        {"index": 0, "ratio_mean": 1.2, "ratio_best": best},
    ]
    tried = synthetic_run.evaluation_line(2, 1, 1)
    reference = 40_000_000
    for item in tried["problems"]:
        known = item["set"] == of_set
        item["greedy_ns"] = int(greedy * reference) if known else None
        item["best_ns"] = int(sampled * reference) if known else None
    iteration = {**synthetic_run.iteration_line(2, 1), "problems": problems}
    return [synthetic_run.run_line(1, 1), iteration, tried]


@pytest.mark.parametrize(
    ("sampled", "says"),
    [
        (0.9, "beats the reference and the best baseline of each problem."),
        (0.97, "beats the reference, but not the best baseline of each problem."),
        (1.2, "does not beat the reference or the best baseline of each problem."),
        (0.9998, "does not beat the reference or the best baseline of each problem."),
    ],
)
def test_the_verdict_is_of_problems_never_trained_on(short, sampled, says):
    data = gathered(short(with_ratios(1.1, sampled, best=0.5)))
    assert training_page.verdict(data) == (
        f"On problems that it never saw, the policy (best of 16 samples) {says}"
    )


def test_the_lead_gives_the_numbers(short):
    text = " ".join(training_page.lead(gathered(short(with_ratios(1.1, 0.893)))))
    text = text.replace("\u00a0", " ")
    assert "while training need 10.0 % less time than the reference" in text
    assert "best of 16 samples needs 10.7 % less time than the reference" in text
    assert "and 5.0 % less time than the best baseline" in text  # 0.893 / 0.94
    assert "one decode needs 10.0 % more time than the reference" in text


def test_the_verdict_without_an_evaluation_says_that_it_is_no_policy_yet(short):
    data = gathered(short([synthetic_run.run_line(), synthetic_run.iteration_line(1)]))
    assert "not yet evaluated as a policy" in training_page.verdict(data)


def test_an_earlier_evaluation_that_was_better_is_told(short):
    content = with_ratios(1.0, 0.95)
    better = json.loads(json.dumps(content[-1]))
    better["iteration"] = 1
    better["problems"][1]["best_ns"] = 32_000_000
    text = training_page.lead(gathered(short([content[0], better, *content[1:]])))[-1]
    assert "iteration 1 was better" in text
    assert "0.800" in text


def test_means_are_geometric_and_count_who_is_ahead():
    mean = training_data.mean([0.5, 2.0, None])
    assert mean.ratio == pytest.approx(1.0)
    assert (mean.count, mean.of, mean.ahead) == (2, 3, 1)
    assert training_data.mean([None]) is None


def test_a_baseline_without_a_plan_everywhere_has_no_line(short):
    content = synthetic_run.lines(3, train=2, evaluation=0)
    content[0]["problems"][1]["baselines"]["heft"] = None
    data = gathered(short(content))
    names = {trace.name for trace in training_figures.ratios(data).data}
    assert {"metis", "anneal", "reference"} <= names
    assert "heft" not in names
    text = json.dumps(training_page._standing(data))
    assert "(1 of 2)" in text


def test_curves_are_those_of_the_log(run_path):
    data = gathered(run_path)
    traces = {
        trace.name: trace for trace in training_figures.ratios(data).data if trace.xaxis == "x"
    }
    log = data.log
    assert list(traces["mean of samples"].y) == [line.ratio_mean for line in log.iterations]
    assert list(traces["one decode"].x) == [50, 100, 150, 200, 250, 300]
    assert traces["heft"].y[0] == pytest.approx(1.06 * (1.0 * 1.03 * 1.06) ** (1 / 3), rel=1e-6)
    assert traces["best so far"].y[-1] == log.iterations[-1].ratio_best


def test_what_never_changes_is_told_and_not_drawn(run_path):
    data = gathered(run_path)
    drawn = {panel.title for panel in training_figures.drawn_panels(data)}
    told = dict(training_figures.constants(data))
    assert "value loss" not in drawn | set(told)  # No value network.
    assert told["learning rate"] == 7e-4
    assert "learning rate" not in drawn
    assert "skipped updates" in drawn


def test_thinning_keeps_the_last_point_and_peaks(monkeypatch):
    monkeypatch.setattr(training_data, "MOST_POINTS", 10)
    points = [(i, 0.1) for i in range(100)]
    points[37] = (37, -5.0)
    assert training_data.thinned(points, 10)[-1][0] == 99
    assert (37, -5.0) in training_data.peaks(points, 10)
    assert len(training_data.peaks(points, 10)) == 10


def test_time_never_goes_backwards_on_the_axis(short):
    content = synthetic_run.lines(6)
    content[4]["seconds"] = 0.5
    clock = gathered(short(content)).clock
    assert clock.iterations[0] == 0
    assert list(clock.seconds) == sorted(clock.seconds)


# --- The page.


def test_the_command_writes_a_page_that_needs_nothing_else(run_path, tmp_path, capsys):
    out = tmp_path / "training.html"
    assert main(["report", str(run_path), "-o", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    text = out.read_text("utf-8")
    assert "synthetic &lt;run&gt;" in text
    assert "name: &#34;synthetic &lt;run&gt;&#34;" in text  # The configuration.
    assert "3 updates in a row were not finite" in text
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", text)


def test_a_training_run_takes_no_plan(run_path, capsys):
    assert main(["report", str(run_path), "plan.txtpb"]) == 2
    assert "takes no plan" in capsys.readouterr().err


def test_the_configuration_in_the_folder_will_do(short):
    folder = short([{**synthetic_run.run_line(), "config": ""}])
    (folder / "config.txtpb").write_text("iterations: 17\n")
    assert training_log.read(folder).config == "iterations: 17\n"


BARE_RUN = {"kind": "run"}
BARE_PROBLEM = {"kind": "run", "problems": [{"set": "train", "index": 0, "reference_ns": None}]}
INCOMPLETE = {
    "a run line only": [synthetic_run.run_line()],
    "no key at all": [BARE_RUN],
    "bare iteration": [BARE_PROBLEM, {"kind": "iteration", "iteration": 1}],
    "one iteration": [synthetic_run.run_line(1, 0), synthetic_run.iteration_line(1, 1)],
    "an evaluation only": [synthetic_run.run_line(), synthetic_run.evaluation_line(0)],
    "evaluation means only": [
        BARE_RUN,
        {"kind": "evaluation", "iteration": 3, "ratio_greedy": 1.1, "ratio_samples": 0.9},
    ],
    "an event only": [BARE_RUN, {"kind": "event", "iteration": 0, "event": "stopped"}],
    "unknown event": [BARE_RUN, {"kind": "event", "iteration": 2, "event": "paused"}],
    "nothing feasible": [
        synthetic_run.run_line(1, 0),
        {**synthetic_run.iteration_line(1, 0), "ratio_mean": None, "ratio_best": None},
    ],
}


@pytest.mark.parametrize("what", INCOMPLETE)
def test_a_run_that_lacks_something_still_has_a_page(short, tmp_path, what):
    gopt.report.write_training_report(tmp_path / "page.html", short(INCOMPLETE[what]))
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "gopt report" in text
    assert "nan" not in text.split("<body>")[1].split("<script>")[0].lower()


def test_a_browser_draws_all_figures_over_any_axis(run_path, tmp_path, shown):
    path = tmp_path / "training.html"
    gopt.report.write_training_report(path, run_path)
    with path.open("a", encoding="utf-8") as file:
        file.write('<script>showOver("evaluations"); showOver("time");</script>')
    page = shown(path)
    for figure in ("ratios", "events", "problems", "health", "time"):
        drawn = re.search(rf'id="figure-{figure}".*?class="main-svg"', page, re.DOTALL)
        assert drawn, f"{figure} was not drawn"
    titles = re.findall(r'class="x\d*title"[^>]*>([^<]+)<', page)
    assert set(titles) == {"training time, min"}
