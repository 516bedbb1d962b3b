"""Where ops run again, and which bytes are alive meanwhile, as rows of a linear program."""

from __future__ import annotations

import dataclasses
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
            ends = backward[:1] or [max((self.places[r][-1] for r in self.readers[i]), default=i)]
            places = list(range(i + 1, min(ends[0], item.latest) + 1))
            if places:
                self.places[i] = places
        self.needed = {  # Somebody reads the copy for sure.
            i for i in self.places if any(tape.items[w].backward for w in tape.items[i].waiters)
        }
        self.droppable: set[int] = set()  # Only the copy need be made: no other kernel waits.
        for i in sorted(self.places, reverse=True):
            forward = [w for w in tape.items[i].waiters if not tape.items[w].backward]
            if self.droppable.issuperset(forward):
                self.droppable.add(i)
        self.done: dict[tuple[int, int], int] = {}
        self.first: dict[int, int] = {}  # Variables of the droppable: whether the first is made.

    @property
    def num_places(self) -> int:
        return sum(len(places) for places in self.places.values())

    def add_to(self, program: Program) -> None:
        """Its cost is the time beyond `fixed_time`, times `weight`, and 1 for each copy: of plans
        that take the same time the one with the fewest copies is best."""
        for i in sorted(self.places):
            for t in self.places[i]:
                cost = self.tape.items[i].time * self.weight + 1
                self.done[i, t] = program.add_binary(cost if t == self.places[i][-1] else 0)
        for i in sorted(self.places):
            for t in self.places[i][1:]:
                _row_at_least(program, {self.done[i, t]: 1.0}, {self.done[i, t - 1]: 1.0})
            if i not in self.needed:
                _row_at_least(program, _sum(self.runs(j) for j in self.readers[i]), self.runs(i))
            for j in self.readers[i]:
                self._follow(program, i, j)
        for i in sorted(self.droppable, reverse=True):
            self._add_first(program, i)

    @property
    def weight(self) -> int:
        return len(self.places) + 1

    @property
    def fixed_time(self) -> int:
        """Nanoseconds of the kernels that run in any case."""
        items = enumerate(self.tape.items)
        return sum(item.time for i, item in items if i not in self.droppable)

    def steps(self, values: list[float]) -> list[tuple[int, int]]:
        """What runs, in order."""
        absent = {i for i, variable in self.first.items() if values[variable] < 0.5}
        found = [(i, i) for i in range(len(self.tape.items)) if i not in absent]
        for i, places in self.places.items():
            place = next((t for t in places if values[self.done[i, t]] > 0.5), None)
            if place is not None:
                found.append((place, i))
        return sorted(found)

    def made(self, i: int) -> Terms:
        """Whether the item runs at its own place."""
        return {self.first[i]: 1.0} if i in self.droppable else {_ONE: 1.0}

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

    def _add_first(self, program: Program, i: int) -> None:
        """The first is made if there is no copy, or exactly if another first value needs it."""
        item = self.tape.items[i]
        self.first[i] = program.add_binary(item.time * self.weight)
        once = _difference({_ONE: 1.0}, self.runs(i))
        readers = [self.made(w) for w in item.waiters if not self.tape.items[w].backward]
        for terms in [once, *readers]:
            _row_at_least(program, self.made(i), terms)
        _row_at_least(program, _sum([once, *readers]), self.made(i))

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
        self.known: dict[tuple, Terms] = {}  # Variables for the largest of some sums.

    def bound(self, limit: int) -> None:
        """At most `limit` bytes while any kernel or copy runs."""
        for step in self._steps():
            if self.tape.items[step[1]].time > 0:
                self._bound_step(step, limit)

    def _steps(self) -> Iterator[tuple[int, int]]:
        at: dict[int, list[int]] = {}
        for i in sorted(self.copies.places):
            for t in self.copies.places[i]:
                at.setdefault(t, []).append(i)
        for t in range(len(self.tape.items)):
            yield from ((t, i) for i in at.get(t, ()))
            yield t, t

    def _bound_step(self, step: tuple[int, int], limit: int) -> None:
        t, c = step
        runs = self.copies.made(t) if c == t else self._runs_here(step)
        parts = [(self.tape.items[c].scratch, _Largest([runs], True))]
        for i in range(t + (c == t)):
            for storage in self.tape.items[i].storages:
                parts.append((storage.bytes, self._first_copy(i, storage, step)))
                if i in self.copies.places:
                    parts.append((storage.bytes, self._second_copy(i, storage, step)))
        parts = [(size, largest) for size, largest in parts if size and largest.sums]
        most = self.tape.persistent + sum(size for size, _ in parts)
        if most <= limit:
            return
        alive: Terms = {_ONE: float(self.tape.persistent)}
        for size, largest in parts:
            _add(alive, self._variable(largest), size)
        if self.instant and _ONE not in runs:
            # What does not run has no instant, nor may the steps before it have one.
            _add(alive, _difference({_ONE: 1.0}, runs), -float(most))
        scale = _SCALE / max(1, limit)
        constant = alive.pop(_ONE, 0.0)
        terms = {variable: value * scale for variable, value in alive.items()}
        self.program.add_row(terms, upper=(limit - constant) * scale)

    def _first_copy(self, i: int, storage: Storage, step: tuple[int, int]) -> _Largest:
        """Whether the storage of the kernel itself is alive."""
        made = self.copies.made(i)
        if storage.kept or step == (i, i):
            return _Largest([made], True)
        again = self.copies.runs(i)
        later = [r for r in storage.readers if r >= step[0]]
        backward = [r for r in later if self.tape.items[r].backward]
        reads = [self.copies.made(r) for r in later if r not in backward]
        if backward:
            reads.append(_difference({_ONE: 1.0}, again))
        if {_ONE: 1.0} in reads:
            return _Largest([{_ONE: 1.0}], True)
        if not backward:
            copies = (self.copies.runs_from(j, step) for j in self._copy_readers(storage))
            reads += [_difference(terms, again) for terms in copies if terms]
        return _Largest(reads, not again or bool(backward))

    def _second_copy(self, i: int, storage: Storage, step: tuple[int, int]) -> _Largest:
        """Whether the storage of the op's copy is alive."""
        ran = self.copies.runs_until(i, step)
        if not ran:
            return _Largest([], True)
        if any(r >= step[0] and self.tape.items[r].backward for r in storage.readers):
            return _Largest([ran], True)
        own = self._runs_here(step) if step[1] == i else {}
        readers = self._copy_readers(storage)
        later = [terms for j in readers if (terms := self.copies.runs_from(j, step))]
        if not later:
            return _Largest([own] if own else [], True)
        reads = [_difference(_sum([ran, terms]), {_ONE: 1.0}) for terms in later]
        if i not in self.copies.needed and readers == self.copies.readers[i]:
            # Some reader follows: it has run already, or it is still to come.
            before = _sum(self.copies.runs_before(j, step) for j in readers)
            reads.append(_difference(ran, before))
        return _Largest([own, *reads] if own else reads, False)

    def _runs_here(self, step: tuple[int, int]) -> Terms:
        """Whether the copy of this step runs in it."""
        item = step[1]
        return _difference(self.copies.runs_until(item, step), self.copies.runs_before(item, step))

    def _copy_readers(self, storage: Storage) -> list[int]:
        return [r for r in storage.readers if r in self.copies.places]

    def _variable(self, largest: _Largest) -> Terms:
        if largest.non_negative and len(largest.sums) == 1:
            return largest.sums[0]
        key = tuple(sorted(tuple(sorted(terms.items())) for terms in largest.sums))
        if key not in self.known:
            variable = self.program.add_fraction()
            self.known[key] = {variable: 1.0}
            for terms in largest.sums:
                _row_at_least(self.program, {variable: 1.0}, terms)
        return self.known[key]


@dataclasses.dataclass(frozen=True)
class _Largest:
    """The largest of some sums and 0; the sums are never below 0 if non_negative."""

    sums: list[Terms]
    non_negative: bool


def _add(into: Terms, terms: Terms, factor: float = 1.0) -> None:
    for variable, value in terms.items():
        total = into.get(variable, 0.0) + factor * value
        if total:
            into[variable] = total
        else:
            into.pop(variable, None)


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
    program.add_row(terms, lower=-constant)
