"""TensorBoard events of a training run; needs `pip install 'gopt[tensorboard]'`.

gopt.train(config, folder="runs/first", callbacks=[gopt.tensorboard.TensorBoard("runs/first")])
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import fields
from typing import Any

from gopt.errors import GoptError
from gopt.training_log import EvaluationLine, EventLine, IterationLine, RunLine


def is_installed() -> bool:
    return importlib.util.find_spec("tensorboard") is not None


class TensorBoard:
    """A callback that writes every number of the log, by iteration, as events into a folder.

    Tags are the keys of docs/metrics.md: `iteration/ratio_mean`, `time/decode`,
    `problems/0/ratio_mean`, `evaluation/ratio_greedy`. A resumed run replaces what was written
    after its checkpoint.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """GoptError if tensorboard is not installed."""
        if not is_installed():
            raise GoptError("tensorboard is not installed: pip install 'gopt[tensorboard]'")
        self._folder = os.fspath(folder)
        self._purge_step: int | None = None
        self._config = ""
        self._references: dict[tuple[str, int], int] = {}
        self._made: Any = None

    def on_run(self, line: RunLine) -> None:
        self._config = line.config
        self._references = {(p.set, p.index): p.reference_ns or 0 for p in line.problems}

    def on_event(self, line: EventLine) -> None:
        if line.event == "resumed":
            self._purge_step = line.iteration + 1
        elif line.event == "stopped":
            self.close()
        elif line.event == "checkpoint" and self._made is not None:
            self._made.flush()

    def on_iteration(self, line: IterationLine) -> None:
        self._add("iteration", line, line.iteration)
        self._add("time", line.time, line.iteration)
        for problem in line.problems:
            self._add(f"problems/{problem.index}", problem, line.iteration)

    def on_evaluation(self, line: EvaluationLine) -> None:
        self._add("evaluation", line, line.iteration)
        for p in line.problems:
            reference = self._references.get((p.set, p.index), 0)
            for key, time in (("greedy", p.greedy_ns), ("samples", p.best_ns)):
                if time is not None and reference > 0:
                    tag = f"evaluation/{p.set}/{p.index}/ratio_{key}"
                    self._writer().add_scalar(tag, time / reference, line.iteration)

    def close(self) -> None:
        """Writes what is left; a later line opens the folder again."""
        if self._made is not None:
            self._made.close()
            self._made = None

    def _add(self, prefix: str, line: Any, iteration: int) -> None:
        for key in fields(line):
            value = getattr(line, key.name)
            if isinstance(value, int | float) and key.name not in ("iteration", "index"):
                self._writer().add_scalar(f"{prefix}/{key.name}", value, iteration)

    def _writer(self) -> Any:
        """Made when there is something to write: only then is it known whether to purge."""
        if self._made is None:
            from torch.utils.tensorboard import SummaryWriter

            self._made = SummaryWriter(self._folder, purge_step=self._purge_step)
            self._purge_step = None
            self._made.add_text("config", f"```\n{self._config}\n```", 0)
        return self._made
