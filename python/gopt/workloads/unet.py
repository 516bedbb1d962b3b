"""The U-Net of a diffusion model (Ho et al. 2020, "Denoising Diffusion", arXiv 2006.11239).

The default sizes are those of its CIFAR-10 model: 35.7 M parameters, batch 128. Results of the way
down are kept for the way up, so that long edges cross the net.
"""

from __future__ import annotations

import dataclasses
import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn

from gopt.workloads.micro_batches import check_divides, mean_loss
from gopt.workloads.sizes import sizes_of
from gopt.workloads.workload import Workload


@dataclasses.dataclass(frozen=True)
class UnetOptions:
    """Sizes of model and step.

    Attributes:
      channels: on the finest grid; a multiple of `groups`.
      factors: channels on each grid as a multiple of that; each grid is half as fine.
      blocks: residual blocks on each grid on the way down; one more on the way up.
      attention: grids (height in pixels) with attention after each residual block.
      groups: of group normalisation.
      size: height and width of an image; halves as often as there are factors.
      noise_levels: steps of the diffusion.
      dropout: in residual blocks.
      batch: images; a multiple of micro_batches.
      micro_batches: parts that the batch is run in.
    """

    channels: int = 128
    factors: tuple[int, ...] = (1, 2, 2, 2)
    blocks: int = 2
    attention: tuple[int, ...] = (16,)
    groups: int = 32
    size: int = 32
    noise_levels: int = 1000
    dropout: float = 0.1
    batch: int = 128
    micro_batches: int = 4

    def __post_init__(self) -> None:
        check_divides("groups", self.groups, "channels", self.channels)
        check_divides("halvings", 2 ** (len(self.factors) - 1), "size", self.size)
        check_divides("micro_batches", self.micro_batches, "batch", self.batch)


class TimeEmbedding(nn.Module):
    """Noise levels [batch] to [batch, 4 channels]: sines and cosines, then two linear layers."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        waves = torch.exp(-math.log(10000) / (half - 1) * torch.arange(half, dtype=torch.float32))
        self.register_buffer("waves", waves, persistent=False)
        self.expand = nn.Linear(channels, 4 * channels)
        self.mix = nn.Linear(4 * channels, 4 * channels)

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        angles = levels[:, None] * self.waves
        x = torch.cat([angles.sin(), angles.cos()], 1)
        return self.mix(F.silu(self.expand(x)))


class Residual(nn.Module):
    """Two 3x3 convolutions; what the time embedding says is added between them."""

    def __init__(self, inputs: int, outputs: int, options: UnetOptions) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(options.groups, inputs, eps=1e-6)
        self.convolution1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time = nn.Linear(4 * options.channels, outputs)
        self.norm2 = nn.GroupNorm(options.groups, outputs, eps=1e-6)
        self.dropout = nn.Dropout(options.dropout)
        self.convolution2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """x [batch, inputs, height, width], time [batch, 4 channels]."""
        y = self.convolution1(F.silu(self.norm1(x)))
        y = y + self.time(F.silu(time))[:, :, None, None]
        y = self.convolution2(self.dropout(F.silu(self.norm2(y))))
        return self.shortcut(x) + y


class PixelAttention(nn.Module):
    """One head of attention among all pixels, added to what comes in."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels, eps=1e-6)
        self.query = nn.Conv2d(channels, channels, 1)
        self.key = nn.Conv2d(channels, channels, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.project = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(x)
        rows = [part(y).flatten(2).transpose(1, 2) for part in (self.query, self.key, self.value)]
        mixed = F.scaled_dot_product_attention(*(row.unsqueeze(1) for row in rows))
        return x + self.project(mixed.squeeze(1).transpose(1, 2).reshape(x.shape))


class Stage(nn.Module):
    """A residual block and, on some grids, attention."""

    def __init__(self, inputs: int, outputs: int, grid: int, options: UnetOptions) -> None:
        super().__init__()
        self.residual = Residual(inputs, outputs, options)
        self.attention: nn.Module = nn.Identity()
        if grid in options.attention:
            self.attention = PixelAttention(outputs, options.groups)

    def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        return self.attention(self.residual(x, time))


class Down(nn.Module):
    """Residual blocks of one grid on the way down, then, unless it is the last, half the grid."""

    def __init__(self, widths: list[int], grid: int, last: bool, options: UnetOptions) -> None:
        super().__init__()
        pairs = itertools.pairwise(widths)
        self.stages = nn.ModuleList(Stage(i, o, grid, options) for i, o in pairs)
        self.coarser = None if last else nn.Conv2d(widths[-1], widths[-1], 3, 2, 1)

    def forward(self, x: torch.Tensor, time: torch.Tensor) -> list[torch.Tensor]:
        """Every result, in order; the last one is where the next grid begins."""
        results = []
        for stage in self.stages:
            x = stage(x, time)
            results.append(x)
        if self.coarser is not None:
            results.append(self.coarser(x))
        return results


class Up(nn.Module):
    """Residual blocks of one grid on the way up, each with a result of the way down beside it."""

    def __init__(
        self, inputs: int, outputs: int, skips: list[int], grid: int, options: UnetOptions
    ) -> None:
        super().__init__()
        widths = [inputs] + [outputs] * (len(skips) - 1)
        self.stages = nn.ModuleList(
            Stage(width + skip, outputs, grid, options)
            for width, skip in zip(widths, skips, strict=True)
        )
        last = grid == options.size
        self.finer = None if last else nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(
        self, x: torch.Tensor, time: torch.Tensor, skips: list[torch.Tensor]
    ) -> torch.Tensor:
        for stage, skip in zip(self.stages, skips, strict=True):
            x = stage(torch.cat([x, skip], 1), time)
        if self.finer is not None:
            x = self.finer(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return x


class Unet(nn.Module):
    """Mean squared error of the noise that the net sees in noisy images."""

    def __init__(self, options: UnetOptions) -> None:
        super().__init__()
        self.options = options
        widths = [options.channels * factor for factor in options.factors]
        grids = [options.size >> level for level in range(len(widths))]
        self.time = TimeEmbedding(options.channels)
        self.first = nn.Conv2d(3, options.channels, 3, padding=1)
        self.down = nn.ModuleList()
        skips = [options.channels]
        for width, grid in zip(widths, grids, strict=True):
            last = grid == grids[-1]
            self.down.append(Down([skips[-1]] + [width] * options.blocks, grid, last, options))
            skips += [width] * (options.blocks + (not last))
        self.middle = nn.ModuleList(
            [
                Stage(widths[-1], widths[-1], options.attention[0], options),
                Residual(widths[-1], widths[-1], options),
            ]
        )
        self.up = nn.ModuleList()
        inputs = widths[-1]
        for width, grid in zip(reversed(widths), reversed(grids), strict=True):
            beside = [skips.pop() for _ in range(options.blocks + 1)]
            self.up.append(Up(inputs, width, beside, grid, options))
            inputs = width
        self.norm = nn.GroupNorm(options.groups, widths[0], eps=1e-6)
        self.last = nn.Conv2d(widths[0], 3, 3, padding=1)
        self.register_buffer("signal", _signal(options.noise_levels), persistent=False)

    def forward(
        self, images: torch.Tensor, noise: torch.Tensor, levels: torch.Tensor
    ) -> torch.Tensor:
        """images, noise [batch, 3, size, size], levels int64 [batch]; gives a scalar."""
        return mean_loss(self.micro_batch, self.options.micro_batches, images, noise, levels)

    def micro_batch(
        self, images: torch.Tensor, noise: torch.Tensor, levels: torch.Tensor
    ) -> torch.Tensor:
        """Loss of one part of the batch: the last line of algorithm 1."""
        signal = self.signal[levels][:, None, None, None]
        noisy = signal.sqrt() * images + (1 - signal).sqrt() * noise
        return F.mse_loss(self.predict(noisy, levels), noise)

    def predict(self, noisy: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
        """The noise in images of the given noise levels."""
        time = self.time(levels)
        x = self.first(noisy)
        kept = [x]
        for down in self.down:
            kept += down(kept[-1], time)
        x = kept[-1]
        for stage in self.middle:
            x = stage(x, time)
        for up in self.up:
            x = up(x, time, [kept.pop() for _ in up.stages])
        return self.last(F.silu(self.norm(x)))


def _signal(levels: int) -> torch.Tensor:
    """[levels]: the share of the image that is left, noise growing linearly (section 4)."""
    return torch.cumprod(1 - torch.linspace(1e-4, 0.02, levels), 0)


def workload(device: str = "meta", **options: int | float | tuple[int, ...]) -> Workload:
    """A training step with Adam; `options` as in UnetOptions."""
    sizes = sizes_of(UnetOptions, options)
    with torch.device(device):
        model = Unet(sizes)
        images = torch.rand(sizes.batch, 3, sizes.size, sizes.size)
        levels = torch.randint(sizes.noise_levels, (sizes.batch,))
    return Workload("unet", model, (images, torch.randn_like(images), levels))
