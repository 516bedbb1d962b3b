"""A decoder with mixtures of experts: GShard (Lepikhin et al. 2020, arXiv 2006.16668, algorithm 1).

Every second block sends each token to two of its experts. Tokens are moved by dense products with
one-hot tensors [tokens, experts, capacity], so that no shape depends on data; what an expert has no
room for is dropped, the residual branch carries it on.
"""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import nn

from gopt.workloads.attention import Block, FeedForward, SelfAttention
from gopt.workloads.micro_batches import check_divides, mean_loss
from gopt.workloads.sizes import sizes_of
from gopt.workloads.workload import Workload


@dataclasses.dataclass(frozen=True)
class MoeOptions:
    """Sizes of model and step; the defaults give 369 M parameters, of which a token uses 168 M.

    Attributes:
      layers, width, heads, feed_forward: of the decoder; every second layer has experts.
      experts: in such a layer, each a feed-forward network of its own.
      capacity_factor: room of an expert, as a multiple of what even routing would fill.
      balance: weight of the loss that keeps routing even.
      vocabulary: tokens; the embedding is also the output projection (tied).
      batch, sequence: of the whole step; batch is a multiple of micro_batches.
      micro_batches: parts that the batch is run in; tokens are routed within a part.
      dropout: on embeddings and residual branches, none inside attention.
    """

    layers: int = 8
    width: int = 1024
    heads: int = 16
    feed_forward: int = 4096
    experts: int = 8
    capacity_factor: float = 1.25
    balance: float = 0.01
    vocabulary: int = 32000
    batch: int = 8
    sequence: int = 512
    micro_batches: int = 4
    dropout: float = 0.1

    def __post_init__(self) -> None:
        check_divides("heads", self.heads, "width", self.width)
        check_divides("micro_batches", self.micro_batches, "batch", self.batch)
        if self.experts < 2:
            raise ValueError(f"{self.experts} experts: a token goes to two of them")

    @property
    def capacity(self) -> int:
        """Tokens that one expert has room for, of one part of the batch."""
        tokens = self.batch // self.micro_batches * self.sequence
        return math.ceil(2 * self.capacity_factor * tokens / self.experts)


class Router(nn.Module):
    """Two experts for each token, and a place in each; equations of algorithm 1 in matrix form."""

    def __init__(self, options: MoeOptions) -> None:
        super().__init__()
        self.experts = options.experts
        self.capacity = options.capacity
        self.scores = nn.Linear(options.width, options.experts, bias=False)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """x [tokens, width]; gives weights [tokens, experts, capacity] and the balance loss."""
        chances = self.scores(x).softmax(-1)  # [tokens, experts]
        first = self._largest(chances)
        second = self._largest(chances * (1 - first))
        balance = self.experts * (chances.mean(0) * first.mean(0)).sum()
        kept = chances * (first + second)
        shares = kept / kept.sum(-1, keepdim=True)
        queue1 = first.cumsum(0) - first  # tokens before this one, per expert
        queue2 = second.cumsum(0) - second + first.sum(0)
        weights = self._placed(shares, first, queue1) + self._placed(shares, second, queue2)
        return weights, balance

    def _largest(self, chances: torch.Tensor) -> torch.Tensor:
        """One-hot [tokens, experts] of each row's largest."""
        each = torch.arange(self.experts, device=chances.device)
        return (chances.argmax(-1, keepdim=True) == each).to(chances.dtype)

    def _placed(
        self, shares: torch.Tensor, chosen: torch.Tensor, queue: torch.Tensor
    ) -> torch.Tensor:
        """[tokens, experts, capacity]: the share, at the token's place; 0 where no room is left."""
        places = torch.arange(self.capacity, device=queue.device)
        place = ((queue * chosen).sum(-1, keepdim=True) == places).to(shares.dtype)
        return torch.einsum("te,tc->tec", shares * chosen, place)


class Experts(nn.Module):
    """Feed-forward networks, of which each token is run through two."""

    def __init__(self, options: MoeOptions) -> None:
        super().__init__()
        self.router = Router(options)
        self.experts = nn.ModuleList(
            FeedForward(options.width, options.feed_forward) for _ in range(options.experts)
        )

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """[batch, length, width] to the same, and the balance loss."""
        tokens = x.flatten(0, 1)
        weights, balance = self.router(tokens)
        sent = (weights > 0).to(x.dtype)
        inputs = torch.einsum("tec,tw->ecw", sent, tokens)
        outputs = [expert(some) for expert, some in zip(self.experts, inputs, strict=True)]
        return torch.einsum("tec,ecw->tw", weights, torch.stack(outputs)).view_as(x), balance


class ExpertBlock(Block):
    """A block whose feed-forward layer is a mixture of experts; gives the balance loss too."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = x + self.dropout(self.attention(self.norm1(x)))
        mixed, balance = self.feed_forward(self.norm2(x))
        return x + self.dropout(mixed), balance


class MixtureOfExperts(nn.Module):
    """Mean cross entropy of the next token plus the balance losses, over all micro-batches."""

    def __init__(self, options: MoeOptions) -> None:
        super().__init__()
        self.options = options
        self.tokens = nn.Embedding(options.vocabulary, options.width)
        self.positions = nn.Embedding(options.sequence, options.width)
        self.dropout = nn.Dropout(options.dropout)
        self.blocks = nn.ModuleList(self._block(options, i) for i in range(options.layers))
        self.norm = nn.LayerNorm(options.width)
        self.head = nn.Linear(options.width, options.vocabulary, bias=False)
        self.head.weight = self.tokens.weight
        self.loss = nn.CrossEntropyLoss()

    @staticmethod
    def _block(options: MoeOptions, layer: int) -> Block:
        attention = SelfAttention(options.width, options.heads, causal=True)
        if layer % 2:
            return ExpertBlock(options.width, attention, Experts(options), options.dropout)
        dense = FeedForward(options.width, options.feed_forward)
        return Block(options.width, attention, dense, options.dropout)

    def forward(self, tokens: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """tokens, targets: int64 [batch, sequence]; gives a scalar."""
        return mean_loss(self.micro_batch, self.options.micro_batches, tokens, targets)

    def micro_batch(self, tokens: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Loss of one part of the batch; [batch / micro_batches, sequence] each."""
        where = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.dropout(self.tokens(tokens) + self.positions(where))
        balances = []
        for block in self.blocks:
            if isinstance(block, ExpertBlock):
                x, balance = block(x)
                balances.append(balance)
            else:
                x = block(x)
        loss = self.loss(self.head(self.norm(x)).flatten(0, 1), targets.flatten())
        return loss + self.options.balance * sum(balances)


def workload(device: str = "meta", **options: int | float) -> Workload:
    """A training step with Adam; `options` as in MoeOptions."""
    sizes = sizes_of(MoeOptions, options)
    with torch.device(device):
        model = MixtureOfExperts(sizes)
        tokens = torch.randint(sizes.vocabulary, (sizes.batch, sizes.sequence))
        targets = torch.randint(sizes.vocabulary, (sizes.batch, sizes.sequence))
    return Workload("moe", model, (tokens, targets))
