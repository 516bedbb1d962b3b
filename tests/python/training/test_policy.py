"""gopt.Policy: files, weights, decisions, solvers by object and by spec."""

import math

import pytest
import torch
from small_run import small_config

import gopt


def decisions(policy, graph):
    result = policy.decide(graph, "p100x4", samples=8, seed=3, baselines=())
    return result.plan.to_text() if hasattr(result.plan, "to_text") else list(result.plan.device)


def test_what_is_in_a_policy(trained):
    policy = trained.policy
    state = policy.state_dict()
    assert policy.num_parameters == sum(w.numel() for w in state.values())
    assert policy.config.network.width == 16
    assert policy.metadata["iterations"] == "3"
    assert "## Trained on" in policy.model_card
    assert f"{policy.num_parameters:,}" in repr(policy)


def test_save_and_load_decide_equally(trained, graph, tmp_path):
    policy = trained.policy
    policy.model_card = "# mine"
    policy.metadata = {**policy.metadata, "note": "kept"}
    policy.save(tmp_path / "p.gopt")
    again = gopt.Policy.load(tmp_path / "p.gopt")
    assert (again.model_card, again.metadata["note"]) == ("# mine", "kept")
    assert decisions(again, graph) == decisions(policy, graph)


def test_state_dict_through_torch_save(trained, graph, tmp_path):
    torch.save(trained.policy.state_dict(), tmp_path / "w.pt")
    state = torch.load(tmp_path / "w.pt", weights_only=True)
    again = gopt.Policy.from_state_dict(trained.policy.config, state)
    for name, tensor in again.state_dict().items():
        assert torch.equal(tensor, state[name]), name
    assert decisions(again, graph) == decisions(trained.policy, graph)


def test_state_dict_is_a_copy(trained):
    name, tensor = next(iter(trained.policy.state_dict().items()))
    tensor.fill_(7.0)
    assert not torch.equal(trained.policy.state_dict()[name], tensor)


def test_wrong_weights_change_nothing(config):
    policy = gopt.Policy(config)
    before = policy.state_dict()
    name = next(iter(before))
    missing = {k: v for k, v in before.items() if k != name}
    for state, message in [
        (missing, f"'{name}' is missing"),
        ({**before, "extra": torch.zeros(1)}, "'extra' is not expected"),
        ({**before, name: torch.zeros(1, 2, 3)}, f"'{name}' is float32"),
        ({**before, name: before[name] * math.nan}, f"'{name}' is not finite"),
    ]:
        with pytest.raises(gopt.InvalidArgumentError, match=message):
            policy.load_state_dict(state)
    after = policy.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)
    policy.load_state_dict({k: v.double() for k, v in reversed(before.items())})


def test_a_policy_needs_no_problem_but_must_obey_the_rules():
    assert gopt.Policy(gopt.TrainingConfig(network={"width": 32})).num_parameters > 0
    with pytest.raises(gopt.InvalidArgumentError, match="network.width"):
        gopt.Policy(gopt.TrainingConfig(network={"width": 33}))


def test_files_that_are_no_policies(tmp_path):
    with pytest.raises(gopt.NotFoundError, match=r"none\.gopt"):
        gopt.Policy.load(tmp_path / "none.gopt")
    torch.save({}, tmp_path / "w.pt")
    with pytest.raises(gopt.InvalidArgumentError, match=r"w\.pt"):
        gopt.Policy.load(tmp_path / "w.pt")


def test_a_checkpoint_is_a_policy_too(trained):
    policy = gopt.Policy.load(trained.folder / "checkpoint.gopt")
    assert policy.num_parameters == trained.policy.num_parameters


def test_decide_is_never_worse_than_the_classical_plans(trained, graph):
    result = trained.policy.decide(graph, "p100x4", samples=8)
    assert [row.solver for row in result][-1] == "policy"
    assert result.step_time_ns == min(row.step_time_ns for row in result)


def test_optimize_with_a_policy(trained, graph):
    for policy in (trained.policy, trained.folder / "policy.gopt"):
        result = gopt.optimize(graph, "p100x4", policy=policy, evaluations=300)
        last = result.rows[-1]
        assert last.solver == "gopt"
        assert last.step_time_ns == min(row.step_time_ns for row in result)
        assert last.evaluations <= 300
    with pytest.raises(gopt.InvalidArgumentError, match="one is enough"):
        gopt.optimize(graph, "p100x4", "heft", policy=trained.policy)


def test_solvers_by_spec_and_by_object(trained, graph):
    path = trained.folder / "policy.gopt"
    wanted = [
        f"policy(path={path}, samples=8)",
        gopt.policy_solver(trained.policy, samples=8),
        gopt.gopt_solver(path, samples=8, policy_share=0.5, evaluations=200),
    ]
    rows = gopt.compare(graph, "p100x4", wanted, seed=1).rows
    assert [row.outcome for row in rows] == ["OK"] * 3
    assert rows[0].step_time_ns == rows[1].step_time_ns
    assert rows[2].evaluations <= 200
    with pytest.raises(gopt.InvalidArgumentError, match="give the policy's file"):
        gopt.optimize(graph, "p100x4", "policy")


def test_the_list_of_solvers_is_that_of_the_registry(trained):
    assert gopt.solvers() == sorted(gopt._core.solvers())
    assert {"policy", "gopt"} <= dict(gopt.solvers()).keys()


def test_fresh_weights_decide_as_the_reference():
    result = gopt.train(small_config(iterations=1, evaluate_every=1, ppo={"learning_rate": 1e-12}))
    assert result.log.evaluations[0].ratio_greedy == pytest.approx(1.0, abs=0.05)
