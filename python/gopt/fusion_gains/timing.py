"""CPU time of the calling thread, for several functions in turn."""

from __future__ import annotations

import ctypes
import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class TimingOptions:
    """Attributes:
    passes: over all groups; each form's fastest pass counts, since a disturbance of the machine
      may outlast all the samples of a group.
    seconds: of CPU for one group in one pass, all its forms together.
    rounds: at least so many, whatever they take.
    sample_ns: a sample repeats its function until it lasts about this long.
    """

    passes: int = 3
    seconds: float = 0.7
    rounds: int = 11
    sample_ns: int = 300_000


@dataclasses.dataclass(frozen=True)
class Timing:
    """Attributes:
    ns: lower quartile of the samples, per call. Other processes only ever add to a sample, through
      shared caches and memory; a minimum would take the luckiest of hundreds.
    spread: (median - lower quartile) / lower quartile.
    """

    ns: float
    spread: float


def keep_memory() -> None:
    """Freed memory stays with the process (glibc), so that no sample pays for clearing pages.

    Eager PyTorch returns tensors of some MB to the kernel at once and pays for them anew in each
    call: several times what a memory-bound op takes itself, and nothing that fusion is to be
    praised for.
    """
    m_trim_threshold, m_mmap_max = -1, -4
    libc = ctypes.CDLL(None)
    libc.mallopt(m_mmap_max, 0)
    libc.mallopt(m_trim_threshold, (1 << 31) - 1)


def time_in_turn(
    functions: Mapping[str, Callable[[], Any]], options: TimingOptions | None = None
) -> dict[str, Timing]:
    """Round after round one sample of each function, so that all meet the same disturbances."""
    options = options or TimingOptions()
    repeats = {}
    for name, function in functions.items():
        function()
        repeats[name] = max(1, int(options.sample_ns // max(1, _time(function, 2))))
    samples: dict[str, list[float]] = {name: [] for name in functions}
    end = time.thread_time() + options.seconds
    while len(next(iter(samples.values()))) < options.rounds or time.thread_time() < end:
        for name, function in functions.items():
            samples[name].append(_time(function, repeats[name]))
    return {name: _summary(sorted(values)) for name, values in samples.items()}


def _time(function: Callable[[], Any], repeats: int) -> float:
    begin = time.thread_time_ns()
    for _ in range(repeats):
        function()
    return (time.thread_time_ns() - begin) / repeats


def _summary(ascending: list[float]) -> Timing:
    quartile = ascending[len(ascending) // 4]
    return Timing(quartile, ascending[len(ascending) // 2] / quartile - 1)
