"""From a joint FX graph to a gopt Graph: ops with phase, scope, class, arithmetic and bytes."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterable
from typing import Any

import torch
from torch import fx

from gopt import _core
from gopt.capture import contract, costs, errors, fusion, op_table
from gopt.capture.contract import Value
from gopt.capture.errors import CaptureError
from gopt.capture.op_table import OpInfo
from gopt.capture.optimizer import OptimizerSpec
from gopt.capture.scopes import ScopeNames, node_phases, node_scopes
from gopt.capture.signatures import Signatures
from gopt.capture.trace import Role, Trace, scope_of

_Values = Value | list["Value | None"] | None


@dataclasses.dataclass(frozen=True)
class Lowered:
    """Attributes:
    graph: the gopt Graph.
    nodes: per op id the FX nodes that it stands for, the one that computes first.
    parameters: parameter name to op id.
    updates: parameter name to the op id of its optimizer op.
    """

    graph: Any
    nodes: list[tuple[fx.Node, ...]]
    parameters: dict[str, int]
    updates: dict[str, int]


def lower(
    trace: Trace,
    *,
    name: str,
    names: ScopeNames,
    input_names: list[str],
    optimizer: OptimizerSpec | None,
    trainable: frozenset[str] | None,
    source: str,
) -> Lowered:
    """Builds the gopt Graph of a trace.

    Args:
      trace: the joint graph.
      name: of the graph.
      names: how wrapper paths become model paths.
      input_names: name of each flat input.
      optimizer: what updates parameters; None: gradients are results.
      trainable: names of the parameters that the optimizer updates; None: all.
      source: where the graph is from, "torch 2.13 joint".

    Raises:
      CaptureError: an operator that a dataflow graph cannot hold.
      gopt.InvalidGraphError: the graph is not well formed (a bug of ours).
    """
    lowering = _Lowering(trace, name, names, input_names, optimizer, trainable, source)
    return lowering.run()


class _Lowering:
    def __init__(
        self,
        trace: Trace,
        name: str,
        names: ScopeNames,
        input_names: list[str],
        optimizer: OptimizerSpec | None,
        trainable: frozenset[str] | None,
        source: str,
    ) -> None:
        self.trace = trace
        self.names = names
        self.input_names = input_names
        self.optimizer = optimizer
        self.trainable = trainable
        self.builder = _core.GraphBuilder(name=name, source=source)
        self.scopes = node_scopes(trace, names)
        self.phases = node_phases(trace)
        self.values: dict[fx.Node, _Values] = {}
        self.signatures = Signatures(self._tensor_of)
        self.nodes: list[list[fx.Node]] = []  # per op
        self.op_names: list[str] = []
        self.taken: set[str] = set()
        self.readers: list[list[int]] = []  # per op: ops that read a port of it
        self.sources: list[list[int]] = []  # per op: ops whose ports it reads
        self.parameters: dict[str, int] = {}
        self.updates: dict[str, int] = {}
        self.twins: dict[tuple[int, str], int] = {}  # (seq_nr, scope) to forward op
        self.last_effect = -1
        results = trace.graph_module.graph.output_node().args[0]
        trained = [
            role.name
            for role, node in zip(trace.outputs, results, strict=True)
            if role.kind == "gradient" and isinstance(node, fx.Node)
        ]
        self.groups = {traced_name: i for i, traced_name in enumerate(trained)}  # colocation

    def run(self) -> Lowered:
        roles = iter(self.trace.inputs)
        for node in self.trace.graph_module.graph.nodes:
            if node.op == "placeholder":
                self._placeholder(node, next(roles))
            elif node.op == "get_attr":
                self._constant(node)
            elif node.op == "call_function":
                self._call(node)
            elif node.op != "output":
                raise CaptureError(
                    f"an FX node of kind {node.op}", node.format_node() or "", _SUBMODULE_ADVICE
                )
        self._results()
        for op, nodes in enumerate(self.nodes):
            if nodes:
                self.builder.set_ungroup(op, [node.name for node in nodes])
        self.builder.set_metadata("capture.recipe", self.trace.recipe)
        if self.optimizer is not None:
            self.builder.set_metadata("capture.optimizer", self.optimizer.name)
        self.builder.set_attributes(self.signatures.attributes(len(self.nodes)))
        graph = self.builder.build()
        # Ops were added in topological order, so that the builder keeps their ids.
        assert graph.op_names == self.op_names
        return Lowered(graph, [tuple(n) for n in self.nodes], self.parameters, self.updates)

    # --- ops ------------------------------------------------------------------------------------

    def _add_op(
        self,
        name: str,
        type_: str,
        nodes: Iterable[fx.Node],
        operands: Iterable[Value] = (),
        **more: Any,
    ) -> int:
        """Adds an op that reads `operands`, keeping names unique and who reads whom."""
        operands = list(operands)
        unique, suffix = name, 1
        while unique in self.taken:
            unique, suffix = f"{name}_{suffix}", suffix + 1
        self.taken.add(unique)
        ports = [contract.port_of(self.builder, value) for value in operands]
        op = self.builder.add_op(unique, type_, operands=ports, **more)
        assert op == len(self.nodes)
        self.nodes.append(list(nodes))
        self.op_names.append(unique)
        self.readers.append([])
        sources = list(dict.fromkeys(value.storage.op for value in operands))
        self.sources.append(sources)
        for producer in sources:
            self.readers[producer].append(op)
        return op

    def _add_storage(
        self,
        op: int,
        node: fx.Node,
        tensor: torch.Tensor,
        divisible: bool = True,
        shape: tuple[int, ...] | None = None,
        **more: Any,
    ) -> Value:
        region, shape = contract.region_of(tensor), shape or contract.stored_shape(tensor)
        port = self.builder.add_port(
            op, bytes=region.nbytes, dtype=contract.dtype_name(tensor), shape=shape, **more
        )
        return Value(contract.Storage(op, port, region, divisible, shape, node), region, tensor)

    def _placeholder(self, node: fx.Node, role: Role) -> None:
        tensor = node.meta.get("val")
        if not isinstance(tensor, torch.Tensor):
            self.values[node] = None
            return
        if role.kind == "parameter":
            self._parameter(node, self.names.tensor(role.name), role.name, tensor)
            return
        kind = "input" if role.kind == "input" else "constant"
        name = {
            "input": lambda: self.input_names[role.index],
            "buffer": lambda: self.names.tensor(role.name),
            "tangent": lambda: "loss_gradient",
        }[role.kind]()
        scope = self.names.root
        if role.kind == "buffer":
            scope = self.names.owner(name)
        elif role.kind == "tangent":
            scope = self.names.wrapper
        op = self._add_op(name, kind, [node], kind=kind, phase=self.phases[node], scope=scope)
        self.values[node] = self._add_storage(op, node, tensor)

    def _parameter(self, node: fx.Node, name: str, traced_name: str, tensor: torch.Tensor) -> None:
        updated = self._is_updated(name) and traced_name in self.groups
        op = self._add_op(
            name,
            "parameter",
            [node],
            kind="parameter",
            phase="forward",
            scope=self.names.owner(name),
            colocation=self.groups[traced_name] if updated else -1,
        )
        self.values[node] = self._add_storage(
            op,
            node,
            tensor,
            divisible=False,
            persistent=True,
            optimizer_copies=self.optimizer.copies if updated and self.optimizer else 0,
        )
        self.parameters[name] = op

    def _constant(self, node: fx.Node) -> None:
        tensor = node.meta.get("val")
        if tensor is None:
            tensor = operator.attrgetter(str(node.target))(self.trace.graph_module)
        if not isinstance(tensor, torch.Tensor):
            self.values[node] = None
            return
        for other, value in self.values.items():  # the same tensor read a second time
            if other.op == "get_attr" and other.target == node.target:
                self.values[node] = value
                return
        op = self._add_op(
            node.name, "constant", [node], kind="constant", phase="forward", scope=self.scopes[node]
        )
        self.values[node] = self._add_storage(op, node, tensor)

    # --- calls ----------------------------------------------------------------------------------

    def _call(self, node: fx.Node) -> None:
        if node.target is operator.getitem:
            self._getitem(node)
        elif not isinstance(node.target, torch._ops.OpOverload):
            raise CaptureError(
                f"the operator {getattr(node.target, '__name__', node.target)}",
                "higher-order and Python operators have no place in a dataflow graph",
                "write control flow as torch.where, or capture each branch as a model of its own",
                errors.line_of(node),
            )
        elif contract.is_view(node.target):
            self._view(node)
        elif node.target._schema.name == "aten::convolution_backward":
            self._convolution_backward(node)
        else:
            self._compute(node)

    def _getitem(self, node: fx.Node) -> None:
        source, index = node.args
        value = self.values[source][index]
        self.values[node] = value
        if value is not None:
            self._note(value, node)

    def _view(self, node: fx.Node) -> None:
        base = next((v for v in self._operands(node)), None)
        if base is None:
            raise CaptureError(f"the view {node.target} of no tensor", str(node), _SUBMODULE_ADVICE)
        result = node.meta["val"]
        if isinstance(result, torch.Tensor):
            self.values[node] = base.viewed_as(result)
        else:
            self.values[node] = [base.viewed_as(tensor) for tensor in result]
        self._note(base, node)

    def _compute(self, node: fx.Node) -> None:
        schema = node.target._schema
        info = op_table.look_up(schema.name)
        result = node.meta.get("val")
        outputs = [t for t in _flat(result) if isinstance(t, torch.Tensor)]
        if not outputs and not schema.is_mutable:
            raise CaptureError(
                f"the operator {schema.name}",
                f"it gives {type(result).__name__}, not a tensor",
                "keep values in tensors; compute Python numbers before the step",
                errors.line_of(node),
            )
        operands = [] if info.fusion == "fill" else self._operands(node)
        elements = [t.numel() for t in outputs] + [costs.stored_elements(v) for v in operands]
        op = self._add_compute(
            node,
            info,
            node.name,
            operands,
            outputs,
            costs.op_flops(info, schema.name, node, max(elements)),
            bytes_read=costs.bytes_read(node, info, operands, outputs),
            fusion_class=fusion.fusion_class(info, node, operands, outputs),
        )
        self.signatures.note_call(op, node)
        if isinstance(result, torch.Tensor):
            product = info.fusion == "contraction"
            shape = contract.natural_shape(node, result) if product else None
            self.values[node] = self._add_storage(op, node, result, shape=shape)
        else:
            self.values[node] = [
                self._add_storage(op, node, t) if isinstance(t, torch.Tensor) else None
                for t in _flat(result)
            ]

    def _convolution_backward(self, node: fx.Node) -> None:
        """Input, weight and bias gradient: three ops, each with only what it reads."""
        args = node.args
        grad, data, weight = (self.values[a] for a in args[:3])
        arithmetic = costs.convolution_flops(
            costs.shape(args[2]), costs.shape(args[0]), costs.shape(args[1]), bool(args[7])
        )
        reads = ((grad, weight), (grad, data), (grad,))
        suffixes = ("input", "weight", "bias")
        parts: list[Value | None] = [None, None, None]
        wanted = {user.args[1] for user in node.users if user.target is operator.getitem}
        for i, tensor in enumerate(node.meta["val"]):
            if tensor is None or i not in wanted:
                continue
            info = op_table.CONVOLUTION_BACKWARD[i]
            op = self._add_compute(
                node,
                info,
                f"{node.name}.{suffixes[i]}",
                list(reads[i]),
                [tensor],
                arithmetic if i < 2 else float(costs.stored_elements(grad)),
                bytes_read=sum(v.region.nbytes for v in reads[i]),
                fusion_class=info.fusion,
            )
            self.signatures.note_call(op, node, output_mask=[i == part for part in range(3)])
            parts[i] = self._add_storage(op, node, tensor)
        self.values[node] = parts

    def _add_compute(
        self,
        node: fx.Node,
        info: OpInfo,
        name: str,
        operands: list[Value],
        outputs: list[torch.Tensor],
        arithmetic: float,
        *,
        bytes_read: int,
        fusion_class: str,
    ) -> int:
        schema = node.target._schema
        phase = self.phases[node]
        # A sum of gradients carries the number of whatever op ran last, but no scope of its own; a
        # true twin has the same scope.
        sequence = (node.meta.get("seq_nr", -1), self.scopes[node])
        has_twin = phase == "backward" and scope_of(node) is not None
        effect = schema.is_mutable
        op = self._add_op(
            name,
            info.type,
            [node],
            operands,
            controls=[self.last_effect] if effect and self.last_effect >= 0 else [],
            kind="collective" if "c10d" in schema.name.partition("::")[0] else "compute",
            phase=phase,
            fusion_class=fusion_class,
            native=f"{schema.name}.{schema.overload_name or 'default'}",
            scope=self.scopes[node],
            flops=arithmetic,
            bytes_read=bytes_read,
            bytes_written=sum(contract.region_of(t).nbytes for t in outputs),
            scratch_bytes=0,
            forward_twin=self.twins.get(sequence, -1) if has_twin else -1,
            side_effect=effect,
        )
        if effect:
            self.last_effect = op
        if phase == "forward":
            self.twins.setdefault(sequence, op)
        return op

    # --- results --------------------------------------------------------------------------------

    def _results(self) -> None:
        """Output ops for what leaves the step, and an optimizer op for each trained parameter."""
        results = self.trace.graph_module.graph.output_node().args[0]
        by_kind: dict[str, list[tuple[str, Value]]] = {"output": [], "buffer": [], "gradient": []}
        for role, node in zip(self.trace.outputs, results, strict=True):
            value = self.values[node] if isinstance(node, fx.Node) else None
            if role.kind != "unused" and isinstance(value, Value):
                by_kind[role.kind].append((role.name, value))
        trained = bool(by_kind["gradient"])
        self._output("loss" if trained else "output", by_kind["output"], self.names.wrapper)
        self._output("buffer_updates", by_kind["buffer"], self.names.root)
        updates, rest = [], []
        for traced_name, gradient in by_kind["gradient"]:
            name = self.names.tensor(traced_name)
            (updates if self._is_updated(name) else rest).append((name, gradient))
        self._output("gradients", rest, self.names.root, phase="backward")
        controls = self._late_readers(updates)
        for name, gradient in updates:
            self._update(name, gradient, controls[name])

    def _output(
        self, name: str, values: list[tuple[str, Value]], scope: str, phase: str = "forward"
    ) -> None:
        if values:
            operands = [value for _, value in values]
            self._add_op(name, "output", [], operands, kind="output", phase=phase, scope=scope)

    def _update(self, name: str, gradient: Value, controls: list[int]) -> None:
        """The fused optimizer op of one parameter: reads it and its gradient, gives no port."""
        spec, op = self.optimizer, self.parameters[name]
        assert spec is not None
        node = self.nodes[op][0]
        parameter = self.values[node]
        nbytes = parameter.region.nbytes
        self.updates[name] = self._add_op(
            f"{name}.update",
            spec.name,
            [],
            [parameter, gradient],
            controls=controls,
            phase="optimizer",
            fusion_class="opaque",
            scope=self.names.owner(name),
            flops=spec.flops * node.meta["val"].numel(),
            bytes_read=nbytes * (1 + spec.copies) + gradient.region.nbytes,
            bytes_written=nbytes * (1 + spec.copies),
            scratch_bytes=0,
            colocation=self.groups[self._traced(name)],
            side_effect=True,
        )
        self.signatures.note_update(self.updates[name], spec.name, parameter.tensor, spec.copies)

    def _late_readers(self, updates: list[tuple[str, Value]]) -> dict[str, list[int]]:
        """Per parameter the ops that read it and that its gradient does not wait for anyway.

        The update writes the parameter in place, so these must have finished before. One pass over
        the ops in reverse, with a bit per parameter: "the gradient needs this op".
        """
        needed = [0] * len(self.nodes)
        for bit, (_, gradient) in enumerate(updates):
            needed[gradient.storage.op] |= 1 << bit
        for op in range(len(needed) - 1, -1, -1):
            if needed[op]:
                for producer in self.sources[op]:
                    needed[producer] |= needed[op]
        late = {}
        for bit, (name, _) in enumerate(updates):
            readers = self.readers[self.parameters[name]]
            late[name] = [r for r in readers if not needed[r] >> bit & 1]
        return late

    # --- helpers --------------------------------------------------------------------------------

    def _traced(self, name: str) -> str:
        traced = f"{self.names.model}.{name}"
        return traced if traced in self.groups else name

    def _is_updated(self, name: str) -> bool:
        if self.optimizer is None:
            return False
        return self.trainable is None or name in self.trainable

    def _operands(self, node: fx.Node) -> list[Value]:
        """Tensors that the node reads, in order of its arguments, repetitions kept."""
        found: list[Value] = []

        def visit(argument: Any) -> None:
            if isinstance(argument, fx.Node):
                value = self.values[argument]
                if isinstance(value, list):
                    found.extend(v for v in value if v is not None)
                elif value is not None:
                    found.append(value)
            elif isinstance(argument, (list, tuple)):
                for item in argument:
                    visit(item)

        for argument in node.args:
            visit(argument)
        for argument in node.kwargs.values():
            visit(argument)
        return found

    def _tensor_of(self, node: fx.Node) -> Any:
        value = self.values[node]
        if isinstance(value, list):
            return [None if part is None else part.tensor for part in value]
        return None if value is None else value.tensor

    def _note(self, value: Value, node: fx.Node) -> None:
        self.nodes[value.storage.op].append(node)


_SUBMODULE_ADVICE = "please report this model: the joint graph should hold ATen calls only"


def _flat(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (list, tuple)) else [result]
