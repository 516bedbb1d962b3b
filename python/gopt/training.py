"""Trains policies: `gopt.train`.

result = gopt.train("txl2", "p100x2", iterations=200)
print(result)
result.policy.save("policy.gopt")
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gopt import _core, training_log
from gopt._learned import native
from gopt.errors import GoptError, InvalidArgumentError
from gopt.policy import Policy
from gopt.training_log import TrainingLog
from gopt.training_problems import check_tasks, config_of, given_problems
from gopt.training_table import summary

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

PROBLEMS_FOLDER = "problems"  # Of a run: what was given as objects.

# The method of a callback that gets a line of this kind.
_METHODS = {
    training_log.RunLine: "on_run",
    training_log.IterationLine: "on_iteration",
    training_log.EvaluationLine: "on_evaluation",
    training_log.EventLine: "on_event",
}


@dataclass(frozen=True)
class TrainingResult:
    """What a training run gave. `print` shows the policy against the classical solvers.

    Attributes:
      policy: The weights of the best evaluation; of the end where there was none.
      iterations: Done in all, before a resume too.
      evaluations: Plans priced for training in all.
      stopped: "completed", "cancelled", or "no better evaluation for N iterations".
      ratio_best: Geometric mean over problems of best step time found / reference; None where no
        plan of the policy was feasible, or where a run was cancelled before its references were
        found.
      folder: Where the run was written; None: nowhere.
      log: All lines of the run (gopt.training_log); of the first process alone, else None. None
        too where the run was cancelled before its references were found.
    """

    policy: Policy
    iterations: int
    evaluations: int
    stopped: str
    ratio_best: float | None
    folder: Path | None = None
    log: TrainingLog | None = field(default=None, repr=False)

    def __str__(self) -> str:
        title = f"{self.policy!r}: {self.iterations} iterations, {self.stopped}"
        return title if self.log is None else f"{title}\n\n{summary(self.log)}"


def train(
    config: Any = None,
    machine: _core.Machine | str | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    resume: bool = False,
    settings: Iterable[str] = (),
    callbacks: Iterable[Any] = (),
    backend: str | _core.CostBackend | None = None,
    device: str = "cpu",
    process_group: ProcessGroup | bool | None = None,
    progress: bool = False,
    cancel: _core.CancelToken | None = None,
    **fields: Any,
) -> TrainingResult:
    """Trains a policy by PPO.

    gopt.train("train.txtpb", folder="runs/first")
    gopt.train("txl2", "p100x2", iterations=200, ppo={"samples": 32})
    gopt.train([("txl2", "p100x2"), (graph, machine)], settings=["network.width=128"])

    Args:
      config: A TrainingConfig or its file; or, with a machine, a graph: its name, spec or file, a
        Graph, or something with one; or a Problem, whose constraints and open tasks count; or a
        list of Problems, (graph, machine) and (graph, machine, constraints). None: that of the
        folder, to resume.
      machine: A preset, a file or a Machine.
      folder: Gets config.txtpb, metrics.jsonl, checkpoint.gopt and policy.gopt; None: nothing is
        written, and nothing can be resumed.
      resume: Goes on from the folder's checkpoint, equal to the bit, if there is one.
      settings: "ppo.learning_rate=3e-4", as --set on the command line; after `fields`.
      callbacks: Objects with any of on_run, on_iteration, on_evaluation and on_event, each called
        with a line of the log (gopt.training_log) from the training thread. The run ends after a
        checkpoint if one returns True or raises; what it raised is raised here.
      backend: What prices plans, in place of the configuration's: a spec or an object.
      device: Of the network: "cpu", "cuda", "cuda:1".
      process_group: Trains together with the other processes of a torch.distributed group (True:
        the default one), each on its share of the problems. The first one writes the files.
      progress: Shows a bar where standard error is a terminal.
      cancel: Ends the run after a checkpoint, from another thread.
      fields: Of the configuration: iterations=200, ppo={"samples": 32}.

    Ctrl-C ends the run after a checkpoint; the result then has stopped "cancelled". While
    references are still sought it ends at once, without a log; a resume seeks them again.

    Raises:
      InvalidArgumentError: a configuration that breaks a rule; a Problem with a base plan or
        fusion limits, which a configuration cannot hold.
      FailedPreconditionError: the folder holds a run, and resume is not set.
      GoptError: a problem cannot be loaded, nothing fits in memory, the disk is full, ...
    """
    where = None if folder is None else Path(folder)
    with tempfile.TemporaryDirectory(prefix="gopt-train-") as temporary:
        store = Path(temporary) if where is None else where / PROBLEMS_FOLDER
        settled = make_config(config, machine, store, where if resume else None, fields, settings)
        if isinstance(backend, str):
            settled.backend, backend = backend, None
        lines = _Lines([*callbacks, *_progress_bar(progress, settled)], cancel)
        made = _run(
            settled,
            backend,
            folder=where or "",
            resume=resume,
            device=device,
            process_group=_process_group(process_group),
            on_line=lines,
            cancel=lines.cancel,
        )
    log = lines.log(where)
    return TrainingResult(
        policy=Policy._of(made.policy),
        iterations=made.iterations,
        evaluations=made.evaluations,
        stopped=made.stopped,
        ratio_best=made.ratio_best or None,
        folder=where,
        log=log,
    )


def make_config(
    config: Any,
    machine: Any = None,
    store: Path | None = None,
    resumed: Path | None = None,
    fields: dict[str, Any] | None = None,
    settings: Iterable[str] = (),
) -> _core.TrainingConfig:
    """The configuration that `train` uses; a copy.

    Args:
      store: Folder for what is given as objects; made when needed.
      resumed: Folder of a run whose configuration counts where none is given.
    """
    problems = given_problems(config, machine)
    made = _base_config(config, resumed) if problems is None else config_of(problems, store)
    made.update(**(fields or {}))
    if isinstance(settings, str):
        raise InvalidArgumentError("settings: a list of texts is needed, not one text")
    for setting in settings:
        made.set(setting)
    made.check()
    check_tasks(problems or (), made)
    return made


def _base_config(config: Any, resumed: Path | None) -> _core.TrainingConfig:
    if isinstance(config, _core.TrainingConfig):
        return config.copy()
    if isinstance(config, str | os.PathLike):
        return _core.TrainingConfig.load(config)
    if config is not None:
        raise InvalidArgumentError(
            f"a configuration, its file, or a graph with a machine is needed, not {config!r:.60}"
        )
    if resumed is not None and (resumed / training_log.CONFIG_FILE).exists():
        return _core.TrainingConfig.load(resumed / training_log.CONFIG_FILE)
    return _core.TrainingConfig()  # Fields and settings may bring the problems.


def _process_group(group: Any) -> Any:
    if group is None or group is False:
        return None
    import torch.distributed as dist

    if group is True:
        if not dist.is_initialized():
            raise InvalidArgumentError(
                "process_group: torch.distributed has no default group; call init_process_group"
            )
        return dist.group.WORLD
    return group


def _progress_bar(shown: bool, config: _core.TrainingConfig) -> list[Any]:
    if not shown:
        return []
    from gopt.cli.progress import TrainingProgress

    return [TrainingProgress(config.iterations)]


def _run(config: _core.TrainingConfig, backend: _core.CostBackend | None, **options: Any) -> Any:
    """Runs it; a Python backend's own exception is raised where nothing else says what failed."""
    try:
        made = native().train(config, backend=backend, **options)
    except GoptError:
        count, first = (0, None) if backend is None else _core._take_errors(backend)
        if first is not None:
            raise first from None
        raise
    if backend is not None:
        count, first = _core._take_errors(backend)
        if first is not None:
            text = f"cost backend '{backend.name()}' failed on {count} plan(s); first: {first!r}"
            warnings.warn(text, RuntimeWarning, stacklevel=3)
    return made


class _Lines:
    """Hands the lines of a run to the callbacks, and keeps them."""

    def __init__(self, callbacks: Sequence[Any], cancel: _core.CancelToken | None) -> None:
        self.cancel = cancel or _core.CancelToken()
        self._callbacks = callbacks
        self._texts: list[str] = []

    def __call__(self, text: str) -> None:
        self._texts.append(text)
        line = training_log.parse_line(text)
        name = _METHODS.get(type(line))
        for callback in self._callbacks:
            method = getattr(callback, name, None) if name else None
            if method is not None and method(line) is True:
                self.cancel.cancel()

    def log(self, folder: Path | None) -> TrainingLog | None:
        if not self._texts:
            return None  # Not the first of several processes.
        if folder is not None:
            return training_log.read(folder)
        return training_log.parse("\n".join(self._texts).encode(), Path("<training>"))
