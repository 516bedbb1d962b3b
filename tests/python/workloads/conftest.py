"""Torch on one thread, the same random numbers in every test; helpers of the capture tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "capture"))


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    torch.manual_seed(0)
