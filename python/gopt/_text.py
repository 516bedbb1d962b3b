"""Numbers and tables as people read them."""

from __future__ import annotations

import re
from collections.abc import Sequence

_BYTE_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_BYTE_UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


def time_text(nanoseconds: float) -> str:
    """ "115.2 ms"."""
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if abs(nanoseconds) >= scale:
            return f"{nanoseconds / scale:.4g} {unit}"
    return f"{nanoseconds:.0f} ns"


def bytes_text(count: float) -> str:
    """ "1.5 GiB"."""
    for unit, scale in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if abs(count) >= scale:
            return f"{count / scale:.4g} {unit}"
    return f"{count:.0f} B"


def parse_bytes(text: str) -> int:
    """Bytes of "12GiB", "500 MB" or "1024". ValueError for anything else."""
    match = re.fullmatch(r"\s*([0-9.]+(?:[eE][0-9]+)?)\s*([A-Za-z]*)\s*", text)
    unit = match[2].upper() if match else "?"
    if match is None or unit not in _BYTE_UNITS or match[1].count(".") > 1:
        raise ValueError(f"{text!r} is no size: write a number and B, KiB, MiB, GiB or TiB")
    count = float(match[1]) * _BYTE_UNITS[unit]
    if not 0 <= count < 2**62:
        raise ValueError(f"{text!r} is not in 0 .. 2^62 bytes")
    return int(count)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Columns padded to their widest cell; the first `left` flush left, the others right."""
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    lines = []
    for cells in (header, *rows):
        padded = [
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)
