"""Reads every #include and fails on what docs/architecture.md does not allow."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Area -> the areas below it, from the table in docs/architecture.md.
CORE = {
    "base": "",
    "graph": "base",
    "machine": "base graph",  # graph/enums.h alone: efficiencies are given per fusion class
    "plan": "base graph machine",
    "cost": "base graph machine plan",
    "solve": "base graph machine plan cost",
    "training": "base",
    "io": "base graph machine plan cost training",
    "optimizer": "base graph machine plan cost solve training io",
    "workloads": "base graph machine plan cost training io",
}
TORCH = {
    "features": "base graph machine plan",
    "nn": "base training features",
    "costmodel": "base graph machine plan cost features nn",
    "runtime": "base graph machine plan cost",
    "rl": "base graph machine plan cost solve training io optimizer workloads "
    "features nn costmodel runtime",
}
ALLOWED = {area: {area, *below.split()} for area, below in (CORE | TORCH).items()}
PUBLIC_ABSL = {"absl/status/status.h", "absl/status/statusor.h"}
TORCH_HEADER = re.compile(r"(torch|ATen|c10|caffe2)/")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


@cache
def tracked(*patterns: str) -> list[Path]:
    command = ["git", "ls-files", "-co", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in names.splitlines() if (ROOT / name).is_file()]


def includes(path: Path) -> list[str]:
    return INCLUDE.findall((ROOT / path).read_text())


def area_of(path: Path) -> str:
    return path.parts[2] if path.parts[0] == "include" else path.parts[1]


def library_files() -> list[Path]:
    files = tracked("include/*.h", "src/*.h", "src/*.cc")
    assert files
    return files


def test_every_area_is_in_the_table():
    assert {area_of(path) for path in library_files()} <= set(ALLOWED)


def test_a_source_includes_its_header_first():
    """So that every header compiles alone."""
    wrong = []
    for path in tracked("src/*.cc"):
        public = Path("include/gopt", *path.parts[1:]).with_suffix(".h")
        private = path.with_suffix(".h")
        for header, name in [(public, Path(*public.parts[1:])), (private, private)]:
            if (ROOT / header).exists() and includes(path)[:1] != [str(name)]:
                wrong.append(str(path))
    assert not wrong


def test_includes_point_down():
    wrong = []
    for path in library_files():
        for header in includes(path):
            match = re.match(r"(?:gopt|src)/(\w+)/", header)
            if match and match[1] != "v1" and match[1] not in ALLOWED[area_of(path)]:
                wrong.append(f"{path} includes {header}")
    assert not wrong


def test_public_headers_include_nothing_private():
    wrong = []
    for path in tracked("include/*.h"):
        for header in includes(path):
            private = header.startswith(
                ("src/", "tests/", "python/", "google/protobuf", "gopt/v1/")
            )
            foreign_absl = header.startswith("absl/") and header not in PUBLIC_ABSL
            if private or foreign_absl or header.endswith(".pb.h"):
                wrong.append(f"{path} includes {header}")
    assert not wrong


def test_core_includes_no_torch():
    core = [path for path in library_files() if area_of(path) in CORE]
    assert not [f"{path}: {h}" for path in core for h in includes(path) if TORCH_HEADER.match(h)]


def test_generated_headers_are_seen_by_io_alone():
    allowed = ("src/io/", "tests/io/", "tests/fuzz/")
    files = [path for path in tracked("*.h", "*.cc") if not str(path).startswith(allowed)]
    assert not [f"{path}: {h}" for path in files for h in includes(path) if h.endswith(".pb.h")]


def test_nothing_includes_the_bindings():
    files = [path for path in tracked("*.h", "*.cc") if path.parts[0] != "python"]
    assert not [
        f"{path}: {h}"
        for path in files
        for h in includes(path)
        if h.startswith(("python/", "pybind11/"))
    ]


@pytest.mark.parametrize(
    "folder", ["src", "tests", "benchmarks", "examples/cpp", "python/bindings"]
)
def test_every_source_is_in_its_list(folder):
    """A file that no CMakeLists.txt names is neither compiled nor run."""
    missing = []
    for path in tracked(f"{folder}/*.cc"):
        lists = ROOT / path.parent / "CMakeLists.txt"
        text = lists.read_text() if lists.exists() else ""
        stem = path.stem.removesuffix("_bench")
        # A main of its own (replay_main.cc, consumer's core_main.cc) is named elsewhere.
        if path.stem.endswith("_main"):
            continue
        if not re.search(rf"\b{re.escape(path.name)}\b", text) and not re.search(
            rf"(gopt_bench|gopt_example)\(\s*{re.escape(stem)}\b", text
        ):
            missing.append(str(path))
    assert not missing


@pytest.mark.parametrize(
    ("patterns", "limit"), [(("include/*.h", "src/*.h"), 300), (("src/*.cc",), 500)]
)
def test_files_are_short(patterns, limit):
    lengths = {str(p): (ROOT / p).read_text().count("\n") for p in tracked(*patterns)}
    assert not {path: n for path, n in lengths.items() if n > limit}


def test_no_machine_paths():
    """What is tracked works on every machine."""
    pattern = re.compile(r"(?<![\w.$}/-])/(work|root|home)/\w")
    wrong = []
    for path in tracked():
        try:
            text = (ROOT / path).read_text()
        except UnicodeDecodeError:
            continue
        wrong += [f"{path}: {match[0]}" for match in pattern.finditer(text)]
    assert not wrong
