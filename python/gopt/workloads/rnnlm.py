"""A recurrent language model: stacked LSTM layers unrolled over the steps, a softmax at each.

After Jozefowicz et al. 2016, "Exploring the Limits of Language Modeling" (arXiv 1602.02410, figure
1a), which the placement papers call RNNLM. Layer l at step t needs layer l - 1 at step t and
layer l at step t - 1: a grid that layers on different devices work through like a pipeline.

Our choices: 2048 units a layer and as many in the embedding, no projections, 10,000 words (those of
the Penn treebank) with a full softmax, 64 sequences of 40 words. With 2, 4, 8 layers that is
108, 175, 310 M parameters.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import nn

from gopt.workloads.lstm import LstmCell, State
from gopt.workloads.sizes import sizes_of
from gopt.workloads.workload import Workload


@dataclasses.dataclass(frozen=True)
class RnnlmOptions:
    """Sizes of model and step.

    Attributes:
      layers: LSTM layers; the model has its name from them, rnnlm2.
      hidden: width of the embedding, of every layer's output and cell.
      vocabulary: words; embedding and softmax have weights of their own.
      batch: sequences.
      steps: words of a sequence, all unrolled.
      dropout: on what goes into each layer.
    """

    layers: int = 2
    hidden: int = 2048
    vocabulary: int = 10000
    batch: int = 64
    steps: int = 40
    dropout: float = 0.0


class Rnnlm(nn.Module):
    """Mean cross entropy of the next word."""

    def __init__(self, options: RnnlmOptions) -> None:
        super().__init__()
        self.embedding = nn.Embedding(options.vocabulary, options.hidden)
        self.layers = nn.ModuleList(
            LstmCell(options.hidden, options.hidden, options.dropout) for _ in range(options.layers)
        )
        self.softmax = nn.Linear(options.hidden, options.vocabulary)
        self.loss = nn.CrossEntropyLoss()

    def forward(self, words: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """words, targets: int64 [batch, steps]; gives a scalar."""
        states: list[State | None] = [None] * len(self.layers)
        losses = []
        # unbind, not [:, t]: its gradient is one stack instead of a full-size tensor a step.
        for x, wanted in zip(self.embedding(words).unbind(1), targets.unbind(1), strict=True):
            for i, layer in enumerate(self.layers):
                x, states[i] = layer(x, state=states[i])
            losses.append(self.loss(self.softmax(x), wanted))
        return torch.stack(losses).mean()


def workload(device: str = "meta", **options: int | float) -> Workload:
    """A training step with Adam; `options` as in RnnlmOptions."""
    sizes = sizes_of(RnnlmOptions, options)
    with torch.device(device):
        model = Rnnlm(sizes)
        words = torch.randint(sizes.vocabulary, (sizes.batch, sizes.steps))
        targets = torch.randint(sizes.vocabulary, (sizes.batch, sizes.steps))
    return Workload(f"rnnlm{sizes.layers}", model, (words, targets))
