"""AmoebaNet-D (Real et al. 2018, "Regularized Evolution for Image Classifier Architecture Search",
arXiv 1802.01548, appendix; the genotype of its published implementation).

A stem, two reduction cells, then three stacks of normal cells with a reduction cell between them.
Every cell reads the two cells before it and has five pairs of operations, so a step is branchy and
made of many small kernels.

Our choices: 18 normal cells with 104 filters, half of those of GPipe's AmoebaNet-D (18, 208); 21 M
parameters. No second classifier and no path dropout; 224 x 224 images.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import nn

from gopt.workloads.micro_batches import check_divides, mean_loss
from gopt.workloads.sizes import sizes_of
from gopt.workloads.workload import Workload


@dataclasses.dataclass(frozen=True)
class AmoebanetOptions:
    """Sizes of model and step.

    Attributes:
      cells: normal cells, a multiple of 3.
      filters: channels of an operation in the first stack of normal cells, doubled at each
        reduction; a multiple of 8.
      classes: of the classifier.
      batch: images; a multiple of micro_batches.
      size: height and width of an image; a multiple of 32.
      dropout: before the classifier.
      micro_batches: parts that the batch is run in (statistics are per part).
    """

    cells: int = 18
    filters: int = 104
    classes: int = 1000
    batch: int = 32
    size: int = 224
    dropout: float = 0.0
    micro_batches: int = 1

    def __post_init__(self) -> None:
        check_divides("stacks", 3, "cells", self.cells)
        check_divides("micro_batches", self.micro_batches, "batch", self.batch)
        if self.filters < 8 or self.filters % 8:
            raise ValueError(f"filters {self.filters}: the bottlenecks of the stem need 8, 16, ...")
        if self.size < 32 or self.size % 32:
            raise ValueError(f"size {self.size}: the sides are halved five times, 32, 64, ...")


class Convolution(nn.Module):
    """ReLU, convolution without bias, batch normalisation."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int | tuple[int, int] = 1, stride: int = 1
    ) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        # A row strides along itself, a column too: together they halve both sides.
        strides = tuple(stride if side > 1 or max(sides) == 1 else 1 for side in sides)
        padding = tuple(side // 2 for side in sides)
        self.convolution = nn.Conv2d(inputs, outputs, sides, strides, padding, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.convolution(F.relu(x)))


def _bottleneck(width: int, stride: int, *kernels: int | tuple[int, int]) -> nn.Sequential:
    """To a quarter of the channels, convolutions there, and back."""
    inner = width // 4
    return nn.Sequential(
        Convolution(width, inner),
        *(Convolution(inner, inner, kernel, stride) for kernel in kernels),
        Convolution(inner, width),
    )


class FactorizedReduction(nn.Module):
    """Halves the sides: two convolutions at even and at odd places, half of the channels each."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(inputs, outputs // 2, 1, 2, bias=False)
        self.odd = nn.Conv2d(inputs, outputs - outputs // 2, 1, 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(x)
        shifted = F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        return self.norm(torch.cat([self.even(x), self.odd(shifted)], 1))


# An operation by channels and stride.
_OPERATIONS: dict[str, Callable[[int, int], nn.Module]] = {
    "none": lambda width, stride: (
        nn.Identity() if stride == 1 else FactorizedReduction(width, width)
    ),
    "average 3x3": lambda _, stride: nn.AvgPool2d(3, stride, 1, count_include_pad=False),
    "max 2x2": lambda _, stride: nn.MaxPool2d(2, stride),
    "max 3x3": lambda _, stride: nn.MaxPool2d(3, stride, 1),
    "1x1": lambda width, stride: Convolution(width, width, 1, stride),
    "3x3": lambda width, stride: _bottleneck(width, stride, 3),
    "1x7 7x1": lambda width, stride: _bottleneck(width, stride, (1, 7), (7, 1)),
}


@dataclasses.dataclass(frozen=True)
class Genotype:
    """What evolution found.

    Attributes:
      pairs: states 2, 3, ... are sums of two operations, each (index of the state it reads, name);
        states 0 and 1 are the outputs of the last cell and of the one before it.
      result: states whose concatenation the cell gives.
    """

    pairs: Sequence[tuple[tuple[int, str], tuple[int, str]]]
    result: Sequence[int]


NORMAL = Genotype(
    pairs=(
        ((1, "1x1"), (1, "max 3x3")),
        ((1, "none"), (0, "1x7 7x1")),
        ((0, "1x1"), (0, "1x7 7x1")),
        ((2, "max 3x3"), (2, "none")),
        ((1, "average 3x3"), (5, "1x1")),
    ),
    result=(0, 3, 4, 6),  # as published in code; the paper's rule would leave 0 out
)
REDUCTION = Genotype(
    pairs=(
        ((0, "max 2x2"), (0, "max 3x3")),
        ((2, "none"), (1, "3x3")),
        ((2, "1x7 7x1"), (2, "max 3x3")),
        ((3, "none"), (1, "max 2x2")),
        ((2, "average 3x3"), (3, "1x1")),
    ),
    result=(4, 5, 6),
)


class Cell(nn.Module):
    """Five sums of two operations each, some of them concatenated.

    Args:
      genotype: which operations read what; those of REDUCTION that read an input have stride 2.
      before, last: channels of the outputs of the two cells before.
      width: channels of every operation.
      halved: the last cell was a reduction, so that the one before has twice its sides.
    """

    def __init__(
        self, genotype: Genotype, before: int, last: int, width: int, halved: bool
    ) -> None:
        super().__init__()
        self.genotype = genotype
        self.last = Convolution(last, width)
        fit = FactorizedReduction if halved else Convolution
        self.before = nn.Identity() if before == width and not halved else fit(before, width)
        self.operations = nn.ModuleList(
            _OPERATIONS[name](width, 2 if genotype is REDUCTION and state < 2 else 1)
            for pair in genotype.pairs
            for state, name in pair
        )
        self.outputs = width * len(genotype.result)

    def forward(self, before: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        """Outputs of the two cells before; gives [images, outputs, height, width]."""
        states = [self.last(last), self.before(before)]
        operations = iter(self.operations)
        for (one, _), (other, _) in self.genotype.pairs:
            states.append(next(operations)(states[one]) + next(operations)(states[other]))
        return torch.cat([states[i] for i in self.genotype.result], 1)


class Amoebanet(nn.Module):
    """Mean cross entropy; without targets the logits."""

    def __init__(self, options: AmoebanetOptions) -> None:
        super().__init__()
        self.options = options
        width = options.filters // 4
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width))
        stack = [NORMAL] * (options.cells // 3)
        cells: list[Cell] = []
        before = last = width
        for genotype in [REDUCTION] * 2 + stack + [REDUCTION] + stack + [REDUCTION] + stack:
            halved = bool(cells) and cells[-1].genotype is REDUCTION
            if genotype is REDUCTION:
                width *= 2
            cells.append(Cell(genotype, before, last, width, halved))
            before, last = last, cells[-1].outputs
        self.cells = nn.ModuleList(cells)
        self.dropout = nn.Dropout(options.dropout)
        self.classify = nn.Linear(last, options.classes)
        self.loss = nn.CrossEntropyLoss()

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """[images, 3, size, size] to [images, classes]."""
        before = last = self.stem(images)
        for cell in self.cells:
            before, last = last, cell(before, last)
        return self.classify(self.dropout(last.mean((2, 3))))

    def forward(self, images: torch.Tensor, targets: torch.Tensor | None = None) -> torch.Tensor:
        """images [batch, 3, size, size], targets int64 [batch]; gives a scalar."""
        if targets is None:
            return self.logits(images)
        return mean_loss(
            lambda some, wanted: self.loss(self.logits(some), wanted),
            self.options.micro_batches,
            images,
            targets,
        )


def workload(device: str = "meta", **options: int | float) -> Workload:
    """A training step with RMSProp, as in the paper; `options` as in AmoebanetOptions."""
    sizes = sizes_of(AmoebanetOptions, options)
    with torch.device(device):
        model = Amoebanet(sizes)
        images = torch.rand(sizes.batch, 3, sizes.size, sizes.size)
        targets = torch.randint(sizes.classes, (sizes.batch,))
    return Workload("amoebanet", model, (images, targets), optimizer="rmsprop")
