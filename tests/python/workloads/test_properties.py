"""What capture promises, on the small form of every model."""

import pytest
from properties import all_ops, captured, sums_of_gradient, views

from gopt import workloads


@pytest.fixture(scope="module", params=workloads.names("small"))
def name(request):
    return request.param


@pytest.fixture
def step(name):
    return captured(name)


def test_views_belong_to_the_op_whose_tensor_they_show(step):
    for node in views(step):
        op = step.op_of(node)
        assert step.nodes[op][0] is not node
        assert node in step.nodes[op]


def test_every_parameter_has_one_fused_update_beside_it(step):
    optimizer = [op.id for op in all_ops(step) if op.phase == "optimizer"]
    assert sorted(optimizer) == sorted(step.updates.values())
    assert step.updates.keys() == step.parameters.keys()
    for name, parameter in step.parameters.items():
        weight, update = step.graph.op(parameter), step.graph.op(step.updates[name])
        assert step.graph.optimizer_op(weight.parameter_index) == update.id
        assert weight.colocation == update.colocation >= 0
        assert update.scope == weight.scope
        assert update.ports == []


def test_sums_of_gradients_are_where_the_parameter_is(step):
    for name, parameter in step.parameters.items():
        for add in sums_of_gradient(step, name):
            assert add.scope == step.graph.op(parameter).scope, add.name


def test_the_forward_pass_needs_nothing_of_the_backward_pass(step):
    graph = step.graph
    for op in all_ops(step):
        if op.phase == "forward":
            assert {graph.op(p).phase for p in op.predecessors} <= {"forward"}, op.name
        if op.forward_twin >= 0:
            twin = graph.op(op.forward_twin)
            assert (op.phase, twin.phase) == ("backward", "forward")
            assert op.scope == twin.scope, f"{op.name} is no gradient of {twin.name}"


def test_sums_of_gradients_have_no_forward_twin(step):
    for name in step.parameters:
        for add in sums_of_gradient(step, name):
            assert add.forward_twin == -1, add.name


def test_scopes_are_paths_of_modules(name, step):
    model = workloads.make(name).model
    paths = {path for path, _ in model.named_modules() if path}
    assert {op.scope for op in all_ops(step)} <= paths | {type(model).__name__, "loss"}


def test_arithmetic_and_bytes_of_every_op_are_known(step):
    unknown = [op.native for op in all_ops(step) if op.kind == "compute" and op.flops < 0]
    assert unknown == []
    assert all(op.bytes_read >= 0 for op in all_ops(step) if op.kind == "compute")
