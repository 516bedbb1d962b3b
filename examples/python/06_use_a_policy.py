"""A policy on a graph of its own: alone, at the front door, and beside classical solvers."""

import sys

import gopt

if len(sys.argv) > 1:
    policy = gopt.Policy.load(sys.argv[1])
else:
    policy = gopt.train("layered(ops=60)", "p100x2", iterations=3, threads=1).policy
print(policy, policy.model_card, sep="\n\n")

graph = gopt.workloads.synthetic("layered(ops=200, seed=2)").graph

# Zero-shot: the classical plans, and those that the policy draws from the best of them.
decided = policy.decide(graph, "p100x4", samples=32, seed=1)

# The front door: the classical plans, the policy's, then annealing; never worse than the first.
result = gopt.optimize(graph, "p100x4", policy=policy, evaluations=1000)
print(result)

# Weights go to and from PyTorch as a plain state_dict.
copy = gopt.Policy.from_state_dict(policy.config, policy.state_dict())
again = copy.decide(graph, "p100x4", samples=32, seed=1)

solvers = ["heft", gopt.policy_solver(policy, samples=32), gopt.gopt_solver(policy)]
print(gopt.compare(graph, "p100x4", solvers, evaluations=1000))

best_classical = min(row.step_time_ns for row in result if row.solver != "gopt" and row.ok)
assert result.step_time_ns <= best_classical
assert again.step_time_ns == decided.step_time_ns, "equal weights decide equally"
