"""This process's connection to Ray, shared by all backends; ended by the last if gopt began it."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from gopt.errors import FailedPreconditionError

_lock = threading.Lock()
_users = 0
_ours = False


def join(address: str | None, options: Mapping[str, Any]) -> ModuleType:
    """The module ray, connected. Each call needs one of `leave`."""
    global _users, _ours
    ray = import_ray()
    with _lock:
        if ray.is_initialized():
            _check_address(ray, address)
        else:
            ray.init(address=address, **{"include_dashboard": False, **options})
            _users, _ours = 0, True
        _users += 1
    return ray


def leave(ray: ModuleType) -> None:
    global _users, _ours
    with _lock:
        _users -= 1
        if _users == 0 and _ours:
            _ours = False
            ray.shutdown()


def import_ray() -> ModuleType:
    try:
        ray = importlib.import_module("ray")
    except ImportError as error:
        raise FailedPreconditionError(
            f"gopt.ray needs the package ray ({error}): pip install 'gopt[ray]'"
        ) from error
    if not hasattr(ray, "init"):  # Any folder of that name on sys.path is a namespace package.
        raise FailedPreconditionError(
            f"gopt.ray needs the package ray, and {list(ray.__path__)} is not it: "
            "pip install 'gopt[ray]'"
        )
    return ray


def _check_address(ray: ModuleType, address: str | None) -> None:
    here = ray.get_runtime_context().gcs_address
    if address not in (None, "auto", here):
        raise FailedPreconditionError(
            f"address={address!r}: this process is connected to Ray at {here} already"
        )
