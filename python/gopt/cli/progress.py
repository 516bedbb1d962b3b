"""A progress line on a terminal's standard error."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType

import gopt
from gopt._text import time_text


class ProgressLine:
    """Callable with a gopt.Progress; shows a bar of the budget spent. Silent off a terminal.

    with ProgressLine(seconds=30) as progress:
        gopt.optimize(..., progress=progress)
    """

    WIDTH = 24

    def __init__(
        self,
        evaluations: int | None = None,
        seconds: float | None = None,
        quiet: bool = False,
    ) -> None:
        self._evaluations = evaluations
        self._seconds = seconds
        self._started = time.monotonic()
        self._shown = not quiet and sys.stderr.isatty()

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown:
            self._write("")

    def __call__(self, step: gopt.Progress) -> None:
        if not self._shown:
            return
        best = time_text(step.best) if step.best else "nothing yet"
        filled = round(self._share(step) * self.WIDTH)
        bar = "#" * filled + "." * (self.WIDTH - filled)
        self._write(f"[{bar}] {step.solver}: {step.evaluations} evaluations, best {best}")

    def _share(self, step: gopt.Progress) -> float:
        shares = [0.0]
        if self._evaluations:
            shares.append(step.evaluations / self._evaluations)
        if self._seconds:
            shares.append((time.monotonic() - self._started) / self._seconds)
        return min(1.0, max(shares))

    def _write(self, text: str) -> None:
        columns = shutil.get_terminal_size().columns
        sys.stderr.write("\r\x1b[K" + text[: columns - 1])
        sys.stderr.flush()
