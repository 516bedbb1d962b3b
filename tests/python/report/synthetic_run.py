"""A training run that never was: every key that docs/metrics.md defines, with plausible numbers."""

import json
import math
import random

CONFIG = 'name: "synthetic <run>"\niterations: 300\nppo { samples: 64 learning_rate: 7e-4 }\n'
BASELINES = {"single_device": 3.1, "expert": 1.0, "metis": 1.21, "heft": 1.06, "anneal": 0.94}
GRAPHS = (
    ("rnnlm4", "p100x4", 4, 2_013),
    ("gnmt4", "p100x4", 4, 4_843),
    ("inception32", "v100x2", 2, 653),
)
TIME = {
    "network_forward": 0.21,
    "decode": 0.32,
    "evaluate": 0.08,
    "network_update": 0.55,
    "other": 0.02,
}


def run_line(train=3, evaluation=1):
    return {
        "kind": "run",
        "name": "synthetic <run>",
        "version": "0.1.0",
        "seed": 7,
        "config": CONFIG,
        "decoder": "list",
        "tasks": ["placement", "scheduling"],
        "parameters": 118_432,
        "problems": [
            *(problem("train", i) for i in range(train)),
            *(problem("evaluation", i) for i in range(evaluation)),
        ],
    }


def problem(of_set, index):
    graph, machine, devices, ops = GRAPHS[index % len(GRAPHS)]
    reference = 40_000_000 + 7_000_000 * index
    shift = 1 + 0.03 * index
    return {
        "set": of_set,
        "index": index,
        "graph": graph if of_set == "train" else "transformer_xl4",
        "machine": machine,
        "devices": devices,
        "ops": ops,
        "reference_ns": reference,
        "reference_solver": "expert",
        "lower_bound_ns": int(0.62 * reference),
        "baselines": {
            name: int(reference * (ratio if name == "expert" else ratio * shift))
            for name, ratio in BASELINES.items()
        },
    }


def iteration_line(iteration, train=3, rng=None):
    noise = (rng or random.Random(iteration)).gauss
    progress = 1 - math.exp(-iteration / 90)
    problems = [
        {
            "index": i,
            "ratio_mean": 1.32 - (0.33 - 0.05 * i) * progress + noise(0, 0.012),
            "ratio_best": 1.04 - (0.19 - 0.06 * i) * progress,
        }
        for i in range(train)
    ]
    mean, best = (
        math.exp(sum(math.log(p[key]) for p in problems) / max(train, 1))
        for key in ("ratio_mean", "ratio_best")
    )
    return {
        "kind": "iteration",
        "iteration": iteration,
        "evaluations": 192 * iteration,
        "reward_mean": -math.log(mean),
        "reward_best": -math.log(best) + noise(0, 0.005),
        "ratio_mean": mean,
        "ratio_best": best,
        "entropy": 2.1 - 0.8 * progress + noise(0, 0.01),
        "policy_loss": -0.02 * (1 - 0.6 * progress) + noise(0, 0.002),
        "value_loss": None,
        "output_l2": 0.4 * progress,
        "clip_fraction": 0.14 - 0.06 * progress + abs(noise(0, 0.01)),
        "approximate_kl": 0.012 - 0.004 * progress + abs(noise(0, 0.001)),
        "ratio_limit_fraction": 0.0,
        "explained_variance": None,
        "gradient_norm": 0.6 * math.exp(noise(0, 0.25)),
        "learning_rate": 7e-4,
        "entropy_coefficient": 0.0,
        "infeasible_fraction": max(0.0, 0.11 * (1 - progress) + noise(0, 0.004)),
        "failed_fraction": 0.0,
        "skipped_updates": int(iteration in (57, 58, 199)),
        "problems": problems,
        "seconds": sum(TIME.values()) * iteration * 1.01,
        "time": {key: s * (1 + abs(noise(0, 0.05))) for key, s in TIME.items()},
    }


def evaluation_line(iteration, train=3, evaluation=1):
    progress = 1 - math.exp(-iteration / 90)
    problems, ratios = [], []
    for of_set, index in [
        *(("train", i) for i in range(train)),
        *(("evaluation", i) for i in range(evaluation)),
    ]:
        reference = problem(of_set, index)["reference_ns"]
        greedy = 1.03 - (0.11 - 0.03 * index - 0.04 * (of_set == "evaluation")) * progress
        ratios.append((greedy, greedy - 0.04))
        problems.append(
            {
                "set": of_set,
                "index": index,
                "greedy_ns": int(greedy * reference),
                "best_ns": int((greedy - 0.04) * reference),
            }
        )
    means = [
        math.exp(sum(map(math.log, column)) / len(column)) for column in zip(*ratios, strict=True)
    ]
    return {
        "kind": "evaluation",
        "iteration": iteration,
        "evaluations": 192 * iteration,
        "ratio_greedy": means[0],
        "ratio_samples": means[1],
        "problems": problems,
        "seconds": sum(TIME.values()) * iteration * 1.01,
    }


def event_line(iteration, event, reason=""):
    seconds = sum(TIME.values()) * iteration * 1.01
    return {
        "kind": "event",
        "iteration": iteration,
        "event": event,
        "reason": reason,
        "seconds": seconds,
    }


def lines(iterations=300, train=3, evaluation=1, every=50):
    """The whole log: evaluations and checkpoints, a resume, a restore, the end."""
    rng = random.Random(1)
    found = [run_line(train, evaluation)]
    for i in range(1, iterations + 1):
        found.append(iteration_line(i, train, rng))
        if i % every == 0 or i == iterations:
            found.append(evaluation_line(i, train, evaluation))
        if i % 40 == 0:
            found.append(event_line(i, "checkpoint"))
        if i == 120:
            found += [run_line(train, evaluation), event_line(i, "resumed", "from checkpoint.gopt")]
        if i == 200:
            reason = "3 updates in a row were not finite: weights of iteration 160"
            found.append(event_line(i, "restored", reason))
    return [*found, event_line(iterations, "stopped", "all iterations are done")]


def write(folder, content):
    folder.mkdir(exist_ok=True)
    text = "".join(json.dumps(line) + "\n" for line in content)
    (folder / "metrics.jsonl").write_text(text)
    return folder
