"""The block that Transformers of every kind share: pre-norm attention and feed-forward."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn


class SelfAttention(nn.Module):
    """softmax(Q K' / sqrt(d)) V with d = width / heads, several heads at once.

    Args:
      width, heads: of the model; width is a multiple of heads.
      causal: no position sees a later one.
      fused: one attention op (as FlashAttention), else products and softmax.
    """

    def __init__(self, width: int, heads: int, causal: bool, fused: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.fused = fused
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, length, width] to the same."""
        batch, length, width = x.shape
        split = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)  # each [batch, heads, length, d]
        if self.fused:
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        else:
            mixed = self._plain(q, k, v)
        return self.project(mixed.transpose(1, 2).reshape(batch, length, width))

    def _plain(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        length = q.shape[-2]
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # [batch, heads, length, length]
        if self.causal:
            future = torch.ones(length, length, dtype=torch.bool, device=q.device).triu(1)
            scores = scores.masked_fill(future, float("-inf"))
        return scores.softmax(-1) @ v


class QuickGelu(nn.Module):
    """x sigmoid(1.702 x), the approximation of GELU that CLIP was trained with."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(1.702 * x)


class FeedForward(nn.Sequential):
    """A linear layer to `hidden`, an activation, a linear layer back."""

    def __init__(self, width: int, hidden: int, activation: type[nn.Module] = nn.GELU) -> None:
        super().__init__(nn.Linear(width, hidden), activation(), nn.Linear(hidden, width))


class Block(nn.Module):
    """x + attention(norm(x)), then x + feed_forward(norm(x)).

    Args:
      width: of the model.
      attention, feed_forward: modules of [batch, length, width] to the same.
      dropout: on both branches.
      epsilon: of both norms.
    """

    def __init__(
        self,
        width: int,
        attention: nn.Module,
        feed_forward: nn.Module,
        dropout: float = 0.0,
        epsilon: float = 1e-5,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=epsilon)
        self.attention = attention
        self.norm2 = nn.LayerNorm(width, eps=epsilon)
        self.feed_forward = feed_forward
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.dropout(self.attention(self.norm1(x)))
        return x + self.dropout(self.feed_forward(self.norm2(x)))
