"""The stubs name exactly what the module has."""

import ast
import inspect
from pathlib import Path

import pytest
import torch  # noqa: F401  gopt._gopt needs its libraries.

import gopt
import gopt._core as core
import gopt._gopt as learned

SPECIAL = {"__init__", "__len__", "__getitem__", "__iter__", "__copy__", "__deepcopy__"}


def stubbed(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    names = {}
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names[node.target.id] = node
    return names


def stub_of(module) -> ast.Module:
    path = Path(gopt.__file__).with_name(module.__name__.split(".")[1] + ".pyi")
    return ast.parse(path.resolve().read_text())


@pytest.fixture(params=[core, learned], ids=["_core", "_gopt"])
def module(request):
    return request.param


def members(kind: type) -> set[str]:
    own = {name for name in vars(kind) if not name.startswith("_")}
    return own | (SPECIAL & set(vars(kind)))


def test_module_names_match(module):
    names = {name for name in vars(module) if not name.startswith("_")}
    assert {n for n in stubbed(stub_of(module).body) if not n.startswith("_")} == names


def test_class_members_match(module):
    for name, node in stubbed(stub_of(module).body).items():
        if isinstance(node, ast.ClassDef):
            kind = getattr(module, name)
            listed = set(stubbed(node.body))
            if "__init__" not in listed:
                listed |= {"__init__"} & members(kind)
            assert listed == members(kind), name


def test_argument_names_match(module):
    """pybind11's docstrings begin with the signature."""
    for name, node in stubbed(stub_of(module).body).items():
        functions = stubbed(node.body) if isinstance(node, ast.ClassDef) else {name: node}
        owner = getattr(module, name) if isinstance(node, ast.ClassDef) else module
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
