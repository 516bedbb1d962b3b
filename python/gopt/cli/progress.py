"""A progress line on a terminal's standard error."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType

import gopt
from gopt._text import time_text
from gopt.training_log import EvaluationLine, EventLine, IterationLine


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
        self.clear()

    def clear(self) -> None:
        if self._shown:
            self._write("")

    def __call__(self, step: gopt.Progress) -> None:
        if not self._shown:
            return
        best = time_text(step.best) if step.best else "nothing yet"
        self.show(self._share(step), f"{step.solver}: {step.evaluations} evaluations, best {best}")

    def show(self, share: float, text: str) -> None:
        """Draws a bar of the share, and a text beside it."""
        if not self._shown:
            return
        filled = round(min(1.0, share) * self.WIDTH)
        self._write(f"[{'#' * filled}{'.' * (self.WIDTH - filled)}] {text}")

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


class TrainingProgress:
    """A callback of gopt.train: a bar of the iterations done. Silent off a terminal."""

    def __init__(self, iterations: int, quiet: bool = False) -> None:
        self._iterations = iterations
        self._line = ProgressLine(quiet=quiet)
        self._greedy: float | None = None
        self._first: tuple[int, float] | None = None  # Iteration and time of this process's first.

    def on_evaluation(self, line: EvaluationLine) -> None:
        self._greedy = line.ratio_greedy

    def on_iteration(self, line: IterationLine) -> None:
        self._first = self._first or (line.iteration, time.monotonic())
        parts = [f"{line.iteration}/{self._iterations}"]
        for name, ratio in (
            ("mean", line.ratio_mean),
            ("best", line.ratio_best),
            ("one decode", self._greedy),
        ):
            if ratio is not None:
                parts.append(f"{name} {ratio:.3f}")
        parts += self._left(line.iteration)
        self._line.show(line.iteration / max(1, self._iterations), ", ".join(parts))

    def on_event(self, line: EventLine) -> None:
        if line.event == "stopped":
            self._line.clear()

    def _left(self, iteration: int) -> list[str]:
        first, began = self._first or (iteration, 0.0)
        if iteration == first:
            return []
        each = (time.monotonic() - began) / (iteration - first)
        seconds = round(each * (self._iterations - iteration))
        return [f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02} left"]
