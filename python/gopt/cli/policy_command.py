"""Shows what is in a policy's or a checkpoint's file: model card, configuration, tensors, sizes.

example:
  gopt policy runs/first/policy.gopt --config
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from gopt import _core
from gopt._text import bytes_text, table
from gopt.cli import options

MAGIC = b"\x89GOPB\r\n\x1a"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="policy.gopt or checkpoint.gopt")
    parser.add_argument("--config", action="store_true", help="the configuration alone")
    parser.add_argument("--card", action="store_true", help="the model card alone")
    options.add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    if not arguments.config and not arguments.card:
        return show(arguments.file, arguments.json)
    bundle = _core.Bundle.load(arguments.file)
    print((bundle.config.text() if arguments.config else bundle.model_card).strip())
    return 0


def show(path: str, json: str | None) -> int:
    """All of a file; json: where to, None for text."""
    bundle = _core.Bundle.load(path)
    if json:
        options.write_json(facts(bundle), json)
    else:
        print(text(bundle, path))
    return 0


def is_bundle(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def facts(bundle: _core.Bundle) -> dict[str, Any]:
    """Everything that is shown, as plain values."""
    return {
        "kind": bundle.kind,
        "name": bundle.config.name,
        "iteration": bundle.iteration,
        "metadata": bundle.metadata,
        "model_card": bundle.model_card,
        "config": bundle.config.text(),
        "feature_version": bundle.feature_version,
        "op_types": bundle.op_types,
        "parameters": _parameters(bundle),
        "tensors": [
            {"name": name, "type": kind, "shape": shape, "bytes": size}
            for name, kind, shape, size in bundle.tensors
        ],
        "state_bytes": bundle.state_bytes,
    }


def text(bundle: _core.Bundle, path: str) -> str:
    """The facts for people."""
    tensors = [
        (name, kind, " x ".join(map(str, shape)) or "1", bytes_text(size))
        for name, kind, shape, size in bundle.tensors
    ]
    total = sum(size for *_, size in bundle.tensors)
    parts = [
        f"{path}: a {bundle.kind}, {bytes_text(Path(path).stat().st_size)}, "
        f"{_parameters(bundle):,} parameters, features of version {bundle.feature_version} with "
        f"{len(bundle.op_types)} op types",
        bundle.model_card.strip(),
        "\n".join(f"{name}: {value}" for name, value in bundle.metadata.items()),
        "\n".join(f"state {name}: {bytes_text(n)}" for name, n in bundle.state_bytes.items()),
        f"## Configuration\n\n{bundle.config.text().strip()}",
        f"## Tensors, {bytes_text(total)}\n\n{table(('tensor', 'type', 'shape', 'size'), tensors)}",
    ]
    return "\n\n".join(part for part in parts if part)


def _parameters(bundle: _core.Bundle) -> int:
    """Numbers in the network; a checkpoint has more tensors than these."""
    return sum(
        math.prod(shape) for name, _, shape, _ in bundle.tensors if name.startswith("network.")
    )
