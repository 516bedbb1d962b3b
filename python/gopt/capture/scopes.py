"""Phase and module path of every FX node, those that torch forgot included."""

from __future__ import annotations

import dataclasses

from torch import fx

from gopt.capture.trace import Trace, phase_of, scope_of


@dataclasses.dataclass(frozen=True)
class ScopeNames:
    """How paths in the traced wrapper become paths in the user's model.

    Attributes:
      root: scope of what the model's own forward does outside of submodules: its class name.
      model: name of the model in the wrapper.
      wrapper: scope of what the wrapper does: "loss", or `root` where there is none.
    """

    root: str
    model: str
    wrapper: str

    def scope(self, path: str) -> str:
        """Module path in the wrapper to scope."""
        if path == "":
            return self.wrapper
        if path == self.model:
            return self.root
        return path.removeprefix(self.model + ".")

    def tensor(self, name: str) -> str:
        """Name of a parameter or buffer in the wrapper to its name in the model."""
        return name.removeprefix(self.model + ".")

    def owner(self, name: str) -> str:
        """Scope of the module that holds a parameter, named as in the model."""
        return name.rpartition(".")[0] or self.root


def node_scopes(trace: Trace, names: ScopeNames) -> dict[fx.Node, str]:
    """A non-empty scope for every node.

    Sums of gradients, which torch makes without one, get their parameter's scope, or, where they
    sum the gradient of an activation, the scope of the op that takes the sum.
    """
    graph = trace.graph_module.graph
    scopes: dict[fx.Node, str] = {}
    results = graph.output_node().args[0]
    for role, result in zip(trace.outputs, results, strict=True):
        if role.kind == "gradient" and isinstance(result, fx.Node) and scope_of(result) is None:
            scopes[result] = names.owner(names.tensor(role.name))
    for node in reversed(graph.nodes):
        path = scope_of(node)
        if path is not None:
            scopes[node] = names.scope(path)
        elif node not in scopes:
            users = [user for user in node.users if user.op != "output"]
            if users and node.op == "call_function":
                scopes[node] = scopes[users[0]]
    for node in graph.nodes:
        if node not in scopes:
            known = [scopes[i] for i in node.all_input_nodes if i.op == "call_function"]
            scopes[node] = known[0] if known else names.root
    return scopes


def node_phases(trace: Trace) -> dict[fx.Node, str]:
    """ "forward" or "backward" for every node; untagged ones follow what they read."""
    phases: dict[fx.Node, str] = {}
    roles = iter(trace.inputs)
    for node in trace.graph_module.graph.nodes:
        if node.op == "placeholder":
            phases[node] = "backward" if next(roles).kind == "tangent" else "forward"
            continue
        backward = any(phases[i] == "backward" for i in node.all_input_nodes)
        phases[node] = phase_of(node) or ("backward" if backward else "forward")
    return phases
