"""The inner backend as bytes: a spec, a backend written in Python, or a function that makes one."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from types import ModuleType
from typing import Any

from gopt._core import CostBackend, backend_from_spec
from gopt.errors import InvalidArgumentError

Inner = str | CostBackend | Callable[[], CostBackend]


def pack_backend(inner: Inner, ray: ModuleType) -> bytes:
    """InvalidArgumentError if it cannot be sent."""

    class Pickler(ray.cloudpickle.Pickler):
        # Classes of a script or notebook travel by value, and their metaclass is in no module.
        def reducer_override(self, value: Any) -> Any:
            if value is type(CostBackend):
                return _metaclass, ()
            if isinstance(value, CostBackend) and _reduces_by_default(type(value)):
                return _new_backend, (type(value),), vars(value)
            return super().reducer_override(value)

    buffer = io.BytesIO()
    try:
        Pickler(buffer).dump(inner)
    except Exception as error:
        raise InvalidArgumentError(
            f"the cost backend {describe(inner)} cannot be sent to actors ({error}): give a spec, "
            "or a function that makes it there"
        ) from error
    return buffer.getvalue()


def unpack_backend(data: bytes) -> CostBackend:
    """Any exception that making the backend raises."""
    inner = pickle.loads(data)
    if isinstance(inner, str):
        return backend_from_spec(inner)
    backend = inner if isinstance(inner, CostBackend) else inner()
    if not isinstance(backend, CostBackend):
        raise TypeError(f"{describe(inner)} made a {type(backend).__name__}, not a CostBackend")
    return backend


def describe(inner: Inner) -> str:
    if isinstance(inner, str):
        return inner
    if isinstance(inner, CostBackend):
        return inner.name()
    return getattr(inner, "__name__", type(inner).__name__)


def _reduces_by_default(kind: type) -> bool:
    # A class of the C++ library has no __dict__ that would say it all.
    return (
        not kind.__module__.startswith("gopt._")
        and kind.__reduce__ is object.__reduce__
        and kind.__reduce_ex__ is object.__reduce_ex__
    )


def _metaclass() -> type:
    return type(CostBackend)


def _new_backend(kind: type[CostBackend]) -> CostBackend:
    backend = kind.__new__(kind)
    CostBackend.__init__(backend)
    return backend
