"""Trains a policy by PPO; docs/training.md explains how.

CONFIG is a text proto (docs/formats/training.md); without one, --graph and --machine name the
problems, or --resume goes on with what the folder holds. The run writes metrics.jsonl,
config.txtpb, checkpoint.gopt, policy.gopt and TensorBoard events into its folder. Ctrl-C and
SIGTERM end it after a checkpoint, with exit code 130.

examples:
  gopt train train.txtpb -o runs/first --set ppo.learning_rate=3e-4
  gopt train --graph txl2 --machine p100x2 --set iterations=200 -o runs/txl2
  gopt train -o runs/first --resume --set iterations=1000
  torchrun --nproc-per-node 2 -m gopt train train.txtpb -o runs/first
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gopt
from gopt.cli import options
from gopt.cli.progress import TrainingProgress
from gopt.training import TrainingResult, make_config

INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", nargs="?", help="a training configuration")
    parser.add_argument(
        "--graph", action="append", default=[], metavar="G", help="in place of CONFIG; repeatable"
    )
    parser.add_argument(
        "-m",
        "--machine",
        action="append",
        default=[],
        metavar="M",
        help="of each --graph, or one for all of them",
    )
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="ppo.learning_rate=3e-4; repeatable",
    )
    parser.add_argument("-o", "--out", metavar="FOLDER", help="default: runs/NAME of the CONFIG")
    parser.add_argument("--resume", action="store_true", help="go on from the folder's checkpoint")
    parser.add_argument("--device", default="cpu", metavar="D", help="of the network (cpu)")
    parser.add_argument(
        "--tensorboard",
        action=argparse.BooleanOptionalAction,
        help="TensorBoard events; default: if tensorboard is installed",
    )
    parser.add_argument(
        "--print-config", action="store_true", help="print the configuration and end"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(arguments: argparse.Namespace) -> int:
    config = _config(arguments)
    if arguments.print_config:
        sys.stdout.write(config.text())
        return 0
    folder = Path(arguments.out or Path("runs", config.name))
    with _processes() as (first, group), _sigterm_as_interrupt():
        result = gopt.train(
            config,
            folder=folder,
            resume=arguments.resume,
            callbacks=_callbacks(arguments, config, folder) if first else (),
            device=arguments.device,
            process_group=group,
        )
    return _show(result, folder) if first else _code(result)


def _config(arguments: argparse.Namespace) -> gopt.TrainingConfig:
    if arguments.config and arguments.graph:
        raise options.UsageError("a CONFIG and --graph are given; one is enough")
    if arguments.machine and not arguments.graph:
        raise options.UsageError("--machine goes with --graph; with a CONFIG use --set")
    resumed = Path(arguments.out) if arguments.resume and arguments.out else None
    if not (arguments.config or arguments.graph or resumed or arguments.settings):
        raise options.UsageError("give a CONFIG, --graph and --machine, or -o FOLDER --resume")
    given = _pairs(arguments.graph, arguments.machine) or arguments.config
    return make_config(given, resumed=resumed, settings=arguments.settings)


def _pairs(graphs: list[str], machines: list[str]) -> list[tuple[str, str]]:
    machines = machines or [options.DEFAULT_MACHINE]
    if graphs and len(machines) not in (1, len(graphs)):
        raise options.UsageError(f"{len(machines)} machines for {len(graphs)} graphs")
    if len(machines) == 1:
        machines = machines * len(graphs)
    return list(zip(graphs, machines, strict=bool(graphs)))


def _callbacks(
    arguments: argparse.Namespace, config: gopt.TrainingConfig, folder: Path
) -> list[Any]:
    callbacks: list[Any] = [TrainingProgress(config.iterations, arguments.quiet)]
    wanted = arguments.tensorboard
    if wanted or (wanted is None and gopt.tensorboard.is_installed()):
        callbacks.append(gopt.tensorboard.TensorBoard(folder))
    return callbacks


@contextmanager
def _processes() -> Iterator[tuple[bool, bool]]:
    """Joins the processes that torchrun started: (whether this is the first, whether several)."""
    if int(os.environ.get("WORLD_SIZE", "1")) <= 1 or "RANK" not in os.environ:
        yield True, False
        return
    import torch.distributed as dist

    dist.init_process_group("gloo")
    try:
        yield dist.get_rank() == 0, True
    finally:
        dist.destroy_process_group()


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """A batch system's SIGTERM leaves a checkpoint as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _code(result: TrainingResult) -> int:
    return INTERRUPTED if result.stopped == "cancelled" else 0


def _show(result: TrainingResult, folder: Path) -> int:
    if result.log is None:
        print(
            "gopt: interrupted while references were sought; nothing is lost. Go on with: gopt "
            f"train -o {folder} --resume",
            file=sys.stderr,
        )
        return _code(result)
    print(result)
    print(f"\npolicy: {folder / 'policy.gopt'}\nreport: gopt report {folder}", flush=True)
    if _code(result) == INTERRUPTED:
        print(
            f"gopt: interrupted after iteration {result.iterations}; the checkpoint is written. Go "
            f"on with: gopt train -o {folder} --resume",
            file=sys.stderr,
        )
    return _code(result)
