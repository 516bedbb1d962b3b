"""Makes the environment that runs this import gopt from a build tree, and adds the command `gopt`.

    .venv/bin/python scripts/editable.py build/release/python

An editable install without a second build (docs/adr/0002): a .pth file that names the folder, the
metadata that pip and importlib.metadata read, and the console script. `pip uninstall gopt` takes
them away again.
"""

import base64
import hashlib
import os
import stat
import sys
import sysconfig
import tomllib
from pathlib import Path

SCRIPT = """#!{python}
import sys

from {module} import {function}

if __name__ == "__main__":
    sys.exit({function}())
"""


def files_to_write(tree: Path, project: dict) -> dict[Path, str]:
    site = Path(sysconfig.get_path("purelib"))
    scripts = Path(sysconfig.get_path("scripts"))
    info = site / f"{project['name']}-{project['version']}.dist-info"
    entry_points = project["scripts"]
    requires = "".join(f"Requires-Dist: {line}\n" for line in project["dependencies"])
    files = {
        site / "gopt.pth": f"{tree}\n",
        info / "METADATA": f"Metadata-Version: 2.1\nName: {project['name']}\n"
        f"Version: {project['version']}\n{requires}",
        info / "INSTALLER": "scripts/editable.py\n",
        info / "entry_points.txt": "[console_scripts]\n"
        + "".join(f"{name} = {target}\n" for name, target in entry_points.items()),
    }
    for name, target in entry_points.items():
        module, function = target.split(":")
        files[scripts / name] = SCRIPT.format(
            python=sys.executable, module=module, function=function
        )
    files[info / "RECORD"] = record(site, files) + f"{info.name}/RECORD,,\n"
    return files


def record(site: Path, files: dict[Path, str]) -> str:
    lines = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        relative = os.path.relpath(path, site)
        lines += f"{relative},sha256={digest.decode()},{len(text.encode())}\n"
    return lines


def main() -> None:
    tree = Path(sys.argv[1]).resolve()
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    for path, text in files_to_write(tree, project).items():
        if path.exists() and path.read_text() == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if path.parent.name == "bin":
            path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


if __name__ == "__main__":
    main()
