"""What gopt raises. One exception type per family of status codes; `code` names the exact one."""

from __future__ import annotations


class GoptError(Exception):
    """Base of all errors of gopt.

    Attributes:
      code: The status code, "INVALID_ARGUMENT", "NOT_FOUND", ...
    """

    code: str = "UNKNOWN"


class InvalidArgumentError(GoptError, ValueError):
    """A value, file or spec breaks a rule; the message names it. Also: a name is taken."""

    code = "INVALID_ARGUMENT"


class InvalidGraphError(InvalidArgumentError):
    """A graph is malformed; the message names the file, the op and the rule."""


class NotFoundError(GoptError, LookupError):
    """No such file, op or registered name; the message lists the known names."""

    code = "NOT_FOUND"


class FailedPreconditionError(GoptError):
    """Contradictory constraints, a plan for another graph, something used too late."""

    code = "FAILED_PRECONDITION"


class ResourceExhaustedError(GoptError):
    """Nothing fits in memory, a limit is exceeded, or the disk is full."""

    code = "RESOURCE_EXHAUSTED"


class SearchExhausted(GoptError):
    """`Search.evaluate` after the budget is spent; a solver may let it through."""

    code = "CANCELLED"


_TYPES: dict[str, type[GoptError]] = {
    "INVALID_ARGUMENT": InvalidArgumentError,
    "OUT_OF_RANGE": InvalidArgumentError,
    "ALREADY_EXISTS": InvalidArgumentError,
    "NOT_FOUND": NotFoundError,
    "FAILED_PRECONDITION": FailedPreconditionError,
    "RESOURCE_EXHAUSTED": ResourceExhaustedError,
}


def from_status(code: str, message: str, about_graph: bool = False) -> GoptError:
    """The exception for a status of the C++ library."""
    kind = _TYPES.get(code, GoptError)
    if about_graph and kind is InvalidArgumentError:
        kind = InvalidGraphError
    error = kind(message)
    error.code = code
    return error
