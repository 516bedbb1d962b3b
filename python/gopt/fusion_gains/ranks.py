"""Rank correlations, with ties."""

from __future__ import annotations

import math
from collections.abc import Sequence


def spearman(x: Sequence[float], y: Sequence[float]) -> float:
    """Pearson's correlation of the ranks (Spearman, 1904); tied values share their mean rank.

    NaN for fewer than three pairs, or where one side is all equal.
    """
    if len(x) < 3:
        return math.nan
    a, b = _ranks(x), _ranks(y)
    middle = (len(a) + 1) / 2
    covariance = sum((p - middle) * (q - middle) for p, q in zip(a, b, strict=True))
    spread = math.sqrt(sum((p - middle) ** 2 for p in a) * sum((q - middle) ** 2 for q in b))
    return covariance / spread if spread > 0 else math.nan


def kendall(x: Sequence[float], y: Sequence[float]) -> float:
    """Tau-b: (pairs in the same order - pairs in opposite order) / pairs, corrected for ties.

    (Kendall, "The treatment of ties in ranking problems", Biometrika, 1945.) NaN as spearman.
    """
    if len(x) < 3:
        return math.nan
    difference = untied_x = untied_y = 0
    for i in range(len(x)):
        for j in range(i):
            a, b = _sign(x[i] - x[j]), _sign(y[i] - y[j])
            difference += a * b
            untied_x += a * a
            untied_y += b * b
    pairs = math.sqrt(untied_x * untied_y)
    return difference / pairs if pairs > 0 else math.nan


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    begin = 0
    while begin < len(order):
        end = begin
        while end < len(order) and values[order[end]] == values[order[begin]]:
            end += 1
        for i in order[begin:end]:
            ranks[i] = (begin + 1 + end) / 2
        begin = end
    return ranks
