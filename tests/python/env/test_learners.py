"""Learners of others run on gopt.make_env."""

import numpy as np
import pytest
import torch

import gopt
import gopt.workloads

gymnasium = pytest.importorskip("gymnasium")
stable_baselines3 = pytest.importorskip("stable_baselines3")


def make_env(mode: str, decoder: str):
    generated = gopt.workloads.synthetic("layered(ops=20,width=4,devices=3)")
    return gopt.make_env(generated.graph, generated.machine, mode=mode, decoder=decoder, segment=8)


def mean_reward(env, choose, episodes: int) -> float:
    rewards = []
    for _ in range(episodes):
        observation, _ = env.reset()
        done, total = False, 0.0
        while not done:
            observation, reward, terminated, truncated, _ = env.step(choose(observation))
            total += reward
            done = terminated or truncated
        rewards.append(total)
    return float(np.mean(rewards))


@pytest.mark.parametrize(
    ("mode", "decoder", "keys", "steps"),
    [
        ("one_shot", "list", ["device"], 768),
        ("one_shot", "direct", ["device"], 512),
        ("segments", "list", ["node", "placed", "inputs"], 960),
    ],
)
def test_ppo_learns(mode, decoder, keys, steps):
    torch.set_num_threads(1)
    env = gymnasium.wrappers.FilterObservation(make_env(mode, decoder), keys)
    env.action_space.seed(0)
    random = mean_reward(env, lambda _: env.action_space.sample(), 40)
    learner = stable_baselines3.PPO(
        "MultiInputPolicy",
        env,
        n_steps=64 if mode == "one_shot" else 192,
        batch_size=64,
        learning_rate=1e-2,
        n_epochs=8,
        gamma=1.0,
        gae_lambda=1.0,
        seed=0,
        device="cpu",
    )
    learner.learn(steps)
    learned = mean_reward(env, lambda seen: learner.predict(seen)[0], 40)
    assert learned > random + 0.07
    assert env.unwrapped.best_step_time_ns <= env.unwrapped.reference_time_ns * np.exp(-learned)


def make_small():
    return make_env("segments", "list")


def test_environments_run_in_processes_of_their_own():
    env = gymnasium.vector.AsyncVectorEnv([make_small], context="spawn")
    try:
        env.reset(seed=1)
        for _ in range(3):
            *_, terminated, _, infos = env.step(np.zeros(env.action_space.shape, np.float32))
        plans = env.get_attr("plan")
    finally:
        env.close()
    assert terminated.all()
    here = make_small()
    here.reset()
    for _ in range(3):
        plan = here.step(here.default_action())[-1].get("plan")
    assert infos["plan"][0] == plans[0] == plan
