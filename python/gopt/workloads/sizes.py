"""Sizes that a caller asks a model for, checked before anything is built from them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from gopt.workloads.registry import unknown

OptionsT = TypeVar("OptionsT")


def sizes_of(kind: type[OptionsT], options: Mapping[str, Any]) -> OptionsT:
    """`kind(**options)`, where each value is such as its field's default.

    Whole numbers are at least 1, fractions finite and not negative, tuples hold whole numbers and
    may be given as lists.

    Args:
      kind: a dataclass whose fields all have defaults.
      options: some of its fields.

    Raises:
      TypeError: no such option; the message has those that come near, or all.
      ValueError: a value of another kind, or sizes that do not go together.
    """
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for name in options:
        if name not in defaults:
            raise TypeError(unknown(name, defaults, noun="option"))
    return kind(**{name: _like(defaults[name], name, value) for name, value in options.items()})


def _like(default: Any, name: str, value: Any) -> Any:
    if isinstance(default, bool):
        good, expected = isinstance(value, bool), "true or false"
    elif isinstance(default, int):
        good, expected = _is_count(value), "a whole number of at least 1"
    elif isinstance(default, float):
        good, expected = _is_fraction(value), "a number of at least 0"
    else:
        good = isinstance(value, (list, tuple)) and all(map(_is_count, value))
        expected = "a list of whole numbers of at least 1"
        value = tuple(value) if good else value
    if not good:
        raise ValueError(f"{name} is {value!r}, expected {expected}")
    return value


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_fraction(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value >= 0
