"""From a model to one FX graph of forward and backward: the one file that knows torch's internals.

Three recipes, tried in order, give the same graph:
  hooks: the joint graph of the module itself; every forward notes its submodule. The fastest.
  export: torch.export first, then the joint graph of its result. Twice the time; every node knows
    its source line (`meta["stack_trace"]`).
  simple: the oldest interface, a function of flat tensors; no buffer updates.
What torch calls inputs and outputs is translated to `Role`s here, so that nothing else depends on
private classes of this torch version.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import fx, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx._lazy_graph_module import _use_lazy_graph_module

from gopt.capture import errors
from gopt.capture.errors import CaptureError

TESTED_TORCH = "2.13"
RECIPES = ("hooks", "export", "simple")


@dataclasses.dataclass(frozen=True)
class Role:
    """What a placeholder or a result of the joint graph is.

    Attributes:
      kind: of a placeholder "parameter", "buffer", "input" or "tangent"; of a result "output",
        "gradient" (of the parameter `name`), "buffer" (its new value) or "unused".
      name: of the parameter or buffer, as the traced module calls it; else "".
      index: of the input or output; else -1.
    """

    kind: str
    name: str = ""
    index: int = -1


@dataclasses.dataclass(frozen=True)
class Trace:
    """A functional ATen graph of forward and, if trained, backward.

    Attributes:
      graph_module: the graph; interpreting it computes what autograd computes.
      inputs: role of each placeholder, in order.
      outputs: role of each element of the result, in order.
      recipe: which one of RECIPES made it.
    """

    graph_module: fx.GraphModule
    inputs: list[Role]
    outputs: list[Role]
    recipe: str


def trace(
    build: Callable[[FakeTensorMode], tuple[nn.Module, tuple[torch.Tensor, ...]]],
    *,
    train: bool,
    recipes: tuple[str, ...] = RECIPES,
) -> Trace:
    """Traces the module and the flat tensor inputs that `build` makes, fresh for each recipe.

    Args:
      build: makes (module, inputs), both fake in the mode it is given; module(*inputs) is one
        scalar when trained, a tuple of tensors otherwise.
      train: with the backward pass of all parameters.
      recipes: which ways to try, in order.

    Raises:
      CaptureError: no recipe works; says what in the model stands in the way.
    """
    _check_version()
    failures: list[Exception] = []
    for recipe in recipes:
        mode = FakeTensorMode(allow_non_fake_inputs=True)
        try:
            module, inputs = build(mode)
            with _quiet(), _compiling(), torch.set_grad_enabled(train):
                result = _RECIPES[recipe](mode, module, inputs, train)
            if train and not _has_gradients(result):
                raise errors.no_gradient(f"the backward pass that {recipe!r} traced is empty")
            return result
        except Exception as error:
            failures.append(error)
            if errors.is_definite(error):
                break
    definite = [error for error in failures if errors.is_definite(error)]
    cause = definite[0] if definite else failures[0]  # the first is closest to the model's code
    raise errors.explain(cause) from cause


def _has_gradients(trace: Trace) -> bool:
    results = trace.graph_module.graph.output_node().args[0]
    return any(
        role.kind == "gradient" and isinstance(result, fx.Node)
        for role, result in zip(trace.outputs, results, strict=True)
    )


def _check_version() -> None:
    release = torch.__version__.split("+")[0].split(".")
    found, tested = (int(release[0]), int(release[1])), tuple(map(int, TESTED_TORCH.split(".")))
    if found < tested:
        raise CaptureError(
            f"with torch {torch.__version__}",
            f"gopt's recipe needs torch {TESTED_TORCH}",
            f"install torch=={TESTED_TORCH}.*",
        )
    if found > tested:
        warnings.warn(
            f"gopt.capture was tested with torch {TESTED_TORCH}, this is {torch.__version__}",
            stacklevel=4,
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No warnings of torch's internals, and no code for graphs that are read and not called."""
    with warnings.catch_warnings(), _use_lazy_graph_module(True):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _compiling() -> Iterator[None]:
    """torch.compiler.is_compiling() is true inside, as in torch.compile and torch.export.

    Models ask it before they look at data, such as whether an attention mask masks anything.
    """
    before = torch.compiler._is_compiling_flag
    torch.compiler._is_compiling_flag = True
    try:
        yield
    finally:
        torch.compiler._is_compiling_flag = before


def _by_export(
    mode: FakeTensorMode, module: nn.Module, inputs: tuple[torch.Tensor, ...], train: bool
) -> Trace:
    """torch.export for module paths and source lines, then the joint graph of its result."""
    with mode:
        exported = torch.export.export(module, inputs, strict=False)
    return _joint(mode, exported.module(), inputs, "export")


def _by_hooks(
    mode: FakeTensorMode, module: nn.Module, inputs: tuple[torch.Tensor, ...], train: bool
) -> Trace:
    """The joint graph of the module itself; every forward notes its submodule."""
    with _scope_hooks(module):
        return _joint(mode, module, inputs, "hooks")


def _by_simple(
    mode: FakeTensorMode, module: nn.Module, inputs: tuple[torch.Tensor, ...], train: bool
) -> Trace:
    """The oldest interface: a function of flat tensors, no descriptors, no buffer updates."""
    from torch._functorch.aot_autograd import aot_export_joint_simple

    names = [name for name, _ in module.named_parameters()]
    buffer_names = [name for name, _ in module.named_buffers()]
    state = [p for _, p in module.named_parameters()]
    buffers = [b for _, b in module.named_buffers()]

    def function(*flat: torch.Tensor) -> tuple[torch.Tensor, ...]:
        # Clones: what the model writes in place (running statistics) must not be an input.
        kept = [tensor.clone() for tensor in flat[len(names) : len(names) + len(buffer_names)]]
        values = dict(zip(names + buffer_names, [*flat[: len(names)], *kept], strict=True))
        result = torch.func.functional_call(module, values, flat[len(values) :])
        return result if isinstance(result, tuple) else (result,)

    arguments = (*state, *buffers, *inputs)
    with mode, torch.fx.traceback.preserve_node_meta(), _scope_hooks(module):
        graph_module = aot_export_joint_simple(function, arguments, trace_joint=train)
    roles = [Role("parameter", name) for name in names]
    roles += [Role("buffer", name) for name in buffer_names]
    roles += [Role("input", index=i) for i in range(len(inputs))]
    results = _flat_results(graph_module)
    outputs = len(results) - (len(arguments) if train else 0)
    gradients = [Role("gradient", name) for name in names]
    rest = [Role("unused")] * (len(results) - outputs - len(names)) if train else []
    out_roles = [Role("output", index=i) for i in range(outputs)] + (gradients if train else [])
    roles += [Role("tangent")] * (_count_placeholders(graph_module) - len(roles))
    return Trace(graph_module, roles, out_roles + rest, "simple")


def _joint(
    mode: FakeTensorMode, module: nn.Module, inputs: tuple[torch.Tensor, ...], recipe: str
) -> Trace:
    from torch._functorch.aot_autograd import aot_export_joint_with_descriptors

    with contextlib.ExitStack() as stack:
        stack.enter_context(mode)
        stack.enter_context(torch.fx.traceback.preserve_node_meta())
        graph_module = aot_export_joint_with_descriptors(stack, module, inputs).graph_module
    placeholders = [n for n in graph_module.graph.nodes if n.op == "placeholder"]
    result = graph_module.graph.output_node()
    return Trace(
        graph_module,
        [_input_role(node.meta["desc"]) for node in placeholders],
        [_output_role(desc) for desc in result.meta["desc"]],
        recipe,
    )


_RECIPES = {"export": _by_export, "hooks": _by_hooks, "simple": _by_simple}


def _input_role(desc: Any) -> Role:
    from torch._functorch._aot_autograd import descriptors as d

    if isinstance(desc, d.ParamAOTInput):
        return Role("parameter", desc.target)
    if isinstance(desc, d.BufferAOTInput):
        return Role("buffer", desc.target)
    if isinstance(desc, d.PlainAOTInput):
        return Role("input", index=desc.idx)
    if isinstance(desc, d.TangentAOTInput):
        return Role("tangent")
    raise _strange(desc)


def _output_role(desc: Any) -> Role:
    from torch._functorch._aot_autograd import descriptors as d

    if desc is None:
        return Role("unused")
    if isinstance(desc, d.PlainAOTOutput):
        return Role("output", index=desc.idx)
    if isinstance(desc, d.GradAOTOutput) and isinstance(desc.grad_of, d.ParamAOTInput):
        return Role("gradient", desc.grad_of.target)
    if isinstance(desc, d.GradAOTOutput):
        return Role("unused")
    if isinstance(desc, d.InputMutationAOTOutput):
        if isinstance(desc.mutated_input, d.BufferAOTInput):
            return Role("buffer", desc.mutated_input.target)
        raise CaptureError(
            "an input that the model writes in place",
            f"{desc.mutated_input} is changed by forward",
            "clone the input first: x = x.clone()",
        )
    raise _strange(desc)


def _strange(desc: Any) -> CaptureError:
    return CaptureError(
        "a tensor subclass or an alias at the border of the graph",
        f"torch describes it as {type(desc).__name__}",
        "use plain tensors for parameters and inputs, and do not return views of inputs",
    )


@contextlib.contextmanager
def _scope_hooks(module: nn.Module) -> Iterator[None]:
    """While inside, every FX node notes in meta["custom"]["scope"] which submodule made it."""
    submodules = list(module.named_modules())
    own = [(submodule, vars(submodule).get("forward")) for _, submodule in submodules]
    for name, submodule in submodules:
        submodule.forward = _noting(name, submodule.forward)
    try:
        yield
    finally:
        for submodule, forward in own:
            del submodule.forward
            if forward is not None:
                submodule.forward = forward


def _noting(name: str, forward: Callable[..., Any]) -> Callable[..., Any]:
    """`forward`, with the scope noted until it returns or raises."""
    notes = torch.fx.traceback

    @functools.wraps(forward)
    def run(*args: Any, **kwargs: Any) -> Any:
        before = notes.current_meta.get("custom", {})
        notes.current_meta["custom"] = {**before, "scope": name}
        try:
            return forward(*args, **kwargs)
        finally:
            notes.current_meta["custom"] = before

    return run


def _flat_results(graph_module: fx.GraphModule) -> list[Any]:
    """Makes the graph's result one flat list, as the other recipes return it."""
    node = graph_module.graph.output_node()
    flat, _ = torch.utils._pytree.tree_flatten(node.args[0])
    node.args = (flat,)
    graph_module.graph.set_codegen(fx.graph.CodeGen())
    graph_module.recompile()
    return flat


def _count_placeholders(graph_module: fx.GraphModule) -> int:
    return sum(node.op == "placeholder" for node in graph_module.graph.nodes)


def scope_of(node: fx.Node) -> str | None:
    """The path of the submodule that made the node, None where torch noted nothing."""
    stack = node.meta.get("nn_module_stack") or node.meta.get("fwd_nn_module_stack")
    if stack:
        path = next(reversed(stack.values()))[0]
        return str(path).split("@")[0]
    custom = node.meta.get("custom") or {}
    return custom.get("scope")


def phase_of(node: fx.Node) -> str | None:
    """ "forward", "backward" or None where torch noted nothing."""
    tag = node.meta.get("partitioner_tag")
    if not tag:
        return None
    return "backward" if "backward" in tag else "forward"
