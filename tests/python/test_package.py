"""The package as it is installed."""

import contextlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib

import gopt


def run(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_one_version_everywhere(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert gopt.__version__ == project["version"]
    cmake = (root / "CMakeLists.txt").read_text()
    assert f"project(gopt VERSION {project['version']} " in cmake
    assert f"version: {project['version']}\n" in (root / "CITATION.cff").read_text()
    # Not there when a build tree is imported through PYTHONPATH.
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        assert importlib.metadata.version("gopt") == project["version"]


def test_core_never_loads_libtorch():
    """Neither the Python package torch nor its libraries."""
    loaded = run("import gopt._core, sys; print(*sys.modules, open('/proc/self/maps').read())")
    assert "gopt._core" in loaded
    assert not re.search(r"\btorch\b(?!/)|libtorch|libc10", loaded)


def test_gopt_module_takes_tensors():
    assert (
        run("import torch, gopt._gopt as g; print(g.log_bytes([0, -5]).tolist())") == "[0.0, 0.0]"
    )
