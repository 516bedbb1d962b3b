"""An image tower and a text tower trained to agree (Radford et al. 2021, arXiv 2103.00020).

The default sizes are those of CLIP ViT-B/32: 151.3 M parameters. Both towers run in micro-batches;
the loss compares every image with every text of the whole batch.
"""

from __future__ import annotations

import dataclasses
import math

import torch
import torch.nn.functional as F
from torch import nn

from gopt.workloads.attention import Block, FeedForward, QuickGelu, SelfAttention
from gopt.workloads.micro_batches import check_divides
from gopt.workloads.sizes import sizes_of
from gopt.workloads.vit import Patches
from gopt.workloads.workload import Workload


@dataclasses.dataclass(frozen=True)
class ClipOptions:
    """Sizes of model and step.

    Attributes:
      layers: of each tower.
      image_width, image_heads: of the image tower; feed-forward layers are four times as wide.
      size, patch: height and width of an image, and of a patch of it.
      text_width, text_heads: of the text tower, likewise.
      vocabulary, sequence: tokens of the text, and how many a text has.
      shared_width: of the vectors that are compared.
      batch: pairs of an image and a text; a multiple of micro_batches.
      micro_batches: parts that the towers are run in.
    """

    layers: int = 12
    image_width: int = 768
    image_heads: int = 12
    size: int = 224
    patch: int = 32
    text_width: int = 512
    text_heads: int = 8
    vocabulary: int = 49408
    sequence: int = 77
    shared_width: int = 512
    batch: int = 128
    micro_batches: int = 4

    def __post_init__(self) -> None:
        check_divides("image_heads", self.image_heads, "image_width", self.image_width)
        check_divides("text_heads", self.text_heads, "text_width", self.text_width)
        check_divides("patch", self.patch, "size", self.size)
        check_divides("micro_batches", self.micro_batches, "batch", self.batch)


def _blocks(layers: int, width: int, heads: int, causal: bool) -> nn.Sequential:
    return nn.Sequential(
        *(
            Block(
                width, SelfAttention(width, heads, causal), FeedForward(width, 4 * width, QuickGelu)
            )
            for _ in range(layers)
        )
    )


class ImageTower(nn.Module):
    """[images, 3, size, size] to [images, shared_width]: what the class token becomes."""

    def __init__(self, options: ClipOptions) -> None:
        super().__init__()
        width = options.image_width
        self.patches = Patches(options.size, options.patch, width, bias=False)
        self.norm_before = nn.LayerNorm(width)
        self.blocks = _blocks(options.layers, width, options.image_heads, causal=False)
        self.norm_after = nn.LayerNorm(width)
        self.project = nn.Linear(width, options.shared_width, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.blocks(self.norm_before(self.patches(images)))
        return self.project(self.norm_after(x[:, 0]))


class TextTower(nn.Module):
    """[texts, sequence] to [texts, shared_width]: what the end token (the highest id) becomes."""

    def __init__(self, options: ClipOptions) -> None:
        super().__init__()
        width = options.text_width
        self.tokens = nn.Embedding(options.vocabulary, width)
        self.positions = nn.Parameter(0.01 * torch.randn(options.sequence, width))
        self.blocks = _blocks(options.layers, width, options.text_heads, causal=True)
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, options.shared_width, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.blocks(self.tokens(tokens) + self.positions))
        rows = torch.arange(len(tokens), device=tokens.device)
        return self.project(x[rows, tokens.argmax(-1)])


class Clip(nn.Module):
    """Mean of two cross entropies: which text belongs to an image, which image to a text."""

    def __init__(self, options: ClipOptions) -> None:
        super().__init__()
        self.options = options
        self.image = ImageTower(options)
        self.text = TextTower(options)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def forward(self, images: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """images [batch, 3, size, size], tokens int64 [batch, sequence]; gives a scalar."""
        parts = self.options.micro_batches
        seen = torch.cat([self.image(some) for some in images.chunk(parts)])
        read = torch.cat([self.text(some) for some in tokens.chunk(parts)])
        scores = self.log_scale.exp() * F.normalize(seen, dim=1) @ F.normalize(read, dim=1).t()
        pairs = torch.arange(len(images), device=images.device)
        return (F.cross_entropy(scores, pairs) + F.cross_entropy(scores.t(), pairs)) / 2


def workload(device: str = "meta", **options: int) -> Workload:
    """A training step with Adam; `options` as in ClipOptions."""
    sizes = sizes_of(ClipOptions, options)
    with torch.device(device):
        model = Clip(sizes)
        images = torch.rand(sizes.batch, 3, sizes.size, sizes.size)
        tokens = torch.randint(sizes.vocabulary, (sizes.batch, sizes.sequence))
    return Workload("clip", model, (images, tokens))
