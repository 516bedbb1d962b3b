"""Small models with everything that capture has to get right."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


class Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(6, 8)
        self.outer = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.outer(torch.relu(self.inner(x)))


class ConvNet(nn.Module):
    """Grouped convolution, batch normalisation, slices, an in-place op, pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.grouped = nn.Conv2d(8, 8, 3, groups=4, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.last = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.grouped(self.first(x))))
        left, right = F.avg_pool2d(x, 2).chunk(2, 1)
        x = torch.cat([right, left], 1)
        x.add_(0.5)
        return self.last(x.mean((2, 3)))


class UnrolledLstm(nn.Module):
    """One cell, its weights read at every step."""

    def __init__(self, steps: int = 4) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(5, 7)
        self.head = nn.Linear(7, 3)
        self.steps = steps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = x.new_zeros(x.shape[1], 7)
        state = (hidden, hidden)
        for step in x.unbind(0):
            state = self.cell(step, state)
        return self.head(state[0])


class TiedTransformer(nn.Module):
    """Embedding and output projection share their weight."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(11, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(16, 11, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(self.tokens(tokens))).flatten(0, 1)


@dataclasses.dataclass
class Case:
    """A model with inputs, and the loss it is trained with."""

    model: nn.Module
    inputs: Any
    loss: Callable[..., torch.Tensor]
    targets: tuple[torch.Tensor, ...]


def mlp() -> Case:
    return Case(Mlp(), torch.randn(4, 6), F.cross_entropy, (torch.tensor([0, 1, 2, 0]),))


def convnet() -> Case:
    inputs = torch.randn(2, 3, 8, 8)
    return Case(ConvNet(), inputs, F.cross_entropy, (torch.tensor([4, 1]),))


def lstm() -> Case:
    inputs = torch.randn(4, 2, 5)
    return Case(UnrolledLstm(), inputs, F.mse_loss, (torch.randn(2, 3),))


def transformer() -> Case:
    tokens = torch.randint(11, (2, 6))
    return Case(TiedTransformer(), tokens, F.cross_entropy, (torch.randint(11, (12,)),))


CASES = {"mlp": mlp, "convnet": convnet, "lstm": lstm, "transformer": transformer}
