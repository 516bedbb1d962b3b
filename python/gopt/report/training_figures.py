"""The figures of a training run's page, one function each, drawn with Plotly.

Everything is drawn over iterations; the page's script puts plans priced or time in their place.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from .figures import LAYOUT, LEGEND
from .training_data import BEST, GREEDY, MEAN, SAMPLES, Points, TrainingData, peaks, thinned
from .training_data import SET_NAMES as SETS

X_TITLE = "iteration"  # The page's script renames axes of this title.
POLICY_STYLES = {
    MEAN: {"color": "#56B4E9", "width": 1.2},
    BEST: {"color": "#0072B2", "width": 2.2},
    GREEDY: {"color": "#D55E00", "width": 1.8},
    SAMPLES: {"color": "#009E73", "width": 1.8},
}
BASELINE_COLORS = ("#E69F00", "#CC79A7", "#7F7F7F", "#B8A900", "#8C5A2B", "#6F5AA8")
DASHES = ("dash", "dot", "dashdot", "6px,2px")
REFERENCE_COLOR, BOUND_COLOR = "#1d2733", "#C00000"
EVENT_STYLES = {
    "checkpoint": ("line-ns", "#5b6876"),
    "resumed": ("triangle-right", "#0072B2"),
    "restored": ("triangle-left", "#C00000"),
    "stopped": ("square", "#1d2733"),
}
LINED_EVENTS = {"resumed": "#0072B2", "restored": "#C00000"}
# All but the picture and the way back: they would lie over legends.
HIDDEN_BUTTONS = [
    *("zoom", "pan", "select", "lasso", "zoomin", "zoomout", "autoscale", "sendcharttocloud")
]
COLUMNS = 3
MAX_PANELS = 24
FEW_POINTS = 30  # So few are drawn as dots too; a line of one point cannot be seen.


@dataclasses.dataclass(frozen=True)
class Panel:
    """Numbers of the log that share a panel: (key, name in the hover text)."""

    title: str
    lines: tuple[tuple[str, str], ...]
    log: bool = False
    share: bool = False  # In 0 .. 1, shown in percent.


PANELS = (
    Panel(
        "reward, mean and best (dark)",
        (("reward_mean", "mean of samples"), ("reward_best", "best sample")),
    ),
    Panel("entropy", (("entropy", "entropy"),)),
    Panel("approximate KL", (("approximate_kl", "approximate KL"),)),
    Panel("clip fraction", (("clip_fraction", "clip fraction"),), share=True),
    Panel("ratios at their limit", (("ratio_limit_fraction", "at the limit"),), share=True),
    Panel("gradient norm", (("gradient_norm", "gradient norm"),), log=True),
    Panel("policy loss", (("policy_loss", "policy loss"),)),
    Panel("value loss", (("value_loss", "value loss"),)),
    Panel("explained variance", (("explained_variance", "explained variance"),)),
    Panel("L2 of the outputs", (("output_l2", "L2 of the outputs"),)),
    Panel("infeasible samples", (("infeasible_fraction", "infeasible"),), share=True),
    Panel("failed samples", (("failed_fraction", "failed"),), share=True),
    Panel("skipped updates", (("skipped_updates", "skipped updates"),)),
    Panel("learning rate", (("learning_rate", "learning rate"),)),
    Panel("entropy coefficient", (("entropy_coefficient", "entropy coefficient"),)),
)
TIMES = (
    ("network_forward", "network forward", "#56B4E9"),
    ("network_update", "network update", "#0072B2"),
    ("decode", "decoder", "#E69F00"),
    ("evaluate", "cost backend", "#009E73"),
    ("other", "other", "#B5BDC6"),
)


@dataclasses.dataclass(frozen=True)
class Level:
    """A horizontal line: what the policy is compared with."""

    name: str
    ratio: float
    line: dict


def ratios(data: TrainingData) -> go.Figure | None:
    """Geometric means over problems, a panel per set; events below. None without any ratio."""
    sets = [name for name in data.sets if data.curves.get(name)] or list(data.curves)
    sets = [name for name in sets if data.curves[name]]
    if not sets:
        return None
    figure = make_subplots(
        rows=1,
        cols=len(sets),
        subplot_titles=[_set_title(data, name) for name in sets],
        horizontal_spacing=0.06,
    )
    legend: set[str] = set()
    for column, name in enumerate(sets, 1):
        place = {"row": 1, "col": column}
        _draw_ratios(figure, place, data, data.curves[name], _mean_levels(data, name), legend)
    _finish(figure, data, 430)
    figure.update_xaxes(title=X_TITLE)
    figure.update_yaxes(title="step time / reference", row=1, col=1)
    return figure


def _set_title(data: TrainingData, name: str) -> str:
    count = len(data.of_set(name))
    return f"{SETS.get(name, name)}: {count} problem{'' if count == 1 else 's'}"


def _mean_levels(data: TrainingData, name: str) -> list[Level]:
    """Only baselines with a plan for every problem: a mean over fewer is another mean."""
    means = {b: m for b, m in data.baselines(name).items() if m.count == m.of}
    levels = _baseline_levels(data, {b: m.ratio for b, m in means.items()}, name)
    bounds = [p.bound for p in data.of_set(name)]
    if bounds and all(bounds):
        ratio = math.exp(math.fsum(math.log(b) for b in bounds if b) / len(bounds))
        levels.append(Level("lower bound", ratio, {"color": BOUND_COLOR, "width": 1.4}))
    return levels


def _baseline_levels(data: TrainingData, found: dict[str, float], of_set: str) -> list[Level]:
    names = list(dict.fromkeys(b for p in data.problems for b in p.baselines))
    reference = data.reference_name(of_set)
    levels = [Level("reference", 1.0, {"color": REFERENCE_COLOR, "width": 1.4})]
    for i, name in enumerate(names):
        if name in found and name != reference:
            color, dash = BASELINE_COLORS[i % len(BASELINE_COLORS)], DASHES[i % len(DASHES)]
            line = {"color": color, "dash": dash, "width": 1.5}
            levels.append(Level(name, found[name], line))
    return levels


def _draw_ratios(
    figure: go.Figure,
    place: dict[str, int],
    data: TrainingData,
    curves: dict[str, Points],
    levels: list[Level],
    legend: set[str],
) -> None:
    """Curves and levels in one panel; what is far away is told at its edge instead."""
    low, high = _range(curves, levels)
    ends = (0, data.clock.iterations[-1])
    for level in levels:
        trace = _line(level.name, [(x, level.ratio) for x in ends], level.line)
        trace.mode = "lines"
        trace.showlegend = low <= level.ratio <= high and level.name not in legend
        legend.update([level.name] if trace.showlegend else [])
        figure.add_trace(trace, **place)
    for name, points in curves.items():
        style = {**POLICY_STYLES[name], "shape": "hv" if name == BEST else "linear"}
        trace = _line(name, points, style)
        trace.showlegend = name not in legend
        legend.add(name)
        figure.add_trace(trace, **place)
    figure.update_yaxes(range=[low, high], tickformat=".2f", **place)
    _tell_hidden(figure, place, [x for x in levels if x.ratio > high], "above")
    _tell_hidden(figure, place, [x for x in levels if x.ratio < low], "below")


def _range(curves: dict[str, Points], levels: list[Level]) -> tuple[float, float]:
    """Holds the curves, save for rare high samples, the reference and the levels near them."""
    values = [1.0, *(y for name in curves if name != MEAN for _, y in curves[name])]
    means = sorted(y for _, y in curves.get(MEAN, []))
    values += means[:1] + means[: len(means) * 98 // 100][-1:]
    low, high = min(values), max(values)
    reach = 0.35 * max(high - low, 0.1)
    near = [x.ratio for x in levels if low - reach <= x.ratio <= high + reach]
    low, high = min([low, *near]), max([high, *near])
    # A margin at both ends, wider where a text lies.
    size = max(high - low, 0.02)
    hidden_above, hidden_below = (
        any(x.ratio > high for x in levels),
        any(x.ratio < low for x in levels),
    )
    return low - (0.15 if hidden_below else 0.06) * size, high + (
        0.15 if hidden_above else 0.06
    ) * size


def _tell_hidden(figure: go.Figure, place: dict[str, int], levels: list[Level], where: str) -> None:
    """Above at the right and below at the left, since curves fall."""
    if not levels:
        return
    told = ", ".join(f"{x.name} {x.ratio:.2f}" for x in sorted(levels, key=lambda x: x.ratio)[:4])
    above = where == "above"
    figure.add_annotation(
        text=f"{where}: {told}{', …' if len(levels) > 4 else ''}",
        x=1 if above else 0,
        y=1 if above else 0,
        xref="x domain",
        yref="y domain",
        xanchor="right" if above else "left",
        yanchor="top" if above else "bottom",
        showarrow=False,
        font={"size": 11, "color": "#5b6876"},
        bgcolor="rgba(255,255,255,0.8)",
        **place,
    )


def _line(name: str, points: Points, line: dict) -> go.Scatter:
    return go.Scatter(
        name=name,
        legendgroup=name,
        x=[x for x, _ in points],
        y=[y for _, y in points],
        mode="lines+markers" if len(points) <= FEW_POINTS else "lines",
        marker_size=5,
        line=line,
        hovertemplate="%{y:.4g}<extra>" + name + "</extra>",
    )


def events(data: TrainingData) -> go.Figure | None:
    """A row per kind of event, a mark per event. None if nothing happened."""
    kinds = list(dict.fromkeys([*EVENT_STYLES, *(e.event for e in data.log.events)]))
    kinds = [kind for kind in kinds if any(e.event == kind for e in data.log.events)]
    if not kinds:
        return None
    figure = go.Figure()
    for kind in kinds:
        found = [e for e in data.log.events if e.event == kind]
        symbol, color = EVENT_STYLES.get(kind, ("circle", "#5b6876"))
        line = {"color": color, "width": 1.5}
        figure.add_trace(
            go.Scatter(
                name=kind,
                x=[e.iteration for e in found],
                y=[kind] * len(found),
                mode="markers",
                marker={"symbol": symbol, "size": 11, "color": color, "line": line},
                customdata=[e.reason or kind for e in found],
                hovertemplate="%{customdata}<br>at %{x}<extra></extra>",
            )
        )
    # Not seen: it makes the axis cover the run and not the events alone.
    ends = [0, data.clock.iterations[-1]]
    figure.add_trace(
        go.Scatter(x=ends, y=kinds[:1] * 2, mode="lines", line_width=0, hoverinfo="skip")
    )
    _finish(figure, data, 84 + 26 * len(kinds))
    figure.update_layout(showlegend=False, margin={**LAYOUT["margin"], "t": 26})
    figure.update_xaxes(title=X_TITLE)
    figure.update_yaxes(categoryorder="array", categoryarray=kinds[::-1])
    return figure


def problems(data: TrainingData) -> go.Figure | None:
    """A panel per problem with curves, MAX_PANELS at most."""
    drawn = [p for p in data.problems if p.curves][:MAX_PANELS]
    if len(data.problems) < 2 or not drawn:
        return None
    several = len(data.sets) > 1
    titles = [
        _short(f"{p.name}{', ' + SETS.get(p.problem.set, '') if several else ''}") for p in drawn
    ]
    figure, places = _grid(titles, 250)
    legend: set[str] = set()
    for problem, place in zip(drawn, places, strict=True):
        levels = _baseline_levels(data, problem.baselines, problem.problem.set)
        if problem.bound:
            line = {"color": BOUND_COLOR, "width": 1.4}
            levels.append(Level("lower bound", problem.bound, line))
        _draw_ratios(figure, place, data, problem.curves, levels, legend)
    _finish(figure, data, figure.layout.height)
    _title_lowest(figure, places)
    return figure


def _short(text: str, most: int = 46) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def drawn_panels(data: TrainingData) -> list[Panel]:
    """Those with a number that changes, or that is there once only."""
    return [p for p in PANELS if any(_changes(data.columns.get(key, [])) for key, _ in p.lines)]


def constants(data: TrainingData) -> list[tuple[str, float]]:
    """(title, value) of the panels that would be a flat line."""
    return [
        (panel.title, data.columns[key][-1][1])
        for panel in PANELS
        for key, _ in panel.lines[:1]
        if panel not in drawn_panels(data) and data.columns.get(key)
    ]


def _changes(points: Points) -> bool:
    return len({y for _, y in points}) > 1


def health(data: TrainingData) -> go.Figure | None:
    """What tells whether learning is healthy, a small panel each."""
    panels = drawn_panels(data)
    if not panels:
        return None
    figure, places = _grid([panel.title for panel in panels], 190)
    colors = (POLICY_STYLES[MEAN]["color"], POLICY_STYLES[BEST]["color"])
    for panel, place in zip(panels, places, strict=True):
        lines = [(key, name) for key, name in panel.lines if data.columns.get(key)]
        for (key, name), color in zip(
            lines, colors if len(lines) > 1 else colors[1:], strict=False
        ):
            trace = _line(
                name, peaks(data.columns[key], data.stride), {"color": color, "width": 1.4}
            )
            trace.showlegend = False
            if panel.share:
                trace.hovertemplate = "%{y:.2%}<extra>" + name + "</extra>"
            figure.add_trace(trace, **place)
        if panel.share:
            figure.update_yaxes(tickformat=".3~p", rangemode="tozero", **place)
        positive = all(y > 0 for key, _ in lines for _, y in data.columns[key])
        if panel.log and positive:
            figure.update_yaxes(type="log", **place)
    _finish(figure, data, figure.layout.height)
    figure.update_layout(margin={**LAYOUT["margin"], "t": 26})
    _title_lowest(figure, places)
    return figure


def time_split(data: TrainingData) -> go.Figure | None:
    """Seconds of each iteration, stacked. None without any."""
    figure = go.Figure()
    for key, name, color in TIMES:
        points = thinned(data.columns.get(f"time.{key}", []), data.stride)
        if any(y > 0 for _, y in points):
            figure.add_trace(_stacked(name, points, color))
    if not figure.data:
        return None
    _finish(figure, data, 300)
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title=X_TITLE)
    figure.update_yaxes(title="seconds per iteration", rangemode="tozero")
    return figure


def _stacked(name: str, points: Points, color: str) -> go.Bar | go.Scatter:
    """Part of a stacked area, or of bars where points are so few that an area would not show."""
    common = {
        "name": name,
        "x": [x for x, _ in points],
        "y": [y for _, y in points],
        "hovertemplate": "%{y:.3g} s<extra>" + name + "</extra>",
    }
    if len(points) <= FEW_POINTS:
        return go.Bar(marker_color=color, **common)
    line = {"width": 0.4, "color": color}
    return go.Scatter(stackgroup="one", mode="lines", line=line, fillcolor=color, **common)


def _grid(titles: Sequence[str], height: int) -> tuple[go.Figure, list[dict[str, int]]]:
    """An empty figure with a panel per title, and where each is."""
    columns = min(COLUMNS, max(len(titles), 1))
    lines = -(-len(titles) // columns)
    total = height * lines + 90
    figure = make_subplots(
        rows=lines,
        cols=columns,
        subplot_titles=list(titles),
        horizontal_spacing=0.06,
        vertical_spacing=min(76 / total, 1 / lines),
    )
    figure.update_layout(height=total)
    return figure, [{"row": 1 + i // columns, "col": 1 + i % columns} for i in range(len(titles))]


def _title_lowest(figure: go.Figure, places: Iterable[dict[str, int]]) -> None:
    """Names the axis under each column's lowest panel only."""
    lowest = {place["col"]: place for place in places}
    for place in lowest.values():
        figure.update_xaxes(title=X_TITLE, **place)


def _finish(figure: go.Figure, data: TrainingData, height: int) -> None:
    """What all figures share: layout, legend, and lines where the run began anew."""
    figure.update_annotations(font_size=13, selector={"font": {"size": 16}})  # Panels' titles.
    figure.update_layout(**{**LAYOUT, "margin": {"l": 10, "r": 20, "t": 70, "b": 45}})
    figure.update_layout(
        height=height,
        legend={**LEGEND, "y": 1.0, "yref": "container", "yanchor": "top"},
        modebar_remove=HIDDEN_BUTTONS,
    )
    for event in data.log.events:
        if event.event in LINED_EVENTS:
            line = {"color": LINED_EVENTS[event.event], "width": 1, "dash": "dot"}
            figure.add_vline(x=event.iteration, line=line)
