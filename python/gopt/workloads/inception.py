"""Inception-v3 (Szegedy et al. 2015, "Rethinking the Inception Architecture", arXiv 1512.00567).

With batch normalisation and the auxiliary classifier; 27 M parameters at 1000 classes.
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
class InceptionOptions:
    """Sizes of model and step.

    Attributes:
      batch: images; a multiple of micro_batches.
      size: height and width of an image; at least 75, the paper's is 299.
      classes: of the classifier.
      width: factor on all channel numbers, 1.0 in the paper.
      auxiliary: with the second classifier, whose loss counts 0.4.
      dropout: before the classifier.
      micro_batches: parts that the batch is run in (statistics are per part).
    """

    batch: int = 32
    size: int = 299
    classes: int = 1000
    width: float = 1.0
    auxiliary: bool = True
    dropout: float = 0.5
    micro_batches: int = 1

    def __post_init__(self) -> None:
        check_divides("micro_batches", self.micro_batches, "batch", self.batch)
        if self.size < 75:
            raise ValueError(f"size {self.size} is below 75: the grid shrinks to nothing")

    def channels(self, number: int) -> int:
        """A channel number of the paper, scaled."""
        return max(1, round(number * self.width))


class Convolution(nn.Module):
    """Convolution without bias, batch normalisation, ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm(self.convolution(x)), inplace=True)


# A step of a branch: (output channels, kernel, stride, padding).
_Step = tuple[int, int | tuple[int, int], int, int | tuple[int, int]]


def _chain(options: InceptionOptions, inputs: int, *steps: _Step) -> nn.Sequential:
    layers = []
    for outputs, kernel, stride, padding in steps:
        width = options.channels(outputs)
        layers.append(Convolution(inputs, width, kernel, stride, padding))
        inputs = width
    return nn.Sequential(*layers)


def _one(outputs: int) -> _Step:
    return (outputs, 1, 1, 0)


def _three(outputs: int) -> _Step:
    return (outputs, 3, 1, 1)


def _half(outputs: int) -> _Step:
    return (outputs, 3, 2, 0)


def _row(outputs: int, length: int) -> _Step:
    return (outputs, (1, length), 1, (0, length // 2))


def _column(outputs: int, length: int) -> _Step:
    return (outputs, (length, 1), 1, (length // 2, 0))


class Mixed(nn.Module):
    """Branches over one input, their results concatenated along the channels.

    Args:
      branches: chains of convolutions.
      pool: what is done before the last branch: "average" (3x3), "max" (3x3, stride 2; then the
        pooled input is a branch itself).
    """

    def __init__(self, branches: list[nn.Module], pool: str) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.pool = pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.pool == "max":
            results = [branch(x) for branch in self.branches]
            return torch.cat([*results, F.max_pool2d(x, 3, 2)], 1)
        *branches, last = self.branches
        results = [branch(x) for branch in branches]
        return torch.cat([*results, last(F.avg_pool2d(x, 3, 1, 1))], 1)


class Split(nn.Module):
    """A chain whose result goes through a 1x3 and a 3x1 convolution, concatenated."""

    def __init__(self, options: InceptionOptions, inputs: int, *steps: _Step) -> None:
        super().__init__()
        self.chain = _chain(options, inputs, *steps)
        width = options.channels(steps[-1][0])
        self.row = _chain(options, width, _row(384, 3))
        self.column = _chain(options, width, _column(384, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.chain(x)
        return torch.cat([self.row(x), self.column(x)], 1)


def _grid35(options: InceptionOptions, inputs: int, pooled: int) -> Mixed:
    """Figure 5: 1x1, 5x5, double 3x3, pool; on the 35x35 grid."""
    return Mixed(
        [
            _chain(options, inputs, _one(64)),
            _chain(options, inputs, _one(48), (64, 5, 1, 2)),
            _chain(options, inputs, _one(64), _three(96), _three(96)),
            _chain(options, inputs, _one(pooled)),
        ],
        pool="average",
    )


def _to17(options: InceptionOptions, inputs: int) -> Mixed:
    """Figure 10: 35x35 to 17x17."""
    return Mixed(
        [
            _chain(options, inputs, _half(384)),
            _chain(options, inputs, _one(64), _three(96), _half(96)),
        ],
        pool="max",
    )


def _grid17(options: InceptionOptions, inputs: int, inner: int) -> Mixed:
    """Figure 6 with n = 7: factorised 7x7 convolutions on the 17x17 grid."""
    return Mixed(
        [
            _chain(options, inputs, _one(192)),
            _chain(options, inputs, _one(inner), _row(inner, 7), _column(192, 7)),
            _chain(
                options,
                inputs,
                _one(inner),
                _column(inner, 7),
                _row(inner, 7),
                _column(inner, 7),
                _row(192, 7),
            ),
            _chain(options, inputs, _one(192)),
        ],
        pool="average",
    )


def _to8(options: InceptionOptions, inputs: int) -> Mixed:
    """17x17 to 8x8."""
    return Mixed(
        [
            _chain(options, inputs, _one(192), _half(320)),
            _chain(options, inputs, _one(192), _row(192, 7), _column(192, 7), _half(192)),
        ],
        pool="max",
    )


def _grid8(options: InceptionOptions, inputs: int) -> Mixed:
    """Figure 7: expanded filter banks on the 8x8 grid."""
    return Mixed(
        [
            _chain(options, inputs, _one(320)),
            Split(options, inputs, _one(384)),
            Split(options, inputs, _one(448), _three(384)),
            _chain(options, inputs, _one(192)),
        ],
        pool="average",
    )


class Auxiliary(nn.Module):
    """The classifier on the 17x17 grid that helps training."""

    def __init__(self, options: InceptionOptions, inputs: int) -> None:
        super().__init__()
        self.reduce = _chain(options, inputs, _one(128))
        self.convolve = _chain(options, options.channels(128), (768, 5, 1, 2))
        self.classify = nn.Linear(options.channels(768), options.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.avg_pool2d(x, min(5, x.shape[-1]), 3)
        x = F.adaptive_avg_pool2d(self.convolve(self.reduce(x)), 1)
        return self.classify(x.flatten(1))


class Inception(nn.Module):
    """Mean cross entropy of both classifiers; in eval mode without targets the logits."""

    def __init__(self, options: InceptionOptions) -> None:
        super().__init__()
        self.options = options
        wide = options.channels
        self.stem1 = _chain(options, 3, _half(32), (32, 3, 1, 0), _three(64))
        self.stem2 = _chain(options, wide(64), _one(80), (192, 3, 1, 0))
        width35 = [2 * wide(64) + wide(96) + wide(pooled) for pooled in (32, 64, 64)]
        self.grid35 = nn.Sequential(
            _grid35(options, wide(192), 32),
            _grid35(options, width35[0], 64),
            _grid35(options, width35[1], 64),
        )
        self.to17 = _to17(options, width35[2])
        width17 = [wide(384) + wide(96) + width35[2], *[4 * wide(192)] * 4]
        self.grid17 = nn.Sequential(
            *[_grid17(options, width17[i], inner) for i, inner in enumerate((128, 160, 160, 192))]
        )
        self.auxiliary = Auxiliary(options, width17[4]) if options.auxiliary else None
        self.to8 = _to8(options, width17[4])
        width8 = wide(320) + wide(192) + width17[4]
        final = wide(320) + 4 * wide(384) + wide(192)
        self.grid8 = nn.Sequential(_grid8(options, width8), _grid8(options, final))
        self.dropout = nn.Dropout(options.dropout)
        self.classify = nn.Linear(final, options.classes)
        self.loss = nn.CrossEntropyLoss()

    def logits(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """[images, 3, size, size] to [images, classes], of both classifiers."""
        x = F.max_pool2d(self.stem1(images), 3, 2)
        x = F.max_pool2d(self.stem2(x), 3, 2)
        x = self.grid17(self.to17(self.grid35(x)))
        extra = self.auxiliary(x) if self.auxiliary is not None and self.training else None
        x = F.adaptive_avg_pool2d(self.grid8(self.to8(x)), 1)
        return self.classify(self.dropout(x.flatten(1))), extra

    def forward(self, images: torch.Tensor, targets: torch.Tensor | None = None) -> torch.Tensor:
        """images [batch, 3, size, size], targets int64 [batch]; gives a scalar."""
        if targets is None:
            return self.logits(images)[0]
        return mean_loss(self.micro_batch, self.options.micro_batches, images, targets)

    def micro_batch(self, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Loss of one part of the batch; that of the second classifier counts 0.4."""
        main, extra = self.logits(images)
        loss = self.loss(main, targets)
        return loss if extra is None else loss + 0.4 * self.loss(extra, targets)


def workload(device: str = "meta", **options: int | float | bool) -> Workload:
    """A training step with SGD and momentum; `options` as in InceptionOptions."""
    sizes = sizes_of(InceptionOptions, options)
    with torch.device(device):
        model = Inception(sizes)
        images = torch.rand(sizes.batch, 3, sizes.size, sizes.size)
        targets = torch.randint(sizes.classes, (sizes.batch,))
    return Workload("inception", model, (images, targets), optimizer="momentum")
