"""What `gopt.capture` raises, and how torch's own errors are put into words."""

from __future__ import annotations

import dataclasses
import linecache
import os
import re
import traceback

import torch
from torch import fx

from gopt.errors import GoptError

_TORCH_DIR = os.path.dirname(os.path.abspath(torch.__file__))
_OWN_DIR = os.path.dirname(os.path.abspath(__file__))
_PYTHON_DIR = os.path.dirname(os.path.abspath(os.__file__))


class CaptureError(GoptError):
    """A model (or what was passed with it) cannot be captured.

    Attributes:
      construct: what stands in the way, such as "data-dependent control flow".
      advice: what to do about it, one sentence.
      location: "file.py:12: source line" of the user's code, or "" where unknown.
    """

    code = "INVALID_ARGUMENT"

    def __init__(self, construct: str, detail: str, advice: str, location: str = "") -> None:
        self.construct = construct
        self.advice = advice
        self.location = location
        where = f"\n  at {location}" if location else ""
        super().__init__(f"cannot capture {construct}: {detail}{where}\n  What to do: {advice}")


def explain(error: BaseException) -> CaptureError:
    """Puts an exception of tracing into words; a CaptureError comes back unchanged."""
    if isinstance(error, CaptureError):
        return error
    name, text = type(error).__name__, _first_line(error)
    location = _user_location(error)
    for known in _KNOWN:
        if known.matches(error):
            if known is _CONTROL_FLOW and not _branches(location):
                known = _ITEM
            return CaptureError(known.construct, f"{name}: {text}", known.advice, location)
    return CaptureError(
        "the model",
        f"it raised {name} while traced without data: {text}",
        "check that model(*example_inputs) and the loss run; move what is not tensor code "
        "(logging, I/O, ctypes) out of forward",
        location,
    )


def no_gradient(detail: str) -> CaptureError:
    """No parameter has a gradient."""
    return CaptureError(_NO_GRADIENT.construct, detail, _NO_GRADIENT.advice)


def is_definite(error: BaseException) -> bool:
    """True where no other way of tracing can help (the cause is in the model, and known)."""
    return isinstance(error, CaptureError) or any(known.matches(error) for known in _KNOWN)


@dataclasses.dataclass(frozen=True)
class _Known:
    """An error of torch that has a known meaning: by exception type, or by text."""

    construct: str
    advice: str
    types: tuple[str, ...] = ()
    text: str = r"(?!)"  # matches nothing

    def matches(self, error: BaseException) -> bool:
        return type(error).__name__ in self.types or bool(re.search(self.text, str(error), re.I))


_CONTROL_FLOW = _Known(
    "data-dependent control flow",
    "replace the branch by torch.where, or decide it outside of forward "
    "(LayerDrop: layerdrop=0); a graph has one shape",
    (
        "DataDependentOutputException",
        "GuardOnDataDependentSymNode",
        "PendingUnbackedSymbolNotFound",
    ),
    r"Dynamic control flow is not supported",
)
_ITEM = _Known(
    "a tensor's value read in Python (.item(), int(), float(), bool(), .tolist())",
    "keep the value a tensor (drop .item()), or compute it before the step and pass a number",
)
_NO_GRADIENT = _Known(
    "a loss that does not depend on any parameter",
    "look for .detach(), torch.no_grad() or integer arithmetic between parameters and loss",
    (),
    r"element 0 of tensors does not require grad",
)
_KNOWN = (
    _CONTROL_FLOW,
    _Known(
        "a shape that depends on data (nonzero, boolean-mask indexing, unique)",
        "use operators of fixed shape: torch.where(mask, x, 0), a multiplication by the mask, topk",
        ("DynamicOutputShapeException",),
    ),
    _Known(
        "a conversion to numpy inside the model",
        "use the torch operator of the same meaning, or a torch.library.custom_op with a fake",
        (),
        r"\.numpy\(\) is not supported|(can't convert|cannot convert).*numpy|numpy.*FakeTensor",
    ),
    _Known(
        "an operator without a fake (shape-only) implementation",
        "register one with torch.library.register_fake, see the PyTorch custom operators manual",
        ("UnsupportedOperatorException", "UnsupportedFakeTensorException"),
        r"no fake impl|could not run .*'Meta' backend|data_ptr.*(fake|not allocated)",
    ),
    _Known(
        "an operator without a derivative",
        "register one with torch.library.register_autograd, or capture with train=False",
        (),
        r"derivative for .* is not implemented|no autograd formula|Trying to backward through",
    ),
    _Known(
        "reentrant activation checkpointing",
        "pass use_reentrant=False to torch.utils.checkpoint, or do without: a plan decides what is "
        "recomputed",
        (),
        r"When use_reentrant=True",
    ),
    _NO_GRADIENT,
    _Known(
        "a graph break",
        "move the call named above out of forward, or wrap it as a torch.library.custom_op",
        ("Unsupported",),
        r"graph break",
    ),
)


def _branches(location: str) -> bool:
    line = location.partition(": ")[2]
    return bool(re.search(r"\b(if|elif|while|assert|for|and|or|not)\b", line))


def _first_line(error: BaseException) -> str:
    for line in str(error).splitlines():
        if line.strip():
            return line.strip()[:300]
    return type(error).__name__


def _user_location(error: BaseException) -> str:
    """The innermost frame that is neither torch's, nor Python's, nor ours."""
    best = ""
    for frame in traceback.extract_tb(error.__traceback__):
        path = os.path.abspath(frame.filename)
        if frame.filename.startswith("<") or path.startswith((_TORCH_DIR, _OWN_DIR)):
            continue
        if path.startswith(_PYTHON_DIR):
            continue
        best = _describe(frame.filename, frame.lineno or 0)
    return best or _location_in_text(str(error))


def _location_in_text(text: str) -> str:
    """torch quotes 'File "x.py", line 3' for errors raised while a graph is run again."""
    for line in reversed(text.splitlines()):
        part = line.strip()
        if part.startswith("File ") and ", line " in part:
            path = part.split('"')[1] if '"' in part else ""
            number = part.split(", line ")[1].split(",")[0]
            if path and number.isdigit() and not os.path.abspath(path).startswith(_TORCH_DIR):
                return _describe(path, int(number))
    return ""


def _describe(path: str, line: int) -> str:
    source = linecache.getline(path, line).strip()
    return f"{os.path.basename(path)}:{line}: {source}" if source else f"{path}:{line}"


def line_of(node: fx.Node) -> str:
    """The user's source line that made a node, as torch noted it; "" where it did not."""
    lines = [line.strip() for line in (node.meta.get("stack_trace") or "").splitlines()]
    files = [i for i, line in enumerate(lines) if line.startswith("File ")]
    if not files:
        return ""
    text = lines[files[-1]]
    code = lines[files[-1] + 1] if files[-1] + 1 < len(lines) else ""
    return f"{text.split(chr(34))[1]}:{text.split('line ')[1].split(',')[0]}: {code}"
