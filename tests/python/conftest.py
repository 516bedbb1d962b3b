"""Shared by all Python tests. They import gopt from the build tree that the environment names."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Programs that the tests start elsewhere import the same gopt.
if "PYTHONPATH" in os.environ:
    paths = os.environ["PYTHONPATH"].split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(os.path.abspath(path) for path in paths)
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def root() -> Path:
    """Top of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Data from beside the repository: GOPT_DATA_DIR, or ../shared/data; skips without."""
    path = Path(os.environ.get("GOPT_DATA_DIR", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"no data in {path}: set GOPT_DATA_DIR")
    return path
