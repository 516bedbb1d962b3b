"""What a workload is: a model, its inputs at real shapes, and how it is trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclasses.dataclass(frozen=True)
class Workload:
    """Everything `gopt.capture` needs.

    Attributes:
      name: of the graph; `gopt.workloads.make` gives it the entry's.
      model: the module; on "meta" (shapes only) unless made with another device.
      example_inputs: positional arguments of the model.
      loss: as for `gopt.capture`; None: the model gives its loss.
      targets: further arguments of the loss.
      optimizer: as for `gopt.capture`.
    """

    name: str
    model: nn.Module
    example_inputs: tuple[torch.Tensor, ...]
    loss: Callable[..., torch.Tensor] | None = None
    targets: tuple[torch.Tensor, ...] = ()
    optimizer: str | None = "adam"

    def capture(self, **options: Any) -> Any:
        """Captures it; `options` override arguments of `gopt.capture`."""
        from gopt.capture.step import capture

        arguments = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if options.get("train") is False:
            arguments |= {"loss": None, "optimizer": None, "targets": ()}
        return capture(**{**arguments, **options})
