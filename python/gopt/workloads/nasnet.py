"""NASNet-A (Zoph et al. 2017, "Learning Transferable Architectures", arXiv 1707.07012, figure 4).

The default is the mobile model, 4 @ 1056: 5.3 M parameters. A cell reads the results of the two
before it, so that several paths through the net are open at any time.
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
class NasnetOptions:
    """Sizes of model and step.

    Attributes:
      cells: normal cells between reductions, the N of "N @ P".
      filters: channels of the last result, the P of "N @ P"; a multiple of 96.
      stem: channels of the first convolution.
      size: height and width of an image, at least 32.
      classes: of the classifier.
      dropout: before the classifier.
      batch: images; a multiple of micro_batches.
      micro_batches: parts that the batch is run in (statistics are per part).
    """

    cells: int = 4
    filters: int = 1056
    stem: int = 32
    size: int = 224
    classes: int = 1000
    dropout: float = 0.5
    batch: int = 64
    micro_batches: int = 1

    def __post_init__(self) -> None:
        check_divides("micro_batches", self.micro_batches, "batch", self.batch)
        if self.filters < 1 or self.filters % 96:
            raise ValueError(f"filters {self.filters} is not a multiple of 96")
        if self.size < 32:
            raise ValueError(f"size {self.size} is below 32: the grid shrinks to nothing")


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=0.001)


class Separable(nn.Module):
    """Twice: ReLU, a convolution of each channel by itself, a 1x1 convolution, a norm."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        padding = kernel // 2
        self.steps = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(inputs, inputs, kernel, stride, padding, groups=inputs, bias=False),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            _norm(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, kernel, 1, padding, groups=outputs, bias=False),
            nn.Conv2d(outputs, outputs, 1, bias=False),
            _norm(outputs),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.steps(x)


class Squeeze(nn.Sequential):
    """ReLU, a 1x1 convolution, a norm: what a cell reads, at the cell's number of channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(nn.ReLU(), nn.Conv2d(inputs, outputs, 1, bias=False), _norm(outputs))


class Halve(nn.Module):
    """The same for a result on a grid twice as fine: two 1x1 convolutions, a pixel apart."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(inputs, outputs // 2, 1, bias=False)
        self.odd = nn.Conv2d(inputs, outputs - outputs // 2, 1, bias=False)
        self.norm = _norm(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(x)
        moved = F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        halves = [self.even(F.avg_pool2d(x, 1, 2)), self.odd(F.avg_pool2d(moved, 1, 2))]
        return self.norm(torch.cat(halves, 1))


def _average(x: torch.Tensor, stride: int = 1) -> torch.Tensor:
    return F.avg_pool2d(x, 3, stride, 1, count_include_pad=False)


def _largest(x: torch.Tensor) -> torch.Tensor:
    return F.max_pool2d(x, 3, 2, 1)


class NormalCell(nn.Module):
    """Keeps the grid; gives six times `filters` channels.

    Args:
      before, now: channels of the results of the cell before the last, and of the last.
      filters: channels inside.
      halve: the result before the last is on a grid twice as fine.
    """

    def __init__(self, before: int, now: int, filters: int, halve: bool) -> None:
        super().__init__()
        self.outputs = 6 * filters
        self.before = (Halve if halve else Squeeze)(before, filters)
        self.now = Squeeze(now, filters)
        self.now5, self.before3 = Separable(filters, filters, 5), Separable(filters, filters, 3)
        self.before5, self.again3 = Separable(filters, filters, 5), Separable(filters, filters, 3)
        self.now3 = Separable(filters, filters, 3)

    def forward(self, before: torch.Tensor, now: torch.Tensor) -> torch.Tensor:
        before, now = self.before(before), self.now(now)
        sums = [
            self.now5(now) + self.before3(before),
            self.before5(before) + self.again3(before),
            _average(now) + before,
            _average(before) + _average(before),
            self.now3(now) + now,
        ]
        return torch.cat([before, *sums], 1)


class ReductionCell(nn.Module):
    """Halves the grid; gives four times `filters` channels.

    Args:
      before, now: channels of the results of the cell before the last, and of the last; before 0:
        there is none, `now` as it comes stands in.
      filters: channels inside.
      halve: the result before the last is on a grid twice as fine.
    """

    def __init__(self, before: int, now: int, filters: int, halve: bool = False) -> None:
        super().__init__()
        self.outputs = 4 * filters
        self.before: nn.Module = nn.Identity()
        if before:
            self.before = (Halve if halve else Squeeze)(before, filters)
        self.now = Squeeze(now, filters)
        read = filters if before else now
        self.now5, self.before7 = Separable(filters, filters, 5, 2), Separable(read, filters, 7, 2)
        self.again7, self.before5 = Separable(read, filters, 7, 2), Separable(read, filters, 5, 2)
        self.sum3 = Separable(filters, filters, 3)

    def forward(self, before: torch.Tensor, now: torch.Tensor) -> torch.Tensor:
        before, now = self.before(before), self.now(now)
        largest = _largest(now)
        first = self.now5(now) + self.before7(before)
        second = largest + self.again7(before)
        third = _average(now, 2) + self.before5(before)
        fourth = _average(first) + second
        return torch.cat([second, third, fourth, self.sum3(first) + largest], 1)


class Nasnet(nn.Module):
    """Mean cross entropy of the class of each image."""

    def __init__(self, options: NasnetOptions) -> None:
        super().__init__()
        self.options = options
        filters = options.filters // 24
        self.first = nn.Conv2d(3, options.stem, 3, 2, bias=False)
        self.first_norm = _norm(options.stem)
        self.cells = nn.ModuleList()
        widths = self._add(ReductionCell(0, options.stem, filters // 4), (0, options.stem))
        widths = self._add(ReductionCell(*widths, filters // 2, halve=True), widths)
        for stage in range(3):
            if stage > 0:
                widths = self._add(ReductionCell(*widths, filters), widths)
            for cell in range(options.cells):
                widths = self._add(NormalCell(*widths, filters, halve=cell == 0), widths)
            filters *= 2
        self.dropout = nn.Dropout(options.dropout)
        self.classify = nn.Linear(widths[1], options.classes)
        self.loss = nn.CrossEntropyLoss()

    def _add(self, cell: NormalCell | ReductionCell, widths: tuple[int, int]) -> tuple[int, int]:
        """Appends a cell; gives the channels of the two results that the next one reads."""
        self.cells.append(cell)
        return widths[1], cell.outputs

    def forward(self, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """images [batch, 3, size, size], targets int64 [batch]; gives a scalar."""
        return mean_loss(self.micro_batch, self.options.micro_batches, images, targets)

    def micro_batch(self, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Loss of one part of the batch."""
        before = now = self.first_norm(self.first(images))
        for cell in self.cells:
            before, now = now, cell(before, now)
        x = F.relu(now).mean((2, 3))
        return self.loss(self.classify(self.dropout(x)), targets)


def workload(device: str = "meta", **options: int | float) -> Workload:
    """A training step with SGD and momentum; `options` as in NasnetOptions."""
    sizes = sizes_of(NasnetOptions, options)
    with torch.device(device):
        model = Nasnet(sizes)
        images = torch.rand(sizes.batch, 3, sizes.size, sizes.size)
        targets = torch.randint(sizes.classes, (sizes.batch,))
    return Workload("nasnet", model, (images, targets), optimizer="momentum")
