"""Every named training step: its module, its sizes, the suite it belongs to."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Entry:
    """One named training step.

    Attributes:
      name: of the entry and of its graph.
      module: under gopt.workloads; has `workload(device="meta", **options) -> Workload`.
      suite: "paper" (the GO paper's table), "modern" (what is trained today): these are stored;
        "small": sizes that run on data in a moment, for tests.
      family: entries of one family differ in sizes only.
      devices: how many the paper places it on; for other entries, how many it can use.
      summary: one line: layers, sizes, steps.
      options: those that differ from the defaults of the module's options class.
    """

    name: str
    module: str
    suite: str
    family: str
    devices: int
    summary: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def stored(self) -> bool:
        """Whether its graph travels with the package."""
        return self.suite != "small"


# In the order of the suite's table; the small form of a model after its others.
ENTRIES: tuple[Entry, ...] = (
    # --- the GO paper's table
    Entry("rnnlm2", "rnnlm", "paper", "rnnlm", 2, "2 LSTM layers of 2048 units, 40 steps"),
    Entry(
        "rnnlm4",
        "rnnlm",
        "paper",
        "rnnlm",
        4,
        "4 LSTM layers of 2048 units, 40 steps",
        {"layers": 4},
    ),
    Entry(
        "rnnlm8",
        "rnnlm",
        "paper",
        "rnnlm",
        8,
        "8 LSTM layers of 2048 units, 40 steps",
        {"layers": 8},
    ),
    Entry(
        "rnnlm-small",
        "rnnlm",
        "small",
        "rnnlm",
        2,
        "2 LSTM layers of 16 units, 5 steps",
        {"hidden": 16, "vocabulary": 50, "batch": 4, "steps": 5},
    ),
    Entry(
        "gnmt2",
        "gnmt",
        "paper",
        "gnmt",
        2,
        "GNMT, encoder and decoder of 2 LSTM layers of 1024 units, 40 + 40 steps",
    ),
    Entry(
        "gnmt4",
        "gnmt",
        "paper",
        "gnmt",
        4,
        "GNMT, encoder and decoder of 4 LSTM layers of 1024 units, 40 + 40 steps",
        {"layers": 4},
    ),
    Entry(
        "gnmt8",
        "gnmt",
        "paper",
        "gnmt",
        8,
        "GNMT, encoder and decoder of 8 LSTM layers of 1024 units, 40 + 40 steps",
        {"layers": 8},
    ),
    Entry(
        "gnmt8_80",
        "gnmt",
        "paper",
        "gnmt",
        8,
        "GNMT, encoder and decoder of 8 LSTM layers of 1024 units, 80 + 80 steps",
        {"layers": 8, "source": 80, "target": 80},
    ),
    Entry(
        "gnmt-small",
        "gnmt",
        "small",
        "gnmt",
        2,
        "GNMT, encoder and decoder of 3 LSTM layers of 16 units, 4 + 3 steps",
        {"layers": 3, "hidden": 16, "vocabulary": 50, "batch": 4, "source": 4, "target": 3},
    ),
    Entry(
        "txl2",
        "transformer_xl",
        "paper",
        "txl",
        2,
        "Transformer-XL, 2 layers of width 512, 4 segments of 32 x 128",
    ),
    Entry(
        "txl4",
        "transformer_xl",
        "paper",
        "txl",
        4,
        "Transformer-XL, 4 layers of width 512, 4 segments of 32 x 128",
        {"layers": 4},
    ),
    Entry(
        "txl8",
        "transformer_xl",
        "paper",
        "txl",
        8,
        "Transformer-XL, 8 layers of width 512, 4 segments of 32 x 128",
        {"layers": 8},
    ),
    Entry(
        "txl-small",
        "transformer_xl",
        "small",
        "txl",
        2,
        "Transformer-XL, 2 layers of width 16, 3 segments of 2 x 4",
        {
            "width": 16,
            "heads": 2,
            "feed_forward": 32,
            "vocabulary": 50,
            "batch": 2,
            "segments": 3,
            "length": 4,
        },
    ),
    Entry(
        "inception32",
        "inception",
        "paper",
        "inception",
        2,
        "Inception-v3 with both classifiers, batch 32 of 299 x 299",
    ),
    Entry(
        "inception64",
        "inception",
        "paper",
        "inception",
        2,
        "Inception-v3 with both classifiers, batch 64 of 299 x 299",
        {"batch": 64},
    ),
    Entry(
        "inception-small",
        "inception",
        "small",
        "inception",
        2,
        "Inception-v3 with an eighth of the channels, batch 2 of 75 x 75",
        {"batch": 2, "size": 75, "classes": 10, "width": 0.125},
    ),
    Entry(
        "amoebanet",
        "amoebanet",
        "paper",
        "amoebanet",
        4,
        "AmoebaNet-D with 18 normal cells and 104 filters, batch 32 of 224 x 224",
    ),
    Entry(
        "amoebanet-small",
        "amoebanet",
        "small",
        "amoebanet",
        2,
        "AmoebaNet-D with 3 normal cells and 8 filters, batch 2 of 64 x 64",
        {"cells": 3, "filters": 8, "classes": 10, "batch": 2, "size": 64},
    ),
    Entry(
        "wavenet2",
        "wavenet",
        "paper",
        "wavenet",
        2,
        "WaveNet, 2 stacks of 9 dilated layers of 256 channels, 8 clips of 8,000 samples",
    ),
    Entry(
        "wavenet4",
        "wavenet",
        "paper",
        "wavenet",
        4,
        "WaveNet, 4 stacks of 9 dilated layers of 256 channels, 8 clips of 8,000 samples",
        {"stacks": 4},
    ),
    Entry(
        "wavenet-small",
        "wavenet",
        "small",
        "wavenet",
        2,
        "WaveNet, 2 stacks of 3 dilated layers of 8 channels, 2 clips of 16 samples",
        {
            "layers": 3,
            "channels": 8,
            "skip": 6,
            "features": 5,
            "classes": 16,
            "batch": 2,
            "samples": 16,
        },
    ),
    # --- what is trained today
    Entry(
        "gpt",
        "gpt",
        "modern",
        "gpt",
        4,
        "decoder-only Transformer, 12 layers of width 1024, batch 16 x 512 in 4 micro-batches",
    ),
    Entry(
        "gpt-small",
        "gpt",
        "small",
        "gpt",
        2,
        "decoder-only Transformer, 2 layers of width 64, batch 4 x 16 in 2 micro-batches",
        {
            "layers": 2,
            "width": 64,
            "heads": 4,
            "feed_forward": 128,
            "vocabulary": 100,
            "batch": 4,
            "sequence": 16,
            "micro_batches": 2,
        },
    ),
    Entry(
        "llama",
        "llama",
        "modern",
        "llama",
        4,
        "Llama 3.2 1B: 16 layers, grouped queries, batch 4 x 1024 in 4 micro-batches",
    ),
    Entry(
        "llama-small",
        "llama",
        "small",
        "llama",
        2,
        "the same decoder with 2 layers of width 64",
        {
            "layers": 2,
            "width": 64,
            "heads": 4,
            "key_heads": 2,
            "feed_forward": 96,
            "vocabulary": 100,
            "sequence": 16,
            "batch": 4,
            "micro_batches": 2,
        },
    ),
    Entry(
        "moe",
        "moe",
        "modern",
        "moe",
        4,
        "decoder of 8 layers, 4 of them with 8 experts, batch 8 x 512 in 4 micro-batches",
    ),
    Entry(
        "moe-small",
        "moe",
        "small",
        "moe",
        2,
        "decoder of 2 layers, one of them with 4 experts, of width 32",
        {
            "layers": 2,
            "width": 32,
            "heads": 2,
            "feed_forward": 64,
            "experts": 4,
            "vocabulary": 100,
            "sequence": 16,
            "batch": 4,
            "micro_batches": 2,
        },
    ),
    Entry("vit", "vit", "modern", "vit", 4, "ViT-B/16 at 224 x 224, batch 64 in 4 micro-batches"),
    Entry(
        "vit-small",
        "vit",
        "small",
        "vit",
        2,
        "vision Transformer of 2 layers of width 32 at 32 x 32",
        {
            "layers": 2,
            "width": 32,
            "heads": 2,
            "feed_forward": 64,
            "size": 32,
            "classes": 10,
            "batch": 4,
            "micro_batches": 2,
        },
    ),
    Entry(
        "unet",
        "unet",
        "modern",
        "unet",
        4,
        "U-Net of DDPM on CIFAR-10, batch 128 in 4 micro-batches",
    ),
    Entry(
        "unet-small",
        "unet",
        "small",
        "unet",
        2,
        "U-Net on two grids, 16 and 32 channels, at 8 x 8",
        {
            "channels": 16,
            "factors": (1, 2),
            "blocks": 1,
            "attention": (4,),
            "groups": 4,
            "size": 8,
            "noise_levels": 10,
            "batch": 4,
            "micro_batches": 2,
        },
    ),
    Entry(
        "clip",
        "clip",
        "modern",
        "clip",
        4,
        "CLIP ViT-B/32: two towers of 12 layers, batch 128 in 4 micro-batches",
    ),
    Entry(
        "clip-small",
        "clip",
        "small",
        "clip",
        2,
        "two towers of 2 layers of width 32",
        {
            "layers": 2,
            "image_width": 32,
            "image_heads": 2,
            "size": 32,
            "patch": 16,
            "text_width": 32,
            "text_heads": 2,
            "vocabulary": 100,
            "sequence": 8,
            "shared_width": 16,
            "batch": 4,
            "micro_batches": 2,
        },
    ),
    Entry(
        "dlrm",
        "dlrm",
        "modern",
        "dlrm",
        4,
        "recommender with 128 uneven embedding tables, batch 2048 in 8 micro-batches",
    ),
    Entry(
        "dlrm-small",
        "dlrm",
        "small",
        "dlrm",
        2,
        "recommender with 4 embedding tables of up to 100 rows",
        {
            "tables": 4,
            "width": 8,
            "smallest": 10,
            "largest": 100,
            "bags": (1, 4, 2),
            "bottom": (16,),
            "top": (16, 8),
            "batch": 8,
            "micro_batches": 2,
        },
    ),
    Entry(
        "nasnet",
        "nasnet",
        "modern",
        "nasnet",
        4,
        "NASNet-A 4 @ 1056 (mobile) at 224 x 224, batch 64",
    ),
    Entry(
        "nasnet-small",
        "nasnet",
        "small",
        "nasnet",
        2,
        "NASNet-A 1 @ 96 at 32 x 32",
        {"cells": 1, "filters": 96, "stem": 8, "size": 32, "classes": 10, "batch": 4},
    ),
)
