"""GNMT: translation by stacked LSTMs with attention (Wu et al. 2016, arXiv 1609.08144, figure 1).

The encoder's first layer reads the source in both directions; residual connections start at the
third layer of either side (section 3.1). The attention is a network with one hidden layer; what it
finds goes to every decoder layer, and it asks with the bottom decoder layer's previous output
(section 3, equation 4). So the bottom layer and the attention make one long chain, and the layers
above are a pipeline.

Our choices: 1024 units everywhere as in the paper, 32,000 word pieces on either side with weights
of their own, a full softmax at each step, 128 sentence pairs of 40 + 40 words, padded to equal
length. With 2, 4, 8 layers on either side that is 155, 197, 281 M parameters.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import nn

from gopt.workloads.lstm import LstmCell, State
from gopt.workloads.sizes import sizes_of
from gopt.workloads.workload import Workload


@dataclasses.dataclass(frozen=True)
class GnmtOptions:
    """Sizes of model and step.

    Attributes:
      layers: of the encoder, the bidirectional one counted as one, and of the decoder.
      hidden: width of embeddings, layers and attention.
      vocabulary: word pieces of either language.
      batch: sentence pairs.
      source, target: words of a sentence, all unrolled.
      dropout: on what goes into each layer.
    """

    layers: int = 2
    hidden: int = 1024
    vocabulary: int = 32000
    batch: int = 128
    source: int = 40
    target: int = 40
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.layers < 2:
            raise ValueError(f"layers is {self.layers}; GNMT has at least 2 on either side")


class Encoder(nn.Module):
    """Source words to one vector each; the first layer in both directions."""

    def __init__(self, options: GnmtOptions) -> None:
        super().__init__()
        hidden, dropout = options.hidden, options.dropout
        self.embedding = nn.Embedding(options.vocabulary, hidden)
        self.forwards = LstmCell(hidden, hidden, dropout)
        self.backwards = LstmCell(hidden, hidden, dropout)
        self.second = LstmCell(2 * hidden, hidden, dropout)
        self.upper = nn.ModuleList(
            LstmCell(hidden, hidden, dropout, residual=True) for _ in range(2, options.layers)
        )

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        """int64 [batch, source] to [batch, source, hidden]."""
        # unbind, not [:, t]: its gradient is one stack instead of a full-size tensor a step.
        xs = self.embedding(words).unbind(1)
        ahead = _unrolled(self.forwards, xs)
        back = _unrolled(self.backwards, xs[::-1])
        xs = _unrolled(self.second, ahead, back[::-1])
        for layer in self.upper:
            xs = _unrolled(layer, xs)
        return torch.stack(xs, 1)


def _unrolled(layer: LstmCell, *inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """What a layer gives at each step, from one or two inputs a step."""
    outputs, state = [], None
    for xs in zip(*inputs, strict=True):
        output, state = layer(*xs, state=state)
        outputs.append(output)
    return outputs


class Attention(nn.Module):
    """Weights softmax(g v' / |v| tanh(Q q + K k + b)) over the source.

    Additive attention (Bahdanau et al. 2014, arXiv 1409.0473) with normalised v, the form of the
    published GNMT implementations, which normalise at every step.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(hidden, hidden, bias=False)
        self.key = nn.Linear(hidden, hidden)
        self.score = nn.Parameter(torch.empty(hidden).uniform_(-1, 1))
        self.scale = nn.Parameter(torch.full((1,), hidden**-0.5))

    def forward(
        self, query: torch.Tensor, keys: torch.Tensor, memory: torch.Tensor
    ) -> torch.Tensor:
        """The context [batch, hidden].

        Args:
          query: [batch, hidden].
          keys: key(memory).
          memory: [batch, source, hidden].
        """
        score = self.scale * self.score / self.score.norm()
        scores = torch.tanh(keys + self.query(query).unsqueeze(1)) @ score
        weights = scores.softmax(1)  # [batch, source]
        return (weights.unsqueeze(1) @ memory).squeeze(1)


class Gnmt(nn.Module):
    """Mean cross entropy of the next target word."""

    def __init__(self, options: GnmtOptions) -> None:
        super().__init__()
        hidden = options.hidden
        self.encoder = Encoder(options)
        self.attention = Attention(hidden)
        self.embedding = nn.Embedding(options.vocabulary, hidden)
        self.decoder = nn.ModuleList(
            LstmCell(2 * hidden, hidden, options.dropout, residual=i >= 2)
            for i in range(options.layers)
        )
        self.softmax = nn.Linear(hidden, options.vocabulary)
        self.loss = nn.CrossEntropyLoss()

    def forward(
        self, source: torch.Tensor, target: torch.Tensor, wanted: torch.Tensor
    ) -> torch.Tensor:
        """int64 [batch, source], [batch, target], [batch, target]; gives a scalar."""
        memory = self.encoder(source)
        keys = self.attention.key(memory)
        query = memory.new_zeros(memory.shape[0], memory.shape[2])
        states: list[State | None] = [None] * len(self.decoder)
        losses = []
        for x, label in zip(self.embedding(target).unbind(1), wanted.unbind(1), strict=True):
            context = self.attention(query, keys, memory)
            for i, layer in enumerate(self.decoder):
                x, states[i] = layer(x, context, state=states[i])
            query = states[0][0]
            losses.append(self.loss(self.softmax(x), label))
        return torch.stack(losses).mean()


def workload(device: str = "meta", **options: int | float) -> Workload:
    """A training step with Adam; `options` as in GnmtOptions."""
    sizes = sizes_of(GnmtOptions, options)
    with torch.device(device):
        model = Gnmt(sizes)
        source, target, wanted = (
            torch.randint(sizes.vocabulary, (sizes.batch, length))
            for length in (sizes.source, sizes.target, sizes.target)
        )
    return Workload(f"gnmt{sizes.layers}", model, (source, target, wanted))
