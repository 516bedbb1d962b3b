"""The pool's books, with a stand-in for Ray."""

import pytest

from gopt.ray.pool import NoActorsError, Pool


class FakeRay:
    """Actors answer pings at once, unless they are broken; counts what is killed."""

    def __init__(self):
        self.up = True
        self.broken = False
        self.killed = []
        self.started = 0

    def start(self):
        self.started += 1
        ray, name = self, self.started

        class Ready:
            @staticmethod
            def remote():
                return name

        class Handle:
            ready = Ready

            def __repr__(self):
                return str(name)

        if ray.broken:
            raise RuntimeError("no room")
        return Handle()

    def is_initialized(self):
        return self.up

    def wait(self, refs, timeout):
        assert self.up, "Ray would begin a cluster of its own"
        return refs, []

    def get(self, ref, timeout):
        assert self.up
        if ref in self.killed:
            raise RuntimeError(f"{ref} died")
        return True

    def kill(self, handle):
        self.killed.append(int(repr(handle)))


@pytest.fixture
def fake() -> FakeRay:
    return FakeRay()


def test_an_actor_serves_one_caller_at_a_time(fake):
    pool = Pool(fake, fake.start, 2, 60)
    slots = [pool.acquire(0), pool.acquire(0)]
    assert len({id(slot) for slot in slots}) == 2
    assert pool.acquire(0) is None
    pool.release(slots[1])
    assert pool.acquire(0) is slots[1]


def test_a_lost_actor_is_replaced_and_the_others_are_asked(fake):
    """All actors of a machine that is gone are replaced before a call meets them."""
    pool = Pool(fake, fake.start, 3, 60)
    slot = pool.acquire(0)
    assert pool.acquire(0) is not None
    third = pool.acquire(0)
    pool.release(third)
    fake.killed.append(3)
    pool.lose(slot, "it died")
    assert [str(handle) for handle in pool.handles()] == ["4", "2", "3"]
    assert pool.acquire(0) is slot
    assert pool.acquire(0) is None  # Found dead now, and a new one begun.
    assert pool.acquire(0) is third
    assert [str(handle) for handle in pool.handles()] == ["4", "2", "5"]
    assert pool.lost == 2


def test_one_that_does_not_start_is_given_a_pause(fake):
    fake.broken = True
    pool = Pool(fake, fake.start, 1, 60)
    for _ in range(5):
        with pytest.raises(NoActorsError, match="no actor can be started: RuntimeError: no room"):
            pool.acquire(0)
    assert pool.lost == 1


def test_ray_that_was_shut_down_is_not_touched(fake):
    pool = Pool(fake, fake.start, 1, 60)
    slot = pool.acquire(0)
    fake.up = False
    with pytest.raises(NoActorsError, match="Ray was shut down"):
        pool.acquire(0)
    pool.lose(slot, "gone")
    pool.close()
    assert fake.killed == []


def test_nothing_starts_after_close(fake):
    pool = Pool(fake, fake.start, 2, 60)
    slot = pool.acquire(0)
    pool.close()
    pool.lose(slot, "its actor was killed")
    assert (fake.started, sorted(fake.killed)) == (2, [1, 2])
    with pytest.raises(NoActorsError, match="closed"):
        pool.acquire(0)
