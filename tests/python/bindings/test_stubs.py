"""The stubs name exactly what the module has."""

import ast
import inspect
from pathlib import Path

import gopt
import gopt._core as core

STUB = ast.parse(Path(gopt.__file__).with_name("_core.pyi").resolve().read_text())
SPECIAL = {"__init__", "__len__", "__getitem__", "__iter__", "__copy__"}


def stubbed(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    names = {}
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names[node.target.id] = node
    return names


def members(kind: type) -> set[str]:
    own = {name for name in vars(kind) if not name.startswith("_")}
    return own | (SPECIAL & set(vars(kind)))


def test_module_names_match():
    module = {name for name in vars(core) if not name.startswith("_")}
    assert {n for n in stubbed(STUB.body) if not n.startswith("_")} == module


def test_class_members_match():
    for name, node in stubbed(STUB.body).items():
        if isinstance(node, ast.ClassDef):
            kind = getattr(core, name)
            listed = set(stubbed(node.body))
            if "__init__" not in listed:
                listed |= {"__init__"} & members(kind)
            assert listed == members(kind), name


def test_argument_names_match():
    """pybind11's docstrings begin with the signature."""
    for name, node in stubbed(STUB.body).items():
        functions = stubbed(node.body) if isinstance(node, ast.ClassDef) else {name: node}
        owner = getattr(core, name) if isinstance(node, ast.ClassDef) else core
        for function_name, function in functions.items():
            if isinstance(function, ast.FunctionDef) and not function.decorator_list:
                check_arguments(function, getattr(owner, function_name))


def check_arguments(function: ast.FunctionDef, real: object) -> None:
    signature = (real.__doc__ or "").split("\n")[0]
    if "(" not in signature:
        return
    arguments = function.args.args + function.args.kwonlyargs
    for argument in arguments:
        if argument.arg != "self" and not function.name.startswith("__get"):
            assert f"{argument.arg}:" in signature, (function.name, argument.arg, signature)


def test_everything_public_is_documented():
    for name in gopt.__all__:
        if name in ("capture", "workloads", "report", "CaptureError"):
            continue
        assert inspect.getdoc(getattr(gopt, name)), name


def test_the_package_is_marked_as_typed():
    assert Path(gopt.__file__).with_name("py.typed").exists()
