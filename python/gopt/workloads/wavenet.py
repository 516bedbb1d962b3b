"""WaveNet (van den Oord et al. 2016, arXiv 1609.03499, figure 4): dilated causal convolutions.

Stacks of layers whose dilation doubles from 1; each layer adds to a residual path, from which the
next one reads, and to a skip path, from which the next sample is predicted as one of 256 classes.

Each layer also reads features of what is to be said at every sample (local conditioning).

Our choices: stacks of 9 layers, 256 channels everywhere, 80 features (bands of a mel spectrogram)
that come at the rate of the samples, 8 clips of half a second at 16 kHz as one batch. With 2, 4
stacks that is 8, 16 M parameters.
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
class WavenetOptions:
    """Sizes of model and step.

    Attributes:
      stacks: of layers; dilations start again at 1 in each.
      layers: of a stack.
      channels: of the residual path and inside a layer.
      skip: channels of the skip path.
      features: given at every sample.
      classes: values that a sample can have.
      batch: clips; a multiple of micro_batches.
      samples: of a clip.
      micro_batches: parts that the batch is run in.
    """

    stacks: int = 2
    layers: int = 9
    channels: int = 256
    skip: int = 256
    features: int = 80
    classes: int = 256
    batch: int = 8
    samples: int = 8000
    micro_batches: int = 1

    def __post_init__(self) -> None:
        check_divides("micro_batches", self.micro_batches, "batch", self.batch)


class Layer(nn.Module):
    """z = tanh(W_f * x + V_f y) s(W_g * x + V_g y), then x + A z and B z (section 2.5).

    Args:
      options: channel numbers.
      dilation: distance of the two samples that an output reads.
      last: nobody reads the residual path any more.
    """

    def __init__(self, options: WavenetOptions, dilation: int, last: bool) -> None:
        super().__init__()
        channels = options.channels
        self.dilation = dilation
        self.filter = nn.Conv1d(channels, channels, 2, dilation=dilation)
        self.gate = nn.Conv1d(channels, channels, 2, dilation=dilation)
        self.filter_features = nn.Conv1d(options.features, channels, 1)
        self.gate_features = nn.Conv1d(options.features, channels, 1)
        self.skip = nn.Conv1d(channels, options.skip, 1)
        self.residual = None if last else nn.Conv1d(channels, channels, 1)

    def forward(
        self, x: torch.Tensor, features: torch.Tensor, skipped: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The next layer's input, and the sum on the skip path with this layer's part.

        Args:
          x: [clips, channels, samples].
          features: [clips, features, samples].
          skipped: the sum so far, [clips, skip, samples]; None: nothing yet.
        """
        past = F.pad(x, (self.dilation, 0))
        filtered = torch.tanh(self.filter(past) + self.filter_features(features))
        gate = torch.sigmoid(self.gate(past) + self.gate_features(features))
        z = filtered * gate
        part = self.skip(z)
        x = x if self.residual is None else x + self.residual(z)
        return x, part if skipped is None else skipped + part


class Wavenet(nn.Module):
    """Mean cross entropy of the next sample."""

    def __init__(self, options: WavenetOptions) -> None:
        super().__init__()
        self.options = options
        dilations = [2**i for i in range(options.layers)] * options.stacks
        self.embedding = nn.Embedding(options.classes, options.channels)
        self.layers = nn.ModuleList(
            Layer(options, dilation, last=i == len(dilations) - 1)
            for i, dilation in enumerate(dilations)
        )
        self.hidden = nn.Conv1d(options.skip, options.channels, 1)
        self.softmax = nn.Conv1d(options.channels, options.classes, 1)
        self.loss = nn.CrossEntropyLoss()

    def logits(self, samples: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """int64 [clips, samples], [clips, features, samples] to [clips, classes, samples]."""
        x = self.embedding(samples).transpose(1, 2)
        skipped = None
        for layer in self.layers:
            x, skipped = layer(x, features, skipped)
        return self.softmax(F.relu(self.hidden(F.relu(skipped))))

    def forward(
        self, samples: torch.Tensor, features: torch.Tensor, targets: torch.Tensor
    ) -> torch.Tensor:
        """int64 [batch, samples], [batch, features, samples], int64 [batch, samples] to a scalar.

        The targets are the samples, one earlier.
        """
        return mean_loss(
            lambda some, known, wanted: self.loss(self.logits(some, known), wanted),
            self.options.micro_batches,
            samples,
            features,
            targets,
        )


def workload(device: str = "meta", **options: int) -> Workload:
    """A training step with Adam; `options` as in WavenetOptions."""
    sizes = sizes_of(WavenetOptions, options)
    with torch.device(device):
        model = Wavenet(sizes)
        samples = torch.randint(sizes.classes, (sizes.batch, sizes.samples))
        features = torch.rand(sizes.batch, sizes.features, sizes.samples)
        targets = torch.randint(sizes.classes, (sizes.batch, sizes.samples))
    return Workload(f"wavenet{sizes.stacks}", model, (samples, features, targets))
