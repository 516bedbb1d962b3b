"""The figures of a report, one function each, drawn with Plotly."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from .data import ReportData, Span, format_bytes, format_time

# Okabe and Ito's palette: told apart with any kind of colour vision.
PHASE_COLORS = {
    "forward": "#0072B2",
    "backward": "#E69F00",
    "optimizer": "#009E73",
    "unspecified": "#7F7F7F",
}
TRANSFER_COLOR = "#CC79A7"
LINE_COLORS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#7F7F7F",
    "#B8A900",
)
MAX_ROUTES = 12

# What all figures of a page share.
LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "traceorder": "normal"}
LAYOUT = {
    "template": "plotly_white",
    "font": {
        "family": "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif",
        "size": 13,
    },
    "margin": {"l": 10, "r": 20, "t": 10, "b": 45},
    "hoverlabel": {"align": "left"},
}


def time_unit(ns: int) -> tuple[str, float]:
    """The unit in which a step of this length reads well, and its nanoseconds."""
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= 2 * scale:
            return unit, scale
    return "ns", 1.0


def timeline(data: ReportData) -> go.Figure:
    """Kernels per device over time, coloured by phase; transfers per route below."""
    unit, scale = time_unit(data.step_time)
    routes = _busiest_routes(data)
    devices = [_device_row(data, d) for d in range(len(data.devices))]
    device_height, route_height = 44 * len(devices), 20 * len(routes)
    figure = make_subplots(
        rows=2 if routes else 1,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.02,
        row_heights=[device_height, route_height] if routes else None,
    )
    for phase, color in PHASE_COLORS.items():
        spans = [s for s in data.spans if s.phase == phase]
        if spans:
            figure.add_trace(_span_bars(spans, devices, phase, color, scale), row=1, col=1)
    if routes:
        figure.add_trace(_transfer_bars(data, routes, scale), row=2, col=1)
        figure.update_yaxes(autorange="reversed", showgrid=False, tickfont_size=11, row=2, col=1)
    if data.chain_points:
        figure.add_trace(_chain_line(data, devices, scale), row=1, col=1)
    figure.update_layout(
        **LAYOUT,
        barmode="overlay",
        bargap=0.18,
        height=130 + device_height + route_height,
        legend=LEGEND,
    )
    figure.update_yaxes(
        categoryorder="array", categoryarray=devices[::-1], showgrid=False, row=1, col=1
    )
    figure.update_xaxes(range=[0, data.step_time / scale])
    figure.update_xaxes(title=f"time in the step, {unit}", row=2 if routes else 1, col=1)
    return figure


def _transfer_bars(data: ReportData, routes: dict[tuple[int, int], str], scale: float) -> go.Bar:
    shown = [t for t in data.transfers if (t.source, t.destination) in routes]
    return go.Bar(
        name="transfer",
        orientation="h",
        base=[t.start / scale for t in shown],
        x=[(t.end - t.start) / scale for t in shown],
        y=[routes[t.source, t.destination] for t in shown],
        marker={"color": TRANSFER_COLOR, "line_width": 0},
        customdata=[(t.label, format_bytes(t.bytes), format_time(t.end - t.start)) for t in shown],
        hovertemplate="%{customdata[0]}<br>%{customdata[1]} in %{customdata[2]}"
        "<extra>transfer</extra>",
    )


def _chain_line(data: ReportData, devices: list[str], scale: float) -> go.Scatter:
    return go.Scatter(
        name="critical chain",
        x=[time / scale for _, time in data.chain_points],
        y=[devices[device] for device, _ in data.chain_points],
        mode="lines",
        line={"color": "#000000", "width": 1.2},
        hoverinfo="skip",
        visible="legendonly",
    )


def _device_row(data: ReportData, device: int) -> str:
    return data.devices[device].name or f"device {device}"


def _span_bars(spans: list[Span], rows: list[str], phase: str, color: str, scale: float) -> go.Bar:
    return go.Bar(
        name=phase if phase != "unspecified" else "other",
        orientation="h",
        base=[s.start / scale for s in spans],
        x=[(s.end - s.start) / scale for s in spans],
        y=[rows[s.device] for s in spans],
        marker={
            "color": color,
            "line_width": 0.3 if len(spans) < 500 else 0,
            "line_color": "white",
        },
        customdata=[
            (s.label, s.detail, format_time(s.start), format_time(s.end - s.start)) for s in spans
        ],
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>"
        "starts at %{customdata[2]}, takes %{customdata[3]}<extra></extra>",
    )


def _busiest_routes(data: ReportData) -> dict[tuple[int, int], str]:
    """Row label per drawn route, by (source, destination)."""
    busy: dict[tuple[int, int], int] = {}
    for t in data.transfers:
        key = (t.source, t.destination)
        busy[key] = busy.get(key, 0) + t.end - t.start
    keep = sorted(busy, key=lambda key: -busy[key])[:MAX_ROUTES]
    return {(a, b): f"{_device_row(data, a)} → {_device_row(data, b)}" for a, b in sorted(keep)}


def utilisation(data: ReportData) -> go.Figure:
    """Share of the step that each device computes, by phase."""
    rows = [_device_row(data, d) for d in range(len(data.devices))]
    figure = go.Figure()
    step = max(1, data.step_time)
    for phase, color in PHASE_COLORS.items():
        busy = [0] * len(rows)
        for span in data.spans:
            if span.phase == phase:
                busy[span.device] += span.end - span.start
        if any(busy):
            figure.add_trace(
                go.Bar(
                    name=phase if phase != "unspecified" else "other",
                    orientation="h",
                    y=rows,
                    x=[100 * ns / step for ns in busy],
                    marker_color=color,
                    hovertemplate="%{y}: %{x:.1f} % of the step<extra>" + phase + "</extra>",
                )
            )
    figure.update_layout(
        **LAYOUT,
        barmode="stack",
        height=110 + 36 * len(rows),
        legend=LEGEND,
    )
    figure.update_yaxes(categoryorder="array", categoryarray=rows[::-1])
    figure.update_xaxes(title="busy, % of the step", range=[0, 100])
    return figure


def memory(data: ReportData) -> go.Figure:
    """Bytes live on each device over the step, against its limit."""
    unit, scale = time_unit(data.step_time)
    figure = go.Figure()
    for d, device in enumerate(data.devices):
        times, sizes = _thinned(device.memory_times, device.memory_bytes)
        figure.add_trace(
            go.Scatter(
                name=_device_row(data, d),
                x=times / scale,
                y=sizes / 2**30,
                mode="lines",
                line={"shape": "hv", "width": 1.6, "color": LINE_COLORS[d % len(LINE_COLORS)]},
                hovertemplate="%{y:.3f} GiB at %{x:.3f} "
                + unit
                + "<extra>%{fullData.name}</extra>",
            )
        )
    for limit in sorted({device.limit_bytes for device in data.devices}):
        figure.add_hline(
            y=limit / 2**30,
            line={"color": "#C00000", "dash": "dash", "width": 1.2},
            annotation_text=f"limit {format_bytes(limit)}",
            annotation_position="top left",
        )
    figure.update_layout(**LAYOUT, height=340, legend=LEGEND)
    figure.update_xaxes(title=f"time in the step, {unit}", range=[0, data.step_time / scale])
    figure.update_yaxes(title="live, GiB", rangemode="tozero")
    return figure


def _thinned(times, sizes, most: int = 4000):
    """At most about `most` samples; of each stretch the largest is kept, so peaks stay."""
    if len(times) <= most:
        return times, sizes
    stride = -(-len(times) // most)
    keep = [
        begin + int(sizes[begin : begin + stride].argmax())
        for begin in range(0, len(times), stride)
    ]
    return times[keep], sizes[keep]


def curves(data: ReportData) -> go.Figure | None:
    """Best step time after so many evaluations, per solver that searched; None if nobody did."""
    searched = [r for r in data.rows if len(r.curve) > 0 and r.evaluations > 1]
    if not searched:
        return None
    unit, scale = time_unit(data.step_time)
    figure = go.Figure()
    for i, row in enumerate(searched):
        points = list(row.curve)
        points.append((row.evaluations, row.seconds, points[-1][2]))
        figure.add_trace(
            go.Scatter(
                name=row.solver,
                x=[max(1, evaluations) for evaluations, _, _ in points],
                y=[best / scale for _, _, best in points],
                mode="lines",
                line={"shape": "hv", "width": 1.8, "color": LINE_COLORS[i % len(LINE_COLORS)]},
                hovertemplate="%{y:.4g} " + unit + " after %{x} evaluations"
                "<extra>%{fullData.name}</extra>",
            )
        )
    if data.lower_bound:
        figure.add_hline(
            y=data.lower_bound / scale,
            line={"color": "#555555", "dash": "dot", "width": 1.2},
            annotation_text="lower bound",
            annotation_position="bottom right",
        )
    figure.update_layout(**LAYOUT, height=360, legend=LEGEND)
    figure.update_xaxes(title="plans priced", type="log", dtick=1)
    figure.update_yaxes(title=f"best step time, {unit}", rangemode="tozero")
    return figure
