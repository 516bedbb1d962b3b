"""Runs examples/python; examples/cpp are ctest's."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("python/[0-9]*.py")), ids=lambda p: p.stem)
def test_example_runs(path, tmp_path):
    result = subprocess.run(
        [sys.executable, path], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_examples_mirror_each_other():
    python = {p.stem for p in EXAMPLES.glob("python/[0-9]*.py")}
    cpp = {p.stem for p in EXAMPLES.glob("cpp/[0-9]*.cc")}
    assert python == cpp


def test_every_cpp_example_is_built():
    listed = set(
        re.findall(r"^gopt_example\((\w+)", (EXAMPLES / "cpp/CMakeLists.txt").read_text(), re.M)
    )
    assert listed == {p.stem for p in EXAMPLES.glob("cpp/[0-9]*.cc")}
