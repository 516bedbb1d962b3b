"""A Transformer on patches of an image (Dosovitskiy et al. 2020, arXiv 2010.11929).

The default sizes are those of ViT-B/16 at 224 x 224 with 1000 classes: 86.6 M parameters.
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
class VitOptions:
    """Sizes of model and step.

    Attributes:
      layers, width, heads, feed_forward: of the encoder blocks.
      size: height and width of an image, a multiple of `patch`.
      patch: height and width of a patch.
      classes: of the classifier.
      batch: images; a multiple of micro_batches.
      micro_batches: parts that the batch is run in.
      dropout: on patches and residual branches, none inside attention.
    """

    layers: int = 12
    width: int = 768
    heads: int = 12
    feed_forward: int = 3072
    size: int = 224
    patch: int = 16
    classes: int = 1000
    batch: int = 64
    micro_batches: int = 4
    dropout: float = 0.1

    def __post_init__(self) -> None:
        check_divides("heads", self.heads, "width", self.width)
        check_divides("patch", self.patch, "size", self.size)
        check_divides("micro_batches", self.micro_batches, "batch", self.batch)


class Patches(nn.Module):
    """Images [batch, 3, size, size] to a class token and patches, [batch, 1 + patches, width]."""

    def __init__(self, size: int, patch: int, width: int, bias: bool) -> None:
        super().__init__()
        self.project = nn.Conv2d(3, width, patch, patch, bias=bias)
        self.classes = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, 1 + (size // patch) ** 2, width))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.project(images).flatten(2).transpose(1, 2)
        return torch.cat([self.classes.expand(len(x), -1, -1), x], 1) + self.positions


class VisionTransformer(nn.Module):
    """Mean cross entropy of the class of each image."""

    def __init__(self, options: VitOptions) -> None:
        super().__init__()
        self.options = options
        self.patches = Patches(options.size, options.patch, options.width, bias=True)
        self.dropout = nn.Dropout(options.dropout)
        self.blocks = nn.Sequential(*(self._block(options) for _ in range(options.layers)))
        self.norm = nn.LayerNorm(options.width, eps=1e-6)
        self.head = nn.Linear(options.width, options.classes)
        self.loss = nn.CrossEntropyLoss()

    @staticmethod
    def _block(options: VitOptions) -> Block:
        return Block(
            options.width,
            SelfAttention(options.width, options.heads, causal=False),
            FeedForward(options.width, options.feed_forward),
            options.dropout,
            epsilon=1e-6,
        )

    def forward(self, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """images [batch, 3, size, size], targets int64 [batch]; gives a scalar."""
        return mean_loss(self.micro_batch, self.options.micro_batches, images, targets)

    def micro_batch(self, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Loss of one part of the batch."""
        x = self.norm(self.blocks(self.dropout(self.patches(images))))
        return self.loss(self.head(x[:, 0]), targets)


def workload(device: str = "meta", **options: int | float) -> Workload:
    """A training step with Adam; `options` as in VitOptions."""
    sizes = sizes_of(VitOptions, options)
    with torch.device(device):
        model = VisionTransformer(sizes)
        images = torch.rand(sizes.batch, 3, sizes.size, sizes.size)
        targets = torch.randint(sizes.classes, (sizes.batch,))
    return Workload("vit", model, (images, targets))
