"""A recommender with many embedding tables (Naumov et al. 2019, DLRM, arXiv 1906.00091).

Tables are as uneven as those of a production model (Zha et al. 2022, DreamShard, arXiv 2210.02023):
rows over three orders of magnitude, bags of 1 to 32. A bag has a fixed number of rows, so that no
shape depends on data. Tables are read once for the whole batch, what is computed from them runs in
micro-batches: as in training with tables spread over devices and examples spread over devices.
Gradients of tables are dense, as large as the table.
"""

from __future__ import annotations

import dataclasses
import itertools

import torch
import torch.nn.functional as F
from torch import nn

from gopt.workloads.micro_batches import check_divides
from gopt.workloads.sizes import sizes_of
from gopt.workloads.workload import Workload


@dataclasses.dataclass(frozen=True)
class DlrmOptions:
    """Sizes of model and step; the defaults give 130 M parameters.

    Attributes:
      tables: how many; sizes and bags follow from the place in the list.
      width: of an embedding; also what the bottom network gives.
      smallest, largest: rows of a table, evenly spread on a logarithmic scale.
      bags: rows that an example reads of a table; tables take these in turn.
      dense: numbers that an example has beside what it looks up.
      bottom: widths inside the network that reads those.
      top: widths inside the network that gives the answer.
      batch: examples; a multiple of micro_batches.
      micro_batches: parts that everything but the tables is run in.
    """

    tables: int = 128
    width: int = 64
    smallest: int = 100
    largest: int = 100000
    bags: tuple[int, ...] = (1, 32, 4, 16, 1, 8, 2)
    dense: int = 13
    bottom: tuple[int, ...] = (512, 256)
    top: tuple[int, ...] = (1024, 512, 256)
    batch: int = 2048
    micro_batches: int = 8

    def __post_init__(self) -> None:
        check_divides("micro_batches", self.micro_batches, "batch", self.batch)
        if self.tables < 2:
            raise ValueError(f"{self.tables} tables: there is nothing to place")

    def rows(self, table: int) -> int:
        """Rows of a table."""
        return round(self.smallest * (self.largest / self.smallest) ** (table / (self.tables - 1)))

    def bag(self, table: int) -> int:
        """Rows of a table that one example reads."""
        return self.bags[table % len(self.bags)]


def _network(*widths: int) -> nn.Sequential:
    """Linear layers with ReLU between them and after the last."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers)


class Interaction(nn.Module):
    """Dot products of all pairs of features, beside the dense feature itself."""

    def __init__(self, features: int) -> None:
        super().__init__()
        pairs = torch.tensor([(i, j) for i in range(features) for j in range(i)])
        self.register_buffer("pairs", pairs[:, 0] * features + pairs[:, 1], persistent=False)

    def forward(self, dense: torch.Tensor, sparse: torch.Tensor) -> torch.Tensor:
        """dense [batch, width], sparse [batch, tables, width]; [batch, width + pairs]."""
        features = torch.cat([dense.unsqueeze(1), sparse], 1)
        products = features @ features.transpose(1, 2)  # [batch, features, features]
        return torch.cat([dense, products.flatten(1).index_select(1, self.pairs)], 1)


class Dlrm(nn.Module):
    """Mean binary cross entropy of a click."""

    def __init__(self, options: DlrmOptions) -> None:
        super().__init__()
        self.options = options
        self.tables = nn.ModuleList(
            nn.EmbeddingBag(options.rows(table), options.width, mode="sum")
            for table in range(options.tables)
        )
        self.bottom = _network(options.dense, *options.bottom, options.width)
        self.interaction = Interaction(options.tables + 1)
        features = options.tables + 1
        inputs = options.width + features * (features - 1) // 2
        self.top = _network(inputs, *options.top)
        self.answer = nn.Linear(options.top[-1], 1)

    def forward(
        self, dense: torch.Tensor, clicks: torch.Tensor, *rows: torch.Tensor
    ) -> torch.Tensor:
        """dense [batch, dense], clicks [batch], rows int64 [batch, bag] per table; a scalar."""
        parts = self.options.micro_batches
        found = [table(some).chunk(parts) for table, some in zip(self.tables, rows, strict=True)]
        losses = [
            self.micro_batch(numbers, wanted, list(vectors))
            for numbers, wanted, *vectors in zip(
                dense.chunk(parts), clicks.chunk(parts), *found, strict=True
            )
        ]
        return torch.stack(losses).mean()

    def micro_batch(
        self, dense: torch.Tensor, clicks: torch.Tensor, vectors: list[torch.Tensor]
    ) -> torch.Tensor:
        """Loss of one part of the batch; `vectors` [part, width] of each table."""
        x = self.interaction(self.bottom(dense), torch.stack(vectors, 1))
        return F.binary_cross_entropy_with_logits(self.answer(self.top(x)).squeeze(1), clicks)


def workload(device: str = "meta", **options: int | tuple[int, ...]) -> Workload:
    """A training step with SGD; `options` as in DlrmOptions."""
    sizes = sizes_of(DlrmOptions, options)
    with torch.device(device):
        model = Dlrm(sizes)
        dense = torch.rand(sizes.batch, sizes.dense)
        clicks = torch.randint(2, (sizes.batch,)).to(dense.dtype)
        rows = [
            torch.randint(sizes.rows(table), (sizes.batch, sizes.bag(table)))
            for table in range(sizes.tables)
        ]
    return Workload("dlrm", model, (dense, clicks, *rows), optimizer="sgd")
