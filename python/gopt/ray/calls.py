"""Calls to the actors of a pool: each is answered, or given up after the last of its attempts."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gopt.ray.actor import Answer
from gopt.ray.pool import READ_SECONDS, NoActorsError, Pool, Slot, first_line

# How soon a caller sees that another one gave an actor back, or that one is ready.
POLL_SECONDS = 0.02
# A caller that needs no further actor waits in slices, to hear signals.
WAIT_SECONDS = 0.5


@dataclass(eq=False)
class Call:
    """Plans to price in one go; `places` are theirs in the caller's list."""

    places: list[int]
    attempts: int = 0


@dataclass(eq=False)
class Caller:
    """What a run needs to know of who calls.

    `ask(handle, call, with_problem)` begins a call and gives Ray's reference to its Answer.
    """

    ask: Callable[[Any, Call, bool], Any]
    answered: Callable[[Call, Answer], None]
    given_up: Callable[[Call, str], None]
    timeout: float  # Seconds for each attempt; may be infinite.
    retries: int


@dataclass(eq=False)
class _Flight:
    call: Call
    slot: Slot
    deadline: float


class Run:
    """The calls of one caller, from one thread."""

    def __init__(self, pool: Pool, caller: Caller, calls: Iterable[Call]) -> None:
        self._pool = pool
        self._caller = caller
        self._waiting = deque(calls)
        self._flights: dict[Any, _Flight] = {}

    def finish(self) -> None:
        """Ends when each call was answered or given up. Raises only what interrupts it."""
        try:
            while self._waiting or self._flights:
                self._pool.check()
                self._take_off()
                for ref in self._landed():
                    self._read(ref)
                self._end_late()
        except NoActorsError as error:
            for call in [*self._waiting, *(flight.call for flight in self._flights.values())]:
                self._caller.given_up(call, str(error))
        finally:
            for flight in self._flights.values():
                self._pool.lose(flight.slot, "its caller was interrupted")

    def _take_off(self) -> None:
        """Gives waiting calls to free actors."""
        while self._waiting:
            slot = self._pool.acquire(0.0 if self._flights else POLL_SECONDS)
            if slot is None:
                return
            self._ask(slot, self._waiting.popleft(), with_problem=False)

    def _ask(self, slot: Slot, call: Call, with_problem: bool) -> None:
        try:
            ref = self._caller.ask(slot.handle, call, with_problem)
        except Exception as error:  # Ray was shut down, or the pool closed.
            self._lose(_Flight(call, slot, 0.0), first_line(error))
            return
        self._flights[ref] = _Flight(call, slot, time.monotonic() + self._caller.timeout)

    def _landed(self) -> list[Any]:
        """Calls that ended, after waiting a while for the first."""
        if not self._flights:
            return []
        left = min(f.deadline for f in self._flights.values()) - time.monotonic()
        seconds = max(0.0, min(left, POLL_SECONDS if self._waiting else WAIT_SECONDS))
        refs = list(self._flights)
        try:
            return self._pool.ray.wait(refs, num_returns=1, timeout=seconds)[0]
        except Exception:  # Ray was shut down: reading each says so.
            return refs

    def _read(self, ref: Any) -> None:
        flight = self._flights.pop(ref)
        try:
            answer = self._pool.ray.get(ref, timeout=READ_SECONDS)
        except Exception as error:
            self._lose(flight, first_line(error))
            return
        except BaseException:
            self._flights[ref] = flight
            raise
        if answer.unbound:
            self._ask(flight.slot, flight.call, with_problem=True)
        else:
            self._pool.release(flight.slot)
            self._caller.answered(flight.call, answer)

    def _end_late(self) -> None:
        now = time.monotonic()
        for ref in [ref for ref, flight in self._flights.items() if flight.deadline <= now]:
            self._lose(self._flights.pop(ref), f"no answer within {self._caller.timeout:g} s")

    def _lose(self, flight: _Flight, reason: str) -> None:
        self._pool.lose(flight.slot, reason)
        call, attempts = flight.call, flight.call.attempts + 1
        if attempts > self._caller.retries:
            self._caller.given_up(call, f"given up after {attempts} attempts: {reason}")
            return
        # One by one, so that a plan that ends actors does not take others with it.
        groups = [[place] for place in call.places] or [[]]
        self._waiting.extendleft(Call(group, attempts) for group in reversed(groups))
