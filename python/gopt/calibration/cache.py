"""Measured times on disk, by what was run and where."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from gopt.calibration.calls import Signature
from gopt.calibration.measure import Measurement, Rates


def environment(threads: int) -> dict[str, Any]:
    """All that a time depends on besides the call."""
    return {
        "cpu": _cpu_name(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "threads": threads,
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def key_of(signature: Signature) -> str:
    """The signature as text: equal for equal calls."""
    return json.dumps(signature, separators=(",", ":"), sort_keys=True)


class Cache:
    """Times of one environment, in a JSON file of its own.

    Args:
      threads: of torch.
      folder: where files are; default: gopt/calibration in the user's cache folder
        ($XDG_CACHE_HOME, else ~/.cache). None with `kept=False`: nothing is read or written.
      kept: whether there is a file at all.
    """

    def __init__(
        self, threads: int, folder: str | os.PathLike[str] | None = None, kept: bool = True
    ) -> None:
        self.environment = environment(threads)
        text = json.dumps(self.environment, sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()[:16] + ".json"
        self.path = (Path(folder) if folder is not None else _default_folder()) / name
        self._kept = kept
        self._times: dict[str, Measurement] = {}
        self._rates: Rates | None = None
        if kept:
            self._read()

    def get(self, signature: Signature) -> Measurement | None:
        return self._times.get(key_of(signature))

    def put(self, signature: Signature, measurement: Measurement) -> None:
        self._times[key_of(signature)] = measurement

    @property
    def rates(self) -> Rates | None:
        return self._rates

    @rates.setter
    def rates(self, rates: Rates) -> None:
        self._rates = rates

    def __len__(self) -> int:
        return len(self._times)

    def save(self) -> None:
        """Writes the file, atomically, with what others put there since. OSError if it cannot."""
        if not self._kept:
            return
        mine, my_rates = dict(self._times), self._rates
        self._read()
        self._times |= mine
        self._rates = my_rates or self._rates
        content = {
            "environment": self.environment,
            "rates": None if self._rates is None else dataclasses.asdict(self._rates),
            "times": {key: dataclasses.astuple(time) for key, time in sorted(self._times.items())},
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(content, file, indent=0)
            os.replace(temporary, self.path)
        except BaseException:
            os.unlink(temporary)
            raise

    def _read(self) -> None:
        """Takes what the file holds; a damaged file is as good as none, and says so."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            warnings.warn(f"{self.path}: not used: {error}", stacklevel=3)
            return
        try:
            self._times |= _times(content["times"])
            if content["rates"] is not None:
                self._rates = Rates(**content["rates"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            warnings.warn(f"{self.path}: not used: not a file of times ({error})", stacklevel=3)


def _times(entries: Mapping[str, Any]) -> dict[str, Measurement]:
    times = {}
    for key, (median, spread, samples) in entries.items():
        if not all(isinstance(n, int) and n >= 0 for n in (median, spread, samples)):
            raise ValueError(f"times of {key[:60]} are no counts of nanoseconds")
        times[key] = Measurement(median, spread, samples)
    return times


def _default_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "gopt" / "calibration"
