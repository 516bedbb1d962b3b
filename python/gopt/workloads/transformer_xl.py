"""Transformer-XL (Dai et al. 2019, arXiv 1901.02860): segments with a memory of the one before.

Layer l reads its own input in segment s and, without a gradient, its input in segment s - 1
(section 3.2), with relative positions (section 3.3). One step runs several segments one after the
other: one alone is a chain, several are a grid of layers and segments.

Our choices: layers of width 512 with 8 heads and 2048 units between, 32,000 words with a full
softmax, embedding and softmax untied, 4 segments of 128 words of 32 texts; the first segment has no
memory. With 2, 4, 8 layers that is 40, 46, 60 M parameters.
"""

from __future__ import annotations

import dataclasses
import math

import torch
import torch.nn.functional as F
from torch import nn

from gopt.workloads.micro_batches import check_divides
from gopt.workloads.sizes import sizes_of
from gopt.workloads.workload import Workload


@dataclasses.dataclass(frozen=True)
class TransformerXlOptions:
    """Sizes of model and step.

    Attributes:
      layers: of attention and feed-forward network.
      width: of embedding and layers; a multiple of heads, and even.
      heads: of an attention.
      feed_forward: units between the two products of a feed-forward network.
      vocabulary: words; embedding and softmax have weights of their own.
      batch: texts.
      segments: of a text, run one after the other.
      length: words of a segment, and of its memory.
      dropout: on embeddings, positions, attention's weights and what a layer adds.
    """

    layers: int = 2
    width: int = 512
    heads: int = 8
    feed_forward: int = 2048
    vocabulary: int = 32000
    batch: int = 32
    segments: int = 4
    length: int = 128
    dropout: float = 0.1

    def __post_init__(self) -> None:
        check_divides("heads", self.heads, "width", self.width)
        if self.width % 2:
            raise ValueError(f"width {self.width} is odd; positions are sines and as many cosines")


class RelativeAttention(nn.Module):
    """softmax((q + u) k' + (q + v) r' shifted) over memory and segment, causal; r of positions."""

    def __init__(self, options: TransformerXlOptions) -> None:
        super().__init__()
        width, self.heads = options.width, options.heads
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.position = nn.Linear(width, width, bias=False)
        self.project = nn.Linear(width, width, bias=False)
        per_head = (self.heads, 1, width // self.heads)
        self.content_bias = nn.Parameter(torch.zeros(per_head))  # u
        self.position_bias = nn.Parameter(torch.zeros(per_head))  # v
        self.dropout = nn.Dropout(options.dropout)

    def forward(
        self, x: torch.Tensor, context: torch.Tensor, positions: torch.Tensor
    ) -> torch.Tensor:
        """What the segment x [batch, length, width] finds, of the same shape.

        Args:
          x: the segment.
          context: memory and segment, [batch, keys, width].
          positions: sines of the distances keys - 1, ..., 0; [keys, width].
        """
        length, keys = x.shape[1], context.shape[1]
        query = self._by_head(self.query(x))  # [batch, heads, length, d]
        key, value = map(self._by_head, self.key_value(context).chunk(2, -1))
        distance = self._by_head(self.position(positions)[None])  # [1, heads, keys, d]
        content = (query + self.content_bias) @ key.transpose(2, 3)
        place = (query + self.position_bias) @ distance.transpose(2, 3)
        scores = (content + _shifted(place)) / math.sqrt(query.shape[-1])
        future = torch.ones(length, keys, dtype=torch.bool, device=x.device)
        scores = scores.masked_fill(future.triu(1 + keys - length), float("-inf"))
        mixed = self.dropout(scores.softmax(-1)) @ value
        return self.project(mixed.transpose(1, 2).flatten(2))

    def _by_head(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, words, width] to [batch, heads, words, width / heads]."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


def _shifted(scores: torch.Tensor) -> torch.Tensor:
    """From scores by distance to scores by key (appendix B of the paper).

    Row i of [..., rows, keys] moves left by rows - 1 - i; what comes in from the right is in the
    future and must be masked. A column of zeros in front, and rows and columns counted anew.
    """
    *front, rows, keys = scores.shape
    padded = F.pad(scores, (1, 0)).view(*front, keys + 1, rows)
    return padded[..., 1:, :].reshape(*front, rows, keys)


class Layer(nn.Module):
    """norm(x + attention(x)), then norm(x + feed_forward(x))."""

    def __init__(self, options: TransformerXlOptions) -> None:
        super().__init__()
        self.attention = RelativeAttention(options)
        self.norm1 = nn.LayerNorm(options.width)
        self.feed_forward = nn.Sequential(
            nn.Linear(options.width, options.feed_forward),
            nn.ReLU(),
            nn.Dropout(options.dropout),
            nn.Linear(options.feed_forward, options.width),
        )
        self.norm2 = nn.LayerNorm(options.width)
        self.dropout = nn.Dropout(options.dropout)

    def forward(
        self, x: torch.Tensor, memory: torch.Tensor | None, positions: torch.Tensor
    ) -> torch.Tensor:
        """x and memory: [batch, length, width]; positions as for RelativeAttention."""
        context = x if memory is None else torch.cat([memory, x], 1)
        x = self.norm1(x + self.dropout(self.attention(x, context, positions)))
        return self.norm2(x + self.dropout(self.feed_forward(x)))


class TransformerXl(nn.Module):
    """Mean cross entropy of the next word, over all segments."""

    def __init__(self, options: TransformerXlOptions) -> None:
        super().__init__()
        self.options = options
        self.embedding = nn.Embedding(options.vocabulary, options.width)
        self.dropout = nn.Dropout(options.dropout)
        self.layers = nn.ModuleList(Layer(options) for _ in range(options.layers))
        self.softmax = nn.Linear(options.width, options.vocabulary)
        self.loss = nn.CrossEntropyLoss()
        self.register_buffer("positions", _sines(2 * options.length, options.width))

    def forward(self, words: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """words, targets: int64 [batch, segments * length]; gives a scalar."""
        memory: list[torch.Tensor | None] = [None] * len(self.layers)
        losses = []
        parts = self.options.segments
        for some, wanted in zip(words.chunk(parts, 1), targets.chunk(parts, 1), strict=True):
            x, memory = self.segment(some, memory)
            losses.append(self.loss(self.softmax(x).flatten(0, 1), wanted.flatten()))
        return torch.stack(losses).mean()

    def segment(
        self, words: torch.Tensor, memory: list[torch.Tensor | None]
    ) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
        """One segment, int64 [batch, length]: last layer's output, and what each layer read."""
        x = self.dropout(self.embedding(words))
        inputs: list[torch.Tensor | None] = []
        for layer, before in zip(self.layers, memory, strict=True):
            inputs.append(x.detach())
            keys = x.shape[1] + (0 if before is None else before.shape[1])
            x = layer(x, before, self.positions[-keys:])
        return self.dropout(x), inputs


def _sines(length: int, width: int) -> torch.Tensor:
    """Sines and cosines of the distances length - 1, ..., 0; [length, width]."""
    distances = torch.arange(length - 1, -1, -1.0)
    rates = 10000 ** -torch.arange(0, 1, 2 / width)
    angles = distances[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)


def workload(device: str = "meta", **options: int | float) -> Workload:
    """A training step with Adam; `options` as in TransformerXlOptions."""
    sizes = sizes_of(TransformerXlOptions, options)
    with torch.device(device):
        model = TransformerXl(sizes)
        shape = (sizes.batch, sizes.segments * sizes.length)
        words = torch.randint(sizes.vocabulary, shape)
        targets = torch.randint(sizes.vocabulary, shape)
    return Workload(f"txl{sizes.layers}", model, (words, targets))
