"""Fills the page's template."""

from __future__ import annotations

import importlib.resources
from typing import Any

import jinja2
import plotly.offline
from markupsafe import Markup

from . import figures
from .data import ReportData, SolverRow, format_bytes, format_time


def render(data: ReportData, version: str) -> str:
    """The page as one self-contained HTML text."""
    drawn_routes = {(t.source, t.destination) for t in data.transfers}
    return render_template(
        "page.html.jinja",
        title=data.title,
        data=data,
        lead=lead(data),
        cards=_cards(data),
        rows=[_row(data, row) for row in data.rows],
        merged=any(s.kernels > 1 for s in data.spans),
        hidden_routes=max(0, len(drawn_routes) - figures.MAX_ROUTES),
        chain=_shares(list(data.chain.items())),
        types=[
            (name, f"{count:,}", format_time(ns), share)
            for (name, count, ns), (_, _, share) in zip(
                data.time_by_type[:10],
                _shares(
                    [(n, ns) for n, _, ns in data.time_by_type[:10]],
                    total=sum(ns for _, _, ns in data.time_by_type),
                ),
                strict=True,
            )
        ],
        figures={name: figure_html(figure, name) for name, figure in _figures(data).items()},
        version=version,
    )


def render_template(name: str, **values: Any) -> str:
    """A template of this folder with these values, and Plotly's script in it."""

    def source(template: str) -> str:
        return importlib.resources.files(__package__).joinpath(template).read_text("utf-8")

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(source), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    plotly_js = Markup(plotly.offline.get_plotlyjs())
    return environment.get_template(name).render(plotly_js=plotly_js, **values)


def lead(data: ReportData) -> str:
    """The report in two or three sentences."""
    text = f"This plan, found by {data.found_by}, takes {format_time(data.step_time)} per step."
    if data.one_device:
        text += (
            f" The best single device takes {format_time(data.one_device)},"
            f" {data.one_device / max(1, data.step_time):.2f} times as long."
        )
    if data.lower_bound:
        gap = data.step_time / data.lower_bound - 1
        text += (
            f" No plan on this machine can take less than {format_time(data.lower_bound)}:"
            f" this one is {100 * gap:.1f} % above that bound."
        )
    return text


def _cards(data: ReportData) -> list[tuple[str, str]]:
    busy = sum(device.busy for device in data.devices)
    share = 100 * busy / max(1, data.step_time * len(data.devices))
    peak = max((device.peak_bytes for device in data.devices), default=0)
    cards = [(format_time(data.step_time), "step time")]
    if data.one_device:
        cards.append((f"{data.one_device / max(1, data.step_time):.2f}×", "against one device"))
    return [
        *cards,
        (format_time(data.lower_bound), "lower bound"),
        (f"{share:.0f} %", "devices busy"),
        (format_bytes(peak), "largest peak memory"),
        (format_bytes(data.transfer_bytes), f"moved in {data.transfer_count:,} transfers"),
    ]


def _row(data: ReportData, row: SolverRow) -> dict:
    ok = row.outcome == "OK" and row.step_time is not None
    result = {
        "solver": row.solver,
        "ok": ok,
        "best": ok and row.step_time == data.step_time,
        "reason": f"{row.outcome}: {row.reason}",
        "evaluations": f"{row.evaluations:,}",
        "seconds": f"{row.seconds:.2f}",
        "found_by": row.found_by if row.found_by != row.solver else "",
    }
    if ok:
        assert row.step_time is not None
        result["step_time"] = format_time(row.step_time)
        result["speedup"] = (
            f"{data.one_device / max(1, row.step_time):.2f}×" if data.one_device else ""
        )
        bound = data.lower_bound
        result["gap"] = f"+{100 * (row.step_time / bound - 1):.1f} %" if bound else ""
        result["peak"] = format_bytes(row.peak_bytes)
    return result


def _shares(items: list[tuple[str, int]], total: int | None = None) -> list[tuple[str, str, str]]:
    whole = max(1, sum(ns for _, ns in items) if total is None else total)
    return [(name, format_time(ns), f"{100 * ns / whole:.1f}%") for name, ns in items]


def _figures(data: ReportData) -> dict:
    drawn = {
        "timeline": figures.timeline(data),
        "utilisation": figures.utilisation(data),
        "memory": figures.memory(data),
        "curves": figures.curves(data),
    }
    return {name: figure for name, figure in drawn.items() if figure is not None}


def figure_html(figure: Any, name: str) -> Markup:
    """What shows the figure on a page; its element is called `figure-<name>`."""
    return Markup(
        figure.to_html(
            full_html=False,
            include_plotlyjs=False,
            div_id=f"figure-{name}",
            config={"displaylogo": False, "responsive": True, "scrollZoom": False},
        )
    )
