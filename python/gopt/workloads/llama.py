"""A decoder with root-mean-square norms, rotary positions, SwiGLU and grouped-query attention.

Touvron et al. 2023, "LLaMA" (arXiv 2302.13971), with grouped-query attention (Ainslie et al. 2023,
arXiv 2305.13245); the default sizes are those of Llama 3.2 1B (Grattafiori et al. 2024, arXiv
2407.21783): 1,236 M parameters, the output projection tied to the embedding. The stretching of
rotary frequencies for contexts beyond 8,192 is left out: it changes numbers, not the graph.
"""

from __future__ import annotations

import dataclasses

import torch
import torch.nn.functional as F
from torch import nn

from gopt.workloads.micro_batches import check_divides, mean_loss
from gopt.workloads.sizes import sizes_of
from gopt.workloads.workload import Workload


@dataclasses.dataclass(frozen=True)
class LlamaOptions:
    """Sizes of model and step.

    Attributes:
      layers, width: of the decoder.
      heads: of the queries; width / heads numbers each.
      key_heads: heads of keys and values, each shared by heads / key_heads queries.
      feed_forward: width inside the gated feed-forward layers.
      vocabulary: tokens; the embedding is also the output projection (tied).
      rotary_base: slowest wave length of the positions, over 2 pi.
      batch, sequence: of the whole step; batch is a multiple of micro_batches.
      micro_batches: parts that the batch is run in.
    """

    layers: int = 16
    width: int = 2048
    heads: int = 32
    key_heads: int = 8
    feed_forward: int = 8192
    vocabulary: int = 128256
    rotary_base: float = 500000.0
    batch: int = 4
    sequence: int = 1024
    micro_batches: int = 4

    def __post_init__(self) -> None:
        check_divides("heads", self.heads, "width", self.width)
        check_divides("key_heads", self.key_heads, "heads", self.heads)
        check_divides("micro_batches", self.micro_batches, "batch", self.batch)


class Rotary(nn.Module):
    """Turns pairs of numbers by angles that grow with the position (Su et al. 2021, 2104.09864)."""

    def __init__(self, options: LlamaOptions) -> None:
        super().__init__()
        size = options.width // options.heads
        waves = options.rotary_base ** (-torch.arange(0, size, 2, dtype=torch.float32) / size)
        angles = torch.outer(torch.arange(options.sequence, dtype=torch.float32), waves)
        cos, sin = angles.cos(), angles.sin()
        self.register_buffer("cos", torch.cat([cos, cos], 1), persistent=False)  # [sequence, size]
        self.register_buffer("sin", torch.cat([-sin, sin], 1), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, heads, sequence, size] to the same."""
        left, right = x.chunk(2, -1)
        return x * self.cos + torch.cat([right, left], -1) * self.sin


class GroupedQueryAttention(nn.Module):
    """Causal attention in which several query heads read the same keys and values.

    Queries, keys and values are one matrix product; positions turn queries and keys at once.
    """

    def __init__(self, options: LlamaOptions) -> None:
        super().__init__()
        self.heads, self.key_heads = options.heads, options.key_heads
        self.size = options.width // options.heads
        few = options.key_heads * self.size
        self.qkv = nn.Linear(options.width, options.width + 2 * few, bias=False)
        self.project = nn.Linear(options.width, options.width, bias=False)

    def forward(self, x: torch.Tensor, rotary: Rotary) -> torch.Tensor:
        """[batch, length, width] to the same."""
        split = self.qkv(x).unflatten(2, (-1, self.size)).transpose(1, 2)
        turned, v = split.split([self.heads + self.key_heads, self.key_heads], 1)
        q, k = rotary(turned).split([self.heads, self.key_heads], 1)
        k, v = self._repeat(k), self._repeat(v)  # each [batch, heads, length, size]
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.project(mixed.transpose(1, 2).flatten(2))

    def _repeat(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, key_heads, length, size] to [batch, heads, length, size]."""
        groups = self.heads // self.key_heads
        return x.unsqueeze(2).expand(-1, -1, groups, -1, -1).flatten(1, 2)


class GatedFeedForward(nn.Module):
    """SwiGLU (Shazeer 2020, 2002.05202): down(silu(gate(x)) * up(x))."""

    def __init__(self, options: LlamaOptions) -> None:
        super().__init__()
        self.gate = nn.Linear(options.width, options.feed_forward, bias=False)
        self.up = nn.Linear(options.width, options.feed_forward, bias=False)
        self.down = nn.Linear(options.feed_forward, options.width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class LlamaBlock(nn.Module):
    """x + attention(norm(x)), then x + feed_forward(norm(x))."""

    def __init__(self, options: LlamaOptions) -> None:
        super().__init__()
        self.norm1 = nn.RMSNorm(options.width, eps=1e-5)
        self.attention = GroupedQueryAttention(options)
        self.norm2 = nn.RMSNorm(options.width, eps=1e-5)
        self.feed_forward = GatedFeedForward(options)

    def forward(self, x: torch.Tensor, rotary: Rotary) -> torch.Tensor:
        x = x + self.attention(self.norm1(x), rotary)
        return x + self.feed_forward(self.norm2(x))


class Llama(nn.Module):
    """Mean cross entropy of the next token, over all micro-batches."""

    def __init__(self, options: LlamaOptions) -> None:
        super().__init__()
        self.options = options
        self.tokens = nn.Embedding(options.vocabulary, options.width)
        self.rotary = Rotary(options)
        self.blocks = nn.ModuleList(LlamaBlock(options) for _ in range(options.layers))
        self.norm = nn.RMSNorm(options.width, eps=1e-5)
        self.head = nn.Linear(options.width, options.vocabulary, bias=False)
        self.head.weight = self.tokens.weight
        self.loss = nn.CrossEntropyLoss()

    def forward(self, tokens: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """tokens, targets: int64 [batch, sequence]; gives a scalar."""
        return mean_loss(self.micro_batch, self.options.micro_batches, tokens, targets)

    def micro_batch(self, tokens: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Loss of one part of the batch; [batch / micro_batches, sequence] each."""
        x = self.tokens(tokens)
        for block in self.blocks:
            x = block(x, self.rotary)
        return self.loss(self.head(self.norm(x)).flatten(0, 1), targets.flatten())


def workload(device: str = "meta", **options: int | float) -> Workload:
    """A training step with Adam; `options` as in LlamaOptions."""
    sizes = sizes_of(LlamaOptions, options)
    with torch.device(device):
        model = Llama(sizes)
        tokens = torch.randint(sizes.vocabulary, (sizes.batch, sizes.sequence))
        targets = torch.randint(sizes.vocabulary, (sizes.batch, sizes.sequence))
    return Workload("llama", model, (tokens, targets))
