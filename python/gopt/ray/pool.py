"""Actors that live on, each working for one caller at a time; the dead are replaced."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

# Reading an answer that is there: longer only if its machine is lost meanwhile.
READ_SECONDS = 5.0
# Between starts of an actor that does not start: doubled each time up to this.
MAX_PAUSE_SECONDS = 60.0

_log = logging.getLogger("gopt.ray")


class NoActorsError(Exception):
    """None works and none can be started now."""


@dataclass(eq=False)
class Slot:
    """Place of one actor. Changed under the pool's lock; `handle` is for who holds it."""

    handle: Any = None  # None: not there, to be started again at `retry_at`.
    held: bool = False
    ping: Any = None  # Not to be used before this is answered.
    ping_deadline: float = math.inf
    started: bool = False  # Answered once.
    failed_starts: int = 0
    retry_at: float = 0.0

    @property
    def free(self) -> bool:
        return self.handle is not None and not self.held and self.ping is None


class Pool:
    """May be used from any thread.

    Args:
      start: Begins an actor and gives its handle, whose `ready` answers when it can work.
      start_timeout: Seconds for `ready`.
    """

    def __init__(
        self, ray: ModuleType, start: Callable[[], Any], count: int, start_timeout: float
    ) -> None:
        self.ray = ray
        self.lost = 0  # Actors that died, were killed for hanging, or did not start.
        self._start = start
        self._start_timeout = start_timeout
        self._slots = [Slot() for _ in range(count)]
        self._changed = threading.Condition()
        self._closed = False
        self._why_none = ""
        with self._changed:
            for slot in self._slots:
                self._start_actor(slot)

    def __len__(self) -> int:
        return len(self._slots)

    def handles(self) -> list[Any]:
        with self._changed:
            return [slot.handle for slot in self._slots if slot.handle is not None]

    def check(self) -> None:
        """NoActorsError if none can work any more."""
        if self._closed:
            raise NoActorsError("the backend is closed")
        # Otherwise Ray would quietly begin a cluster of its own.
        if not self.ray.is_initialized():
            raise NoActorsError("Ray was shut down")

    def acquire(self, seconds: float) -> Slot | None:
        """A slot whose actor works, the caller's until `release` or `lose`.

        None if there is none within `seconds`. NoActorsError if none can be expected.
        """
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                self.check()
                for slot in self._slots:
                    self._look_after(slot)
                    if slot.free:
                        slot.held = True
                        return slot
                if all(slot.handle is None for slot in self._slots):
                    raise NoActorsError(f"no actor can be started: {self._why_none}")
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)

    def release(self, slot: Slot) -> None:
        with self._changed:
            slot.held = False
            self._changed.notify_all()

    def lose(self, slot: Slot, reason: str) -> None:
        """Kills the actor of a held slot and starts another."""
        with self._changed:
            if self._closed:
                return
            self._replace(slot, reason)
            # Whole machines are lost, too: a call shall not spend its attempts on their actors.
            for other in self._slots:
                if other.free:
                    self._ping(other)
            self._changed.notify_all()

    def close(self) -> None:
        """Kills all actors."""
        with self._changed:
            self._closed = True
            for slot in self._slots:
                self._kill(slot)
            self._changed.notify_all()

    def _look_after(self, slot: Slot) -> None:
        """Starts what is due, and sees whether a ping was answered."""
        if slot.handle is None and not slot.held and time.monotonic() >= slot.retry_at:
            self._start_actor(slot)
        if slot.ping is None:
            return
        try:
            if self.ray.wait([slot.ping], timeout=0)[0]:
                self.ray.get(slot.ping, timeout=READ_SECONDS)
                slot.ping, slot.started, slot.failed_starts = None, True, 0
            elif time.monotonic() > slot.ping_deadline:
                self._fail_ping(slot, f"not ready within {self._start_timeout:g} s")
        except Exception as error:
            self._fail_ping(slot, first_line(error))

    def _fail_ping(self, slot: Slot, reason: str) -> None:
        if slot.started:
            self._replace(slot, reason)
        else:
            self._fail_start(slot, reason)

    def _replace(self, slot: Slot, reason: str) -> None:
        _log.warning("an actor is replaced: %s", reason)
        self.lost += 1
        self._kill(slot)
        self._start_actor(slot)

    def _start_actor(self, slot: Slot) -> None:
        slot.held = slot.started = False
        try:
            self.check()
            slot.handle = self._start()
            self._ping(slot)
        except Exception as error:
            self._fail_start(slot, first_line(error))

    def _ping(self, slot: Slot) -> None:
        slot.ping = slot.handle.ready.remote()
        slot.ping_deadline = time.monotonic() + self._start_timeout

    def _fail_start(self, slot: Slot, reason: str) -> None:
        self._kill(slot)
        self._why_none = reason
        self.lost += 1
        slot.failed_starts += 1
        pause = min(MAX_PAUSE_SECONDS, 2.0**slot.failed_starts)
        slot.retry_at = time.monotonic() + pause
        _log.warning("an actor did not start: %s; tried again in %g s", reason, pause)

    def _kill(self, slot: Slot) -> None:
        handle, slot.handle, slot.ping = slot.handle, None, None
        if handle is not None and self.ray.is_initialized():
            try:
                self.ray.kill(handle)
            except Exception as error:
                _log.debug("an actor could not be killed: %s", error)


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
