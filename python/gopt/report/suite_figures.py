"""The figures of a suite's page, one function each, drawn with Plotly."""

from __future__ import annotations

import math

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from .data import format_time
from .figures import LAYOUT, LEGEND, LINE_COLORS, time_unit
from .suite_data import SuiteData, SuiteFigure, SuiteRow, SuiteRun

CONSTRUCTION_COLOR = "#8FA6B8"
SEARCH_COLOR = "#0072B2"
EXPERT_COLOR = "#E69F00"
BOUND_COLOR = "#C00000"
COLUMNS = 3
# Bars are cut at this many times the reference, so that bad solvers leave room for good ones.
LONGEST_BAR = 2.5
CURVE_POINTS = 60


def bars(data: SuiteData, setting: str) -> go.Figure:
    """Step time of every solver, a panel per workload; the bound and the expert as lines."""
    rows, solvers = data.rows_of(setting), data.solvers_of(setting)
    titles = [f"{row.name} on {row.devices}, {time_unit(row.lower_bound_ns)[0]}" for row in rows]
    figure, places = _panels(titles, 21 * len(solvers) + 70, shared_yaxes=True, spacing=0.03)
    for row, place in zip(rows, places, strict=True):
        _, scale = time_unit(row.lower_bound_ns)
        shown = [data.figure(row, solver) for solver in solvers]
        longest = _longest_bar(data, row, shown)
        figure.add_trace(_bar_trace(data, row, solvers, shown, longest, scale), **place)
        figure.add_trace(_label_trace(solvers, shown, longest, scale), **place)
        figure.add_vline(
            x=row.lower_bound_ns / scale, line={"color": BOUND_COLOR, "width": 1.6}, **place
        )
        expert = data.figure(row, data.reference)
        if expert is not None and expert.ok:
            line = {"color": EXPERT_COLOR, "width": 1.4, "dash": "dash"}
            figure.add_vline(x=expert.median_ns / scale, line=line, **place)
        figure.update_xaxes(range=[0, 1.28 * longest / scale], **place)
    figure.update_yaxes(
        categoryorder="array", categoryarray=list(solvers)[::-1], showgrid=False, tickfont_size=11
    )
    for name, color, dash in (
        ("lower bound", BOUND_COLOR, "solid"),
        (data.reference, EXPERT_COLOR, "dash"),
    ):
        figure.add_trace(_legend_line(name, color, dash))
    figure.update_layout(bargap=0.22)
    return figure


def _longest_bar(data: SuiteData, row: SuiteRow, shown: list[SuiteFigure | None]) -> float:
    known = [figure.median_ns for figure in shown if figure is not None and figure.ok]
    expert = data.figure(row, data.reference)
    reference = expert.median_ns if expert is not None and expert.ok else 2 * row.lower_bound_ns
    return max(min(max(known, default=1), LONGEST_BAR * reference), row.lower_bound_ns, 1)


def _bar_trace(
    data: SuiteData,
    row: SuiteRow,
    solvers: tuple[str, ...],
    shown: list[SuiteFigure | None],
    longest: float,
    scale: float,
) -> go.Bar:
    searches = data.searches_of(row)
    lengths, hover, colors, low, high = [], [], [], [], []
    for solver, figure in zip(solvers, shown, strict=True):
        ok = figure is not None and figure.ok
        median = figure.median_ns if figure is not None and ok else 0
        cut = median > longest
        lengths.append(min(median, longest) / scale)
        hover.append(_bar_hover(figure, data.reference))
        colors.append(
            EXPERT_COLOR
            if solver == data.reference
            else SEARCH_COLOR
            if solver in searches
            else CONSTRUCTION_COLOR
        )
        spread = figure if figure is not None and ok and figure.seeds > 1 and not cut else None
        high.append((spread.max_ns - median) / scale if spread else None)
        low.append((median - spread.min_ns) / scale if spread else None)
    return go.Bar(
        orientation="h",
        x=lengths,
        y=list(solvers),
        marker_color=colors,
        error_x={
            "type": "data",
            "symmetric": False,
            "array": high,
            "arrayminus": low,
            "thickness": 1.5,
            "width": 0,
            "color": "#333333",
        },
        customdata=hover,
        hovertemplate="<b>%{y}</b><br>%{customdata}<extra>" + row.name + "</extra>",
        showlegend=False,
    )


def _label_trace(
    solvers: tuple[str, ...], shown: list[SuiteFigure | None], longest: float, scale: float
) -> go.Scatter:
    """The times, each beyond its bar and the line to the worst seed."""
    ends, texts = [], []
    for figure in shown:
        median = figure.median_ns if figure is not None and figure.ok else 0
        cut = median > longest
        worst = figure.max_ns if figure is not None and median and not cut else median
        ends.append(min(worst, longest) / scale)
        texts.append("\u00a0" + _bar_text(figure, median / scale, cut))
    return go.Scatter(
        x=ends,
        y=list(solvers),
        mode="text",
        text=texts,
        textposition="middle right",
        textfont_size=10,
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
    )


def _bar_text(figure: SuiteFigure | None, value: float, cut: bool) -> str:
    if figure is None:
        return ""
    if not figure.ok:
        return figure.outcome
    return f"{value:.3g} →" if cut and value < 1000 else f"{value:.0f} →" if cut else _digits(value)


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _bar_hover(figure: SuiteFigure | None, reference: str) -> str:
    if figure is None:
        return "not run"
    if not figure.ok:
        return f"{figure.outcome}: {figure.reason}"
    text = format_time(figure.median_ns)
    if figure.seeds > 1:
        text += f" ({format_time(figure.min_ns)} to {format_time(figure.max_ns)}"
        text += f" over {figure.seeds} seeds)"
    if figure.over_expert:
        text += f"<br>{figure.over_expert:.3f} of {reference}"
    text += f"<br>{figure.over_bound:.3f} of the lower bound"
    return text + f"<br>{figure.evaluations:,} plans priced in {figure.seconds:.2f} s"


def curves(data: SuiteData, setting: str) -> go.Figure | None:
    """Best so far over the expert (over the bound where the expert does not fit) against the plans
    priced, a panel per workload: the median over seeds, in a band from the best to the worst. None
    if nobody searched."""
    rows = [row for row in data.rows_of(setting) if _drawn_searches(data, row)]
    if not rows:
        return None
    searches = list(dict.fromkeys(s for row in rows for s in _drawn_searches(data, row)))
    colors = {s: LINE_COLORS[i % len(LINE_COLORS)] for i, s in enumerate(searches)}
    titles = [f"{row.name} on {row.devices}" for row in rows]
    figure, places = _panels(titles, 300, shared_yaxes=False, spacing=0.06)
    in_legend: set[str] = set()
    for row, place in zip(rows, places, strict=True):
        expert = data.figure(row, data.reference)
        reference = expert.median_ns if expert is not None and expert.ok else row.lower_bound_ns
        for solver in _drawn_searches(data, row):
            runs = data.runs[row.setting, row.name, solver]
            for trace in _curve_traces(runs, reference, solver, colors[solver]):
                named = trace.mode == "lines" and trace.fill is None
                trace.showlegend = named and solver not in in_legend
                in_legend.update([solver] if named else [])
                figure.add_trace(trace, **place)
        bound = row.lower_bound_ns / reference
        figure.add_hline(y=bound, line={"color": BOUND_COLOR, "width": 1.4}, **place)
        if reference != row.lower_bound_ns:
            line = {"color": EXPERT_COLOR, "width": 1.2, "dash": "dash"}
            figure.add_hline(y=1, line=line, **place)
        figure.update_yaxes(range=_curve_range(data, row, reference), tickformat=".2f", **place)
    figure.update_xaxes(type="log", dtick=1)
    figure.add_trace(_legend_line("lower bound", BOUND_COLOR, "solid"))
    figure.add_trace(_legend_line(data.reference, EXPERT_COLOR, "dash"))
    return figure


def _drawn_searches(data: SuiteData, row: SuiteRow) -> list[str]:
    """Without random placements: they stay far above the panel."""
    return [solver for solver in data.searches_of(row) if not solver.startswith("random")]


def _curve_traces(
    runs: tuple[SuiteRun, ...], reference: float, solver: str, color: str
) -> list[go.Scatter]:
    grid = evaluation_grid(max(run.evaluations for run in runs))
    lines = [[best_at(run, count) for count in grid] for run in runs]
    # From where on every seed has a plan that fits.
    begin = next((i for i in range(len(grid)) if all(line[i] is not None for line in lines)), None)
    if begin is None:
        return []
    x = grid[begin:]
    columns = [sorted(line[i] / reference for line in lines) for i in range(begin, len(grid))]
    median = [(c[(len(c) - 1) // 2] + c[len(c) // 2]) / 2 for c in columns]
    line = go.Scatter(
        name=solver,
        legendgroup=solver,
        x=x,
        y=median,
        mode="lines",
        line={"color": color, "width": 1.8},
        hovertemplate="%{y:.3f} after %{x} plans<extra>%{fullData.name}</extra>",
    )
    if len(runs) == 1:
        return [line]
    band = go.Scatter(
        legendgroup=solver,
        x=[*x, *x[::-1]],
        y=[*(c[-1] for c in columns), *(c[0] for c in reversed(columns))],
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=_translucent(color),
        hoverinfo="skip",
    )
    return [band, line]


def evaluation_grid(most: int) -> list[int]:
    """Counts from 1 to `most`, evenly spaced on a logarithmic axis."""
    steps = CURVE_POINTS - 1
    counts = {round(math.exp(math.log(max(most, 1)) * i / steps)) for i in range(CURVE_POINTS)}
    return sorted(counts | {1, max(most, 1)})


def best_at(run: SuiteRun, evaluations: int) -> int | None:
    """The best after so many plans; None while there was none."""
    best = None
    for count, value in run.curve:
        if count > evaluations:
            break
        best = value
    return best


def _curve_range(data: SuiteData, row: SuiteRow, reference: float) -> list[float]:
    """From a little below the bound to where the searches begin, if that is not far away."""
    last = [
        run.curve[-1][1] / reference
        for solver in _drawn_searches(data, row)
        for run in data.runs[row.setting, row.name, solver]
        if run.curve
    ]
    bound = row.lower_bound_ns / reference
    top = max(1.0, max(last, default=1.0)) * 1.15
    return [bound - 0.06 * (top - bound), top]


def _panels(
    titles: list[str], height: int, *, shared_yaxes: bool, spacing: float
) -> tuple[go.Figure, list[dict[str, int]]]:
    """An empty figure with a panel per title, of about `height` pixels, and where each is."""
    lines = -(-len(titles) // COLUMNS)
    total = height * lines + 90
    figure = make_subplots(
        rows=lines,
        cols=COLUMNS,
        subplot_titles=titles,
        shared_yaxes=shared_yaxes,
        horizontal_spacing=spacing,
        vertical_spacing=min(72 / total, 1 / lines),
    )
    figure.update_layout(**{**LAYOUT, "margin": {"l": 10, "r": 20, "t": 70, "b": 45}})
    figure.update_layout(
        height=total, legend={**LEGEND, "y": 1.0, "yref": "container", "yanchor": "top"}
    )
    figure.update_annotations(font_size=13)
    places = [{"row": 1 + i // COLUMNS, "col": 1 + i % COLUMNS} for i in range(len(titles))]
    return figure, places


def _legend_line(name: str, color: str, dash: str) -> go.Scatter:
    line = {"color": color, "width": 1.6, "dash": dash}
    return go.Scatter(name=name, x=[None], y=[None], mode="lines", line=line)


def _translucent(color: str) -> str:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.15)"
