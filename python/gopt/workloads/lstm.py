"""One step of a long short-term memory layer, op by op, as the unrolled models call it."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

# What a layer carries from one step to the next: output and cell, [batch, hidden] each.
State = tuple[torch.Tensor, torch.Tensor]


class LstmCell(nn.Module):
    """c' = s(f) c + s(i) tanh(g), h' = s(o) tanh(c'), with [i f g o] = [x h] W + b.

    Inputs and previous output are concatenated, so that a step has one matrix product, as in
    TensorFlow's BasicLSTMCell, on which the paper's language models and GNMT ran. No peepholes.

    Args:
      inputs: width of all inputs of a step together.
      hidden: width of output and cell.
      dropout: on the inputs, not on the recurrence (Zaremba et al. 2014, arXiv 1409.2329).
      residual: the first input, of width `hidden`, is added to what the layer gives.
    """

    def __init__(
        self, inputs: int, hidden: int, dropout: float = 0.0, residual: bool = False
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.residual = residual
        self.weight = nn.Parameter(torch.empty(inputs + hidden, 4 * hidden))
        self.bias = nn.Parameter(torch.zeros(4 * hidden))
        bound = 1 / math.sqrt(hidden)
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(
        self, *inputs: torch.Tensor, state: State | None = None
    ) -> tuple[torch.Tensor, State]:
        """One step: what the next layer reads, [batch, hidden], and the state for the next step.

        Args:
          *inputs: [batch, width] each.
          state: of the step before; None: zeros.
        """
        output, cell = self.start(inputs[0]) if state is None else state
        seen = inputs
        if self.dropout > 0:
            seen = tuple(F.dropout(x, self.dropout, self.training) for x in inputs)
        gates = torch.cat([*seen, output], 1) @ self.weight + self.bias  # [batch, 4 hidden]
        write, keep, new, read = gates.chunk(4, 1)
        cell = torch.sigmoid(keep) * cell + torch.sigmoid(write) * torch.tanh(new)
        output = torch.sigmoid(read) * torch.tanh(cell)
        return (output + inputs[0] if self.residual else output), (output, cell)

    def start(self, like: torch.Tensor) -> State:
        """Zeros for the batch, dtype and device of a tensor."""
        zeros = like.new_zeros(like.shape[0], self.bias.shape[0] // 4)
        return zeros, zeros
