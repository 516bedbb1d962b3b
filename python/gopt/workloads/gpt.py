"""A decoder-only Transformer language model (Vaswani et al. 2017, Radford et al. 2019: pre-norm).

The step runs the batch as micro-batches through the same weights, so that devices that hold
different layers can work at the same time; gradients of the micro-batches are summed.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import nn

from gopt.workloads.attention import Block, FeedForward, SelfAttention
from gopt.workloads.micro_batches import check_divides, mean_loss
from gopt.workloads.sizes import sizes_of
from gopt.workloads.workload import Workload


@dataclasses.dataclass(frozen=True)
class GptOptions:
    """Sizes of model and step; the defaults are GPT-medium like: 184 M parameters.

    Attributes:
      layers, width, heads, feed_forward: of the decoder blocks; 64 numbers per head.
      vocabulary: tokens; the embedding is also the output projection (tied).
      batch, sequence: of the whole step; batch is a multiple of micro_batches.
      micro_batches: parts that the batch is run in.
      dropout: on embeddings and residual branches, none inside attention.
      fused_attention: one attention op (as FlashAttention), else products and softmax.
    """

    layers: int = 12
    width: int = 1024
    heads: int = 16
    feed_forward: int = 4096
    vocabulary: int = 32000
    batch: int = 16
    sequence: int = 512
    micro_batches: int = 4
    dropout: float = 0.1
    fused_attention: bool = True

    def __post_init__(self) -> None:
        check_divides("heads", self.heads, "width", self.width)
        check_divides("micro_batches", self.micro_batches, "batch", self.batch)


class Gpt(nn.Module):
    """Mean cross entropy of the next token, over all micro-batches."""

    def __init__(self, options: GptOptions) -> None:
        super().__init__()
        self.options = options
        self.tokens = nn.Embedding(options.vocabulary, options.width)
        self.positions = nn.Embedding(options.sequence, options.width)
        self.dropout = nn.Dropout(options.dropout)
        self.blocks = nn.ModuleList(self._block(options) for _ in range(options.layers))
        self.norm = nn.LayerNorm(options.width)
        self.head = nn.Linear(options.width, options.vocabulary, bias=False)
        self.head.weight = self.tokens.weight
        self.loss = nn.CrossEntropyLoss()

    @staticmethod
    def _block(options: GptOptions) -> Block:
        return Block(
            options.width,
            SelfAttention(options.width, options.heads, True, options.fused_attention),
            FeedForward(options.width, options.feed_forward),
            options.dropout,
        )

    def forward(self, tokens: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """tokens, targets: int64 [batch, sequence]; gives a scalar."""
        return mean_loss(self.micro_batch, self.options.micro_batches, tokens, targets)

    def micro_batch(self, tokens: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Loss of one part of the batch; [batch / micro_batches, sequence] each."""
        where = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.dropout(self.tokens(tokens) + self.positions(where))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))  # [part, sequence, vocabulary]
        return self.loss(logits.flatten(0, 1), targets.flatten())


def workload(device: str = "meta", **options: int | float | bool) -> Workload:
    """A training step with Adam; `options` as in GptOptions."""
    sizes = sizes_of(GptOptions, options)
    with torch.device(device):
        model = Gpt(sizes)
        tokens = torch.randint(sizes.vocabulary, (sizes.batch, sizes.sequence))
        targets = torch.randint(sizes.vocabulary, (sizes.batch, sizes.sequence))
    return Workload("gpt", model, (tokens, targets))
