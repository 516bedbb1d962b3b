"""Keeps ops apart in compiled code: the same ops, by the same compiler, each a kernel of its own.

A mark behind each result makes Inductor write the tensor out, and no loop takes in ops from both
sides of a mark. What one op consists of (a softmax: maximum, sum, quotient) still fuses as it does
when the op is compiled alone.
"""

from __future__ import annotations

import bisect
import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch._inductor import choices, lowering
from torch._inductor.virtualized import V

_library = torch.library.Library("gopt", "DEF")
for _name in ("mark", "copy"):
    _library.define(f"{_name}(Tensor self) -> Tensor", tags=torch.Tag.pt2_compliant_tag)
    for _key in ("CPU", "Meta"):
        _library.impl(_name, torch.clone, _key)

MARK = torch.ops.gopt.mark.default
COPY = torch.ops.gopt.copy.default  # Also where a compiler would leave the copy out.
_ends: list[int] = []  # How many operations Inductor has made at each mark of this compilation.


@lowering.register_lowering(MARK, type_promotion_kind=None)
def _lower_mark(tensor: Any) -> Any:
    tensor.realize()
    _ends.append(len(V.graph.operations))
    return tensor


@lowering.register_lowering(COPY, type_promotion_kind=None)
def _lower_copy(tensor: Any) -> Any:
    return _lower_mark(lowering.clone(tensor))


def _part(node: Any) -> int:
    """Between which marks an operation ("op12", or several fused) stands."""
    first = min(int(name.removeprefix("op")) for name in node.get_operation_names())
    return bisect.bisect_right(_ends, first)


class _Apart(choices.InductorChoices):
    @staticmethod
    def can_fuse(scheduler: Any, node1: Any, node2: Any, shared_data_score: int) -> bool:
        if _ends and _part(node1) != _part(node2):
            return False
        return choices.InductorChoices.can_fuse(scheduler, node1, node2, shared_data_score)


@contextlib.contextmanager
def respected() -> Iterator[None]:
    """Compilations inside obey the marks of their graph; one without marks is as ever."""
    _ends.clear()
    with V.set_choices_handler(_Apart()):
        yield
