"""Where ops run again, and which bytes are alive meanwhile, as rows of a linear program."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator

from gopt.milp.program import Program
from gopt.milp.tape import Storage, Tape

# A sum of variables and a constant, by variable; _ONE is the constant's key.
Terms = dict[int, float]
_ONE = -1
# Rows of bytes are in parts of the limit times this, so that HiGHS's tolerances mean under a byte.
_SCALE = 1e4


class Copies:
    """Who may run again, and where: variables D(i, t), whether i has run again by place t, the sum
    of B(i, t') up to t. A search that decides on these halves what is left.

    A step is (t, c): the copy of the item at position c that runs just before the kernel at
    position t, or (t, t) for that kernel itself. Steps compare like times, since copies are of
    earlier kernels (c < t).
    """

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.places: dict[int, list[int]] = {}  # By position of the item, ascending.
        self.readers: dict[int, list[int]] = {}  # Items that may run again and wait for it.
        for i, item in reversed(list(enumerate(tape.items))):
            if item.again is None:
                continue
            backward = [w for w in item.waiters if tape.items[w].backward]
            self.readers[i] = [w for w in item.waiters if w in self.places]
            if backward:
                self.places[i] = list(range(i + 1, min(backward) + 1))
            elif self.readers[i]:
                last = max(self.places[reader][-1] for reader in self.readers[i])
                self.places[i] = list(range(i + 1, last + 1))
        self.needed = {  # Somebody reads the copy for sure.
            i for i in self.places if any(tape.items[w].backward for w in tape.items[i].waiters)
        }
        self.done: dict[tuple[int, int], int] = {}

    @property
    def num_places(self) -> int:
        return sum(len(places) for places in self.places.values())

    def add_to(self, program: Program) -> None:
        for i in sorted(self.places):
            for t in self.places[i]:
                last = t == self.places[i][-1]
                self.done[i, t] = program.add_binary(self.tape.items[i].time if last else 0)
        for i in sorted(self.places):
            for t in self.places[i][1:]:
                _row_at_least(program, {self.done[i, t]: 1.0}, {self.done[i, t - 1]: 1.0})
            if i not in self.needed:
                _row_at_least(program, _sum(self.runs(j) for j in self.readers[i]), self.runs(i))
            for j in self.readers[i]:
                self._follow(program, i, j)

    def chosen(self, values: list[float]) -> list[tuple[int, int]]:
        """(position of the item, place) of each copy, in the order in which they run."""
        found = []
        for i, places in self.places.items():
            place = next((t for t in places if values[self.done[i, t]] > 0.5), None)
            if place is not None:
                found.append((i, place))
        return sorted(found, key=lambda copy: (copy[1], copy[0]))

    def runs(self, i: int) -> Terms:
        """Whether the item runs again at all."""
        return {self.done[i, self.places[i][-1]]: 1.0} if i in self.places else {}

    def runs_until(self, i: int, step: tuple[int, int]) -> Terms:
        """Whether its copy runs at or before the step."""
        t, c = step
        return self._runs_up_to(i, t if i <= c else t - 1)

    def runs_before(self, i: int, step: tuple[int, int]) -> Terms:
        """Whether its copy runs before the step."""
        t, c = step
        return self._runs_up_to(i, t if i < c else t - 1)

    def runs_from(self, i: int, step: tuple[int, int]) -> Terms:
        """Whether its copy runs at or after the step."""
        return _difference(self.runs(i), self.runs_before(i, step))

    def _runs_up_to(self, i: int, place: int) -> Terms:
        if i not in self.places or place < self.places[i][0]:
            return {}
        return {self.done[i, min(place, self.places[i][-1])]: 1.0}

    def _follow(self, program: Program, i: int, j: int) -> None:
        """A copy of j runs after that of i, if i runs again."""
        for t in self.places[j]:
            step = (t, j)
            pending = _difference(self.runs(i), self.runs_until(i, step))
            _row_at_least(program, {_ONE: 1.0}, _sum([pending, self.runs_until(j, step)]))


class AliveBytes:
    """Bytes at each step, bounded by rows of the program."""

    def __init__(self, tape: Tape, copies: Copies, program: Program) -> None:
        self.tape = tape
        self.copies = copies
        self.program = program
        self.instant = any(item.time == 0 for item in tape.items)
        sizes = (
            sum(storage.bytes for storage in item.storages) * (1 + (i in copies.places))
            for i, item in enumerate(tape.items)
        )
        self.made = list(itertools.accumulate(sizes))  # By all up to a position, and their copies.

    def bound(self, limit: int) -> None:
        """At most `limit` bytes while any kernel or copy runs."""
        for step in self._steps():
            t, c = step
            if self.tape.items[c].time > 0 and self._most(step) > limit:
                self._bound_step(step, limit, copy=c < t)

    def _steps(self) -> Iterator[tuple[int, int]]:
        at: dict[int, list[int]] = {}
        for i in sorted(self.copies.places):
            for t in self.copies.places[i]:
                at.setdefault(t, []).append(i)
        for t in range(len(self.tape.items)):
            yield from ((t, i) for i in at.get(t, ()))
            yield t, t

    def _most(self, step: tuple[int, int]) -> int:
        """Bytes if all that may be alive is."""
        return self.tape.persistent + self.made[step[0]] + self.tape.items[step[1]].scratch

    def _bound_step(self, step: tuple[int, int], limit: int, copy: bool) -> None:
        t, c = step
        alive: Terms = {_ONE: float(self.tape.persistent)}
        items = self.tape.items
        if copy:
            _add(alive, self._runs_here(step), items[c].scratch)
        else:
            alive[_ONE] += items[t].scratch
        for i in range(t + (not copy)):
            for storage in items[i].storages:
                if storage.bytes == 0:
                    continue
                _add(alive, self._first_copy(i, storage, step), storage.bytes)
                if i in self.copies.places:
                    _add(alive, self._second_copy(i, storage, step), storage.bytes)
        if copy and self.instant:
            # A copy that does not run has no instant, nor may the steps before it have one.
            most = self._most(step)
            _add(alive, _difference({_ONE: 1.0}, self._runs_here(step)), -float(most))
        scale = _SCALE / max(1, limit)
        constant = alive.pop(_ONE, 0.0)
        terms = {variable: value * scale for variable, value in alive.items() if value}
        self.program.add_row(terms, upper=(limit - constant) * scale)

    def _first_copy(self, i: int, storage: Storage, step: tuple[int, int]) -> Terms:
        """Whether the storage of the kernel itself is alive."""
        items = self.tape.items
        if storage.kept or step == (i, i) or _read_from(self._forward_readers(i, storage), step):
            return {_ONE: 1.0}
        again = self.copies.runs(i)
        if _read_from([r for r in storage.readers if items[r].backward], step):
            return _difference({_ONE: 1.0}, again)
        reads = [self.copies.runs_from(j, step) for j in self._copy_readers(storage)]
        return self._any([_difference(terms, again) for terms in reads if terms], exact=not again)

    def _second_copy(self, i: int, storage: Storage, step: tuple[int, int]) -> Terms:
        """Whether the storage of the op's copy is alive."""
        ran = self.copies.runs_until(i, step)
        backward = [r for r in storage.readers if self.tape.items[r].backward]
        if not ran or storage.kept or _read_from(backward, step):
            return ran
        own = self._runs_here(step) if step[1] == i else {}
        readers = self._copy_readers(storage)
        later = [terms for j in readers if (terms := self.copies.runs_from(j, step))]
        if not later:
            return own
        reads = [_difference(_sum([ran, terms]), {_ONE: 1.0}) for terms in later]
        if i not in self.copies.needed and readers == self.copies.readers[i]:
            # Some reader follows: it has run already, or it is still to come.
            before = _sum(self.copies.runs_before(j, step) for j in readers)
            reads.append(_difference(ran, before))
        return self._any([own, *reads] if own else reads, exact=False)

    def _runs_here(self, step: tuple[int, int]) -> Terms:
        """Whether the copy of this step runs in it."""
        item = step[1]
        return _difference(self.copies.runs_until(item, step), self.copies.runs_before(item, step))

    def _forward_readers(self, i: int, storage: Storage) -> list[int]:
        """Kernels that read the first copy whatever runs again."""
        if i not in self.copies.places:
            return storage.readers
        return [r for r in storage.readers if not self.tape.items[r].backward]

    def _copy_readers(self, storage: Storage) -> list[int]:
        return [r for r in storage.readers if r in self.copies.places]

    def _any(self, reads: list[Terms], exact: bool) -> Terms:
        """At least each of the sums, and at least 0."""
        if not reads:
            return {}
        if exact and len(reads) == 1:
            return reads[0]
        variable = self.program.add_fraction()
        for terms in reads:
            _row_at_least(self.program, {variable: 1.0}, terms)
        return {variable: 1.0}


def _read_from(readers: list[int], step: tuple[int, int]) -> bool:
    """Whether one of the kernels (ascending positions) runs at or after the step."""
    return bisect.bisect_left(readers, step[0]) < len(readers)


def _add(into: Terms, terms: Terms, factor: float = 1.0) -> None:
    for variable, value in terms.items():
        into[variable] = into.get(variable, 0.0) + factor * value


def _sum(sums: Iterable[Terms]) -> Terms:
    total: Terms = {}
    for terms in sums:
        _add(total, terms)
    return total


def _difference(more: Terms, less: Terms) -> Terms:
    result = dict(more)
    _add(result, less, -1.0)
    return result


def _row_at_least(program: Program, more: Terms, less: Terms) -> None:
    """more >= less"""
    terms = _difference(more, less)
    constant = terms.pop(_ONE, 0.0)
    program.add_row({v: value for v, value in terms.items() if value}, lower=-constant)
