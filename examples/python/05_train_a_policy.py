"""A policy trained on two small graphs, tried on a third that it never saw, and saved."""

import gopt

config = gopt.TrainingConfig(
    name="first",
    problem=[
        ("layered(ops=60)", "p100x2"),
        ("blocks(blocks=3, branches=4, depth=2)", "p100x2"),
    ],
    evaluation=[("layered(ops=80, seed=1)", "p100x2")],
    iterations=12,
    evaluate_every=6,
    threads=1,
    network={"width": 32, "attention_layers": 1},
)
config.ppo.samples = 8


class Print:
    """Callbacks get the lines of the log; one that returns True ends the run."""

    def on_iteration(self, line):
        print(f"iteration {line.iteration}: mean of samples {line.ratio_mean:.3f}")
        return line.ratio_mean < 0.5


result = gopt.train(config, folder="run", callbacks=[Print()])
print(result)
result.policy.save("first.gopt")

assert result.ratio_best <= 1.01, "samples around the reference should find one as good"
