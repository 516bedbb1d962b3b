"""The public call: `gopt.capture(model, example_inputs, ...)` and what it returns."""

from __future__ import annotations

import collections
import contextlib
import gc
import operator
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import fx, nn
from torch.utils import _pytree as pytree

from gopt.capture import fake
from gopt.capture import optimizer as optimizers
from gopt.capture.errors import CaptureError
from gopt.capture.inputs import flatten_inputs
from gopt.capture.lower import Lowered, lower
from gopt.capture.scopes import ScopeNames
from gopt.capture.trace import RECIPES, Trace, trace
from gopt.capture.wrapper import Step, plain_model


class Captured:
    """A captured training step or inference pass.

    Attributes:
      graph: the gopt Graph.
      graph_module: the functional FX graph of forward and backward it was made from.
      nodes: per op id of `graph` the FX nodes it stands for, the computing one first; () for ops
        that FX does not have (optimizer updates, outputs).
      parameters: parameter name (as in model.named_parameters()) to op id.
      updates: parameter name to the op id of its optimizer op.
      train: True for a training step.
      recipe: how it was traced: "hooks", "export" or "simple".
      seconds: wall time of the capture.
    """

    def __init__(
        self, traced: Trace, lowered: Lowered, names: ScopeNames, train: bool, seconds: float
    ) -> None:
        self.graph = lowered.graph
        self.graph_module: fx.GraphModule = traced.graph_module
        self.nodes: list[tuple[fx.Node, ...]] = lowered.nodes
        self.parameters: dict[str, int] = lowered.parameters
        self.updates: dict[str, int] = lowered.updates
        self.train = train
        self.recipe = traced.recipe
        self.seconds = seconds
        self._trace = traced
        self._names = names
        self._ops = {node.name: op for op, group in enumerate(lowered.nodes) for node in group}

    @property
    def parameter_names(self) -> list[str]:
        """Names of the parameters, in the order of their ops."""
        return list(self.parameters)

    def op_of(self, node: fx.Node | str) -> int:
        """Id of the (last) op that stands for an FX node, given as node or by its name.

        Raises:
          KeyError: the graph has no such node.
        """
        return self._ops[node if isinstance(node, str) else node.name]

    def interpret(
        self, model: nn.Module, example_inputs: Any, targets: Any = (), loss: Any = None
    ) -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
        """Runs `graph_module` with a model's real weights; the model is not changed.

        Args:
          model: a real model of the captured structure.
          example_inputs, targets: as given to `capture`, with data.
          loss: as given to `capture` if it is a module with parameters or buffers.

        Returns:
          (outputs, gradients by parameter name); for a training step the one output is the loss.
          Batch-norm statistics stay as they were.
        """
        holder = Step(model, loss, self.train)
        flat = flatten_inputs(example_inputs, targets).tensors
        arguments = []
        for role, node in zip(self._trace.inputs, self._placeholders(), strict=True):
            if role.kind in ("parameter", "buffer"):
                arguments.append(operator.attrgetter(role.name)(holder).detach())
            elif role.kind == "input":
                arguments.append(flat[role.index])
            else:
                value = node.meta["val"]
                arguments.append(torch.ones(value.shape, dtype=value.dtype, device=value.device))
        with torch.no_grad():
            results = _Interpreter(self.graph_module).run(*arguments)
        outputs, gradients = [], {}
        for role, result in zip(
            self._trace.outputs,
            pytree.tree_leaves(results, is_leaf=lambda x: x is None),
            strict=True,
        ):
            if role.kind == "output":
                outputs.append(result)
            elif role.kind == "gradient" and result is not None:
                gradients[self._names.tensor(role.name)] = result
        return outputs, gradients

    def _placeholders(self) -> list[fx.Node]:
        return [n for n in self.graph_module.graph.nodes if n.op == "placeholder"]

    def __repr__(self) -> str:
        what = "training step" if self.train else "inference"
        types = collections.Counter(
            node.target._schema.name.removeprefix("aten::")
            for group in self.nodes
            for node in group[:1]
            if isinstance(node.target, torch._ops.OpOverload)
        )
        common = ", ".join(f"{count} {name}" for name, count in types.most_common(4))
        elements = sum(self.nodes[op][0].meta["val"].numel() for op in self.parameters.values())
        return (
            f"<{type(self).__name__} of {self._names.root}: {what}, {len(self.nodes)} ops from "
            f"{len(self.graph_module.graph.nodes)} FX nodes ({common}), "
            f"{len(self.parameters)} parameters ({elements / 1e6:.1f} M), "
            f"{len(self.updates)} optimizer ops, captured in {self.seconds:.1f} s>"
        )


class TrainingStep(Captured):
    """A captured forward, backward and update."""


class _Interpreter(fx.Interpreter):
    """Views may be copies: some CPU kernels lay results out otherwise than torch foretells."""

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        if target is torch.ops.aten.view.default:
            return torch.reshape(*args)
        return super().call_function(target, args, kwargs)


def capture(
    model: nn.Module,
    example_inputs: Any,
    loss: Callable[..., torch.Tensor] | None = None,
    optimizer: Any = None,
    train: bool = True,
    *,
    targets: Any = (),
    name: str | None = None,
    recipes: Sequence[str] = RECIPES,
) -> Captured:
    """Captures the training step (or inference pass) of a PyTorch model as a gopt Graph.

    The model is not run on data and not changed, and no memory is taken for weights: it may as well
    be built under `torch.device("meta")`.

    Args:
      model: any torch.nn.Module. Trained with the `training` flags it has, unless it is in eval
        mode as a whole; inference always in eval mode.
      example_inputs: a tensor, a tuple or list of positional arguments, or a dict of keyword
        arguments. Only shapes and dtypes matter; shapes are fixed in the graph.
      loss: loss(output) or loss(output, *targets), giving one number; None: the model's output
        (or its `loss` attribute or entry) is the loss.
      optimizer: "adam", "sgd", "momentum" (SGD with momentum), "adamw", ..., a torch.optim class or
        instance, an OptimizerSpec; None: no update, gradients are results of the graph.
      train: False captures inference: forward only, no loss, no optimizer.
      targets: a tensor or a tuple of tensors given to the loss after the output.
      name: of the graph; default the class of the model.
      recipes: ways of tracing to try, in order; ("export",) takes twice the time and notes source
        lines in the FX nodes' meta["stack_trace"].

    Returns:
      A Captured (a TrainingStep if trained); its `.graph` is the gopt Graph.

    Raises:
      CaptureError: names the construct that cannot be captured and what to do about it.
    """
    began = time.perf_counter()
    model = plain_model(model)
    if not train and (loss is not None or optimizer is not None):
        raise CaptureError(
            "a loss or an optimizer without training",
            "train=False captures the forward pass only",
            "drop loss= and optimizer=, or set train=True",
        )
    spec = optimizers.resolve(optimizer)
    inputs = flatten_inputs(example_inputs, targets)
    tensors = [*model.parameters(), *model.buffers(), *inputs.tensors]
    device = fake.home_device(tensors)
    if train and not any(p.requires_grad for p in model.parameters()):
        raise CaptureError(
            "a training step without parameters to train",
            "no parameter requires a gradient",
            "call model.requires_grad_(True), or capture with train=False",
        )

    def build(mode: Any) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
        step = fake.fake_model(mode, Step(model, loss, train), device)
        step.assemble = inputs.assemble
        _set_training(step.model, train)
        if not train:
            step.requires_grad_(False)
        return step, tuple(fake.fake_tensor(mode, t, device) for t in inputs.tensors)

    root = type(model).__name__
    names = ScopeNames(root=root, model="model", wrapper="loss" if train else root)
    with _uncollected():
        with fake.undisturbed():
            traced = trace(build, train=train, recipes=tuple(recipes))
        lowered = lower(
            traced,
            name=name or root,
            names=names,
            input_names=inputs.names,
            optimizer=spec,
            trainable=_trainable(model, loss, spec),
            source=f"torch {torch.__version__.split('+')[0]} {'joint' if train else 'forward'}",
        )
    seconds = time.perf_counter() - began
    return (TrainingStep if train else Captured)(traced, lowered, names, train, seconds)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection inside: it would look at every node made so far, again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _trainable(model: nn.Module, loss: Any, spec: Any) -> frozenset[str] | None:
    """Names of the parameters that an optimizer instance updates; None: all of them."""
    if spec is None or spec.parameters is None:
        return None
    named = list(model.named_parameters())
    if isinstance(loss, nn.Module):
        named += [(f"loss.{name}", p) for name, p in loss.named_parameters()]
    names = frozenset(name for name, p in named if id(p) in spec.parameters)
    if not names:
        raise CaptureError(
            "an optimizer of another model",
            "it holds none of this model's parameters",
            "make it from this model's parameters(), or pass its class or name",
        )
    return names


def _set_training(model: nn.Module, train: bool) -> None:
    if not train:
        model.eval()
    elif not model.training:
        model.train()
