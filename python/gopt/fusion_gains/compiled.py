"""A group compiled ahead of time (AOTInductor), its ops fused or each by itself."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import fx
from torch._inductor.scheduler import NopKernelSchedulerNode
from torch._inductor.utils import fresh_cache

from gopt.fusion_gains import apart

# One thread. The order of ops is left as it is: marks count on it.
_OPTIONS = {"cpp.threads": 1, "reorder_for_locality": False}
# Matrix products as Inductor's own templates, which take followers in; weights are constants.
_TEMPLATES = {"max_autotune": True, "max_autotune_gemm_backends": "CPP", "freezing": True}


def own_cache() -> contextlib.AbstractContextManager[None]:
    """Inductor's files of compilations inside go to a temporary folder, removed at the end."""
    cache: contextlib.AbstractContextManager[None] = fresh_cache()
    return cache


def compile_group(
    module: fx.GraphModule, tensors: Sequence[torch.Tensor], path: Path, *, templates: bool = False
) -> int:
    """Writes the compiled package to `path` (.pt2); gives the number of kernels it runs.

    Args:
      templates: for groups with a matrix product or convolution, in both forms.

    Raises whatever the compiler raises.
    """
    kernels: list[int] = []

    def count(nodes: list[Any]) -> list[Any]:
        kernels.append(sum(not isinstance(node, NopKernelSchedulerNode) for node in nodes))
        return nodes

    options = {**_OPTIONS, **(_TEMPLATES if templates else {}), "_post_fusion_custom_pass": count}
    with warnings.catch_warnings(), torch.no_grad(), apart.respected():
        warnings.simplefilter("ignore")
        program = torch.export.export(module, tuple(tensors))
        torch._inductor.aoti_compile_and_package(
            program, package_path=str(path), inductor_configs=options
        )
    return kernels[-1]


def load(path: Path) -> Callable[[list[torch.Tensor]], list[torch.Tensor]]:
    """The package as a function from a list of inputs to a list of outputs."""
    return torch._inductor.aoti_load_package(str(path)).loader.run


def compile_nothing(path: Path) -> None:
    """A package that adds two numbers: what a call costs."""
    if not path.exists():
        graph = fx.Graph()
        a, b = graph.placeholder("a"), graph.placeholder("b")
        graph.output((graph.call_function(torch.ops.aten.add.Tensor, (a, b)),))
        module = fx.GraphModule(torch.nn.Module(), graph)
        compile_group(module, [torch.ones(1), torch.ones(1)], path)
