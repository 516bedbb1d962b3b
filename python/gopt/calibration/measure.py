"""How long one call takes: median of several samples, spread, and the rates of the CPU."""

from __future__ import annotations

import contextlib
import dataclasses
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch


@dataclasses.dataclass(frozen=True)
class MeasureOptions:
    """Attributes:
    threads: of torch inside one op.
    seconds: for the samples of one signature; the minimum is taken in any case.
    minimum, maximum: samples.
    """

    threads: int = 1
    seconds: float = 0.2
    minimum: int = 5
    maximum: int = 50


@dataclasses.dataclass(frozen=True)
class Measurement:
    """Attributes:
    median_ns: of the samples, one call each.
    spread_ns: 1.4826 times the median distance from the median: a standard deviation that a
      disturbed sample does not change.
    samples: how many.
    """

    median_ns: int
    spread_ns: int
    samples: int


@dataclasses.dataclass(frozen=True)
class Rates:
    """What the CPU reaches at best.

    Attributes:
      peak_flops: per second, of a large float32 matrix product.
      memory_bandwidth: bytes per second, read and written, of a copy that no cache holds.
      launch_ns: of an op on one element, the call from Python included.
    """

    peak_flops: float
    memory_bandwidth: float
    launch_ns: int


# A sample lasts at least this long, so that the clock does not matter.
_SHORTEST_SAMPLE_NS = 20_000


def measure(run: Callable[[], Any], options: MeasureOptions) -> Measurement:
    """Times the call after two calls to warm up (caches, memory, oneDNN's primitives)."""
    run()
    once = max(_time(run, 1), 1)
    repeats = max(1, _SHORTEST_SAMPLE_NS // once)
    samples: list[float] = []
    deadline = time.perf_counter() + options.seconds
    while len(samples) < options.maximum:
        if len(samples) >= options.minimum and time.perf_counter() > deadline:
            break
        samples.append(_time(run, repeats) / repeats)
    median = statistics.median(samples)
    spread = 1.4826 * statistics.median(abs(sample - median) for sample in samples)
    return Measurement(max(1, round(median)), round(spread), len(samples))


def _time(run: Callable[[], Any], repeats: int) -> int:
    begin = time.perf_counter_ns()
    for _ in range(repeats):
        run()
    return time.perf_counter_ns() - begin


@contextlib.contextmanager
def quiet_torch(threads: int) -> Iterator[None]:
    """So many threads inside ops, no autograd; as before at the end."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_num_threads(before)


def probe(options: MeasureOptions) -> Rates:
    """Rates of this CPU with so many threads."""
    peak = 0.0
    for n in (256, 512, 1024):
        a, b = torch.rand(n, n), torch.rand(n, n)
        peak = max(peak, 2e9 * n**3 / measure(lambda a=a, b=b: torch.mm(a, b), options).median_ns)
    source, target = torch.rand(1 << 24), torch.empty(1 << 24)  # 64 MiB each
    copy = measure(lambda: target.copy_(source), options)
    one = torch.ones(1)
    launch = measure(lambda: torch.ops.aten.add.Tensor(one, one), options)
    return Rates(peak, 2e9 * source.nbytes / copy.median_ns, launch.median_ns)
