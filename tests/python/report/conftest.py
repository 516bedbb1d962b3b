"""A browser for the tests of pages."""

import shutil
import subprocess

import pytest


@pytest.fixture
def shown(tmp_path):
    """Shows a page in chromium and returns its elements; fails if the page's script did."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("no chromium on this machine (Debian package chromium)")

    def show(path):
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--virtual-time-budget=10000",
            "--window-size=1200,2400",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom",
        ]
        run = subprocess.run(
            [browser, *options, path.as_uri()],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        errors = [ln for ln in run.stderr.splitlines() if "CONSOLE" in ln and "rror" in ln]
        assert not errors
        return run.stdout

    return show
