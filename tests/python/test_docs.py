"""Runs the Python in README.md and docs/: the blocks of a page, in order, as one program.

A block under a line `<!-- not run: why -->` is left out.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"(<!-- not run: .+ -->\n+)?^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def programs() -> dict[str, str]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    found = {}
    for page in pages:
        relative = page.relative_to(ROOT)
        if not page.exists() or relative.parts[:2] in {("docs", "plans"), ("docs", "adr")}:
            continue
        blocks = [code for skipped, code in BLOCK.findall(page.read_text()) if not skipped]
        if blocks:
            found[str(relative)] = "\n".join(blocks)
    return found


@pytest.mark.parametrize("page", programs())
def test_page_runs(page, tmp_path):
    (tmp_path / "page.py").write_text(programs()[page])
    result = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    assert result.returncode == 0, result.stdout + result.stderr
