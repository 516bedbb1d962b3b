"""A training step on two GPUs: placed and ordered, then fused where it is, then all at once."""

import gopt

graph = gopt.workloads.load("rnnlm2")


def anneal(what: str, **options) -> gopt.Result:
    """Anneals what the options leave open, and prints what came of it."""
    result = gopt.optimize(
        graph, "p100x2", "anneal", evaluations=1000, seed=1, baselines=(), **options
    )
    print(f"{what}: {result.step_time_ns} ns, {len(result.plan.kernels)} kernels")
    return result


placed = anneal("placed and ordered")
# What is not decided stands in a base plan: its devices and ranks hold op by op.
fused = anneal(
    "fused where it is", fusion=True, placement=False, scheduling=False, base_plan=placed.plan
)
joint = anneal("all at once", fusion=True)
assert fused.step_time_ns <= placed.step_time_ns
assert joint.step_time_ns < fused.step_time_ns, "the three together should be fastest"
