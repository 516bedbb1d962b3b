"""Problems, constraints, kernels and plans."""

import copy

import pytest

import gopt

TEXT = "a:matmul[time=5,bytes=100] -> b:relu[time=3,bytes=10]; a -> c:exp[time=4,bytes=10]"


@pytest.fixture
def problem() -> gopt.Problem:
    return gopt.Problem(gopt.parse_graph(TEXT), gopt.Machine.uniform(2))


def test_problem_gives_back_what_it_was_made_of(problem):
    assert problem.graph.num_ops == 3
    assert len(problem.machine) == 2
    assert (problem.fusion, problem.placement, problem.scheduling) == (False, True, True)
    assert len(problem.base_kernels) == 3
    assert problem.base_plan is None
    assert problem.allowed_devices(0) == [0, 1]
    assert problem.colocation_group == [-1, -1, -1]
    with pytest.raises(IndexError):
        problem.allowed_devices(3)


def test_constraints_reach_the_problem():
    graph = gopt.parse_graph(TEXT)
    constraints = gopt.Constraints()
    assert constraints.empty
    constraints.pin(0, 1, reason="the reader is there")
    constraints.colocate([1, 2])
    constraints.limit_memory(0, 500)
    problem = gopt.Problem(graph, gopt.Machine.uniform(2), constraints)
    assert problem.allowed_devices(0) == [1]
    assert problem.colocation_group[1] == problem.colocation_group[2] >= 0
    assert problem.memory_limit(0) == 500
    assert problem.constraints.pins == [(0, 1, "the reader is there")]
    back = gopt.Constraints.from_text(constraints.to_text(), graph)
    assert back.pins == constraints.pins
    assert back.colocated == constraints.colocated


def test_contradictory_constraints_are_named():
    constraints = gopt.Constraints()
    constraints.pin(0, 0, "first reason")
    constraints.pin(1, 1, "second reason")
    constraints.colocate([0, 1], "they belong together")
    with pytest.raises(gopt.FailedPreconditionError, match="second reason") as caught:
        gopt.Problem(gopt.parse_graph(TEXT), gopt.Machine.uniform(2), constraints)
    assert caught.value.code == "FAILED_PRECONDITION"


def test_constraints_that_name_nothing_are_rejected():
    constraints = gopt.Constraints()
    constraints.pin(17, 0)
    with pytest.raises(gopt.InvalidArgumentError, match="17"):
        gopt.Problem(gopt.parse_graph(TEXT), gopt.Machine.uniform(2), constraints)


def test_kernels_are_a_sequence(problem):
    fused = gopt.Kernels(problem.graph, [[0], [1, 2]])
    assert len(fused) == 2
    assert list(fused) == [[0], [1, 2]]
    assert fused.kernel_of(2) == 1
    assert fused.kernels_of(0) == [0]
    assert not fused.has_clones
    with pytest.raises(IndexError):
        fused[2]
    with pytest.raises(gopt.InvalidArgumentError):
        gopt.Kernels(problem.graph, [[0], [1]])


def test_plan_defaults_and_setters(problem):
    plan = gopt.Plan(problem.base_kernels)
    assert plan.device == [0, 0, 0]
    assert plan.rank == [0, 1, 2]
    assert plan.dispatch == "PRIORITY"
    plan.device = [0, 1, 1]
    assert plan.op_devices == [0, 1, 1]
    with pytest.raises(gopt.InvalidArgumentError, match="2 entries for 3 kernels"):
        plan.device = [0, 1]
    with pytest.raises(gopt.InvalidArgumentError, match="parameter"):
        plan.parameter_home = [0]
    with pytest.raises(gopt.InvalidArgumentError, match="SEQUENCE"):
        plan.dispatch = "RANDOM"


def test_copies_are_apart_but_share_kernels(problem):
    plan = gopt.Plan(problem.base_kernels)
    other = copy.copy(plan)
    other.device = [1, 1, 1]
    assert plan.device == [0, 0, 0]
    assert other.kernels is plan.kernels


def test_illegal_plans_are_named(problem):
    plan = gopt.Plan(problem.base_kernels, device=[0, 0, 9])
    with pytest.raises(gopt.InvalidArgumentError, match="kernel 2"):
        problem.validate(plan)
    problem.validate(gopt.Plan(problem.base_kernels))


def test_homes_follow_the_rules():
    graph = gopt.parse_graph("w:parameter[bytes=8] -> a:op[time=1]; w -> u:optimizer[time=1]")
    plan = gopt.Plan(gopt.Kernels.singletons(graph), device=[0, 1])
    update = graph.find("u")
    assert plan.homes == [plan.device[plan.kernels.kernel_of(update)]]
    plan.parameter_home = [0]
    assert plan.homes == [0]
    assert plan.op_devices[graph.find("w")] == 0


def test_plans_go_through_files(problem, tmp_path):
    plan = gopt.Plan(problem.base_kernels, device=[0, 1, 0], producer="hand")
    plan.metadata = {"why": "test"}
    for name in ("p.txtpb", "p.plan"):
        plan.save(tmp_path / name, machine=problem.machine, lower_bound=7)
        file = gopt.PlanFile.load(tmp_path / name, problem.graph)
        assert file.plan.device == plan.device
        assert file.plan.metadata == plan.metadata
        assert file.lower_bound == 7
        assert file.machine is not None
        assert file.machine.name == problem.machine.name
        assert gopt.Plan.load(tmp_path / name, problem.graph).rank == plan.rank


def test_a_plan_for_another_graph_is_refused(problem, tmp_path):
    gopt.Plan(problem.base_kernels).save(tmp_path / "p.txtpb")
    with pytest.raises(gopt.FailedPreconditionError, match=r"p\.txtpb"):
        gopt.Plan.load(tmp_path / "p.txtpb", gopt.parse_graph("a -> b"))


def chiplet_problem(**rules) -> gopt.Problem:
    constraints = gopt.Constraints()
    constraints.forward_only_devices = True
    constraints.no_skipped_devices = True
    constraints.triangle_free_devices = True
    for op, device in rules.get("pins", ()):
        constraints.pin(op, device, reason="test")
    return gopt.Problem(gopt.parse_graph(TEXT), gopt.Machine.uniform(3), constraints)


def test_placement_solver_draws_and_repairs_legal_placements():
    problem = chiplet_problem()
    solver = gopt.PlacementSolver(problem)
    assert solver.num_units == 3
    for seed in range(20):
        devices, homes = solver.sample([[0.2, 0.3, 0.5]] * 3, seed=seed)
        assert (devices, homes) == solver.sample([[0.2, 0.3, 0.5]] * 3, seed=seed)
        assert solver.is_legal(devices, homes)
        problem.validate(gopt.Plan(problem.base_kernels, device=devices))
    assert not solver.is_legal([2, 0, 0])
    devices, homes = solver.fix([2, 0, 0])
    assert devices == [0, 0, 0]
    assert solver.fix([0, 1, 1]) == ([0, 1, 1], [])


def test_placement_solver_says_what_is_wrong():
    with pytest.raises(gopt.FailedPreconditionError, match="no_skipped_devices"):
        gopt.PlacementSolver(chiplet_problem(pins=[(0, 2)]))
    solver = gopt.PlacementSolver(chiplet_problem())
    with pytest.raises(gopt.InvalidArgumentError, match="8 probabilities for 3 kernels"):
        solver.sample([[0.5, 0.5]] * 4)
    with pytest.raises(gopt.InvalidArgumentError, match="device 7 does not exist"):
        solver.fix([0, 0, 7])


def test_ops_that_must_run_once_say_why():
    graph = gopt.parse_graph("x:relu[time=1,bytes=4] -> d:dropout[time=1,bytes=4]")
    assert gopt.clone_error(graph, 0) == ""
    assert "random" in gopt.clone_error(graph, 1)
    with pytest.raises(IndexError):
        gopt.clone_error(graph, 2)
