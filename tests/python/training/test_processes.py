"""Data-parallel training: two processes over loopback make the weights that one makes."""

import json

import pytest
import torch
from small_run import MACHINE, small_config

import gopt
from gopt import training_log

PROBLEMS = [("layered(ops=40)", MACHINE), ("blocks(blocks=3, branches=4, depth=2)", MACHINE)]
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1")


def two_processes(tmp_path):
    config = small_config(problem=PROBLEMS, batch=2, iterations=3)
    config.save(tmp_path / "train.txtpb")
    return config


@pytest.fixture
def torchrun(run):
    def run_two(*arguments):
        return run("--nproc-per-node", 2, *arguments, module=TORCHRUN, GLOO_SOCKET_IFNAME="lo")

    return run_two


def test_two_processes_make_the_weights_of_one(torchrun, tmp_path):
    config = two_processes(tmp_path)
    out, _ = torchrun("-m", "gopt", "train", "train.txtpb", "-o", "two", "--quiet")
    assert out.count("report: gopt report two") == 1

    one = gopt.train(config)
    two = gopt.Policy.load(tmp_path / "two" / "policy.gopt").state_dict()
    fresh = gopt.Policy(config).state_dict()
    moved = 0.0
    for name, tensor in one.policy.state_dict().items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-3, atol=1e-5, msg=name)
        moved += float((tensor - fresh[name]).abs().sum())
    assert moved > 0.01

    log = training_log.read(tmp_path / "two")
    for line, other in zip(log.iterations, one.log.iterations, strict=True):
        assert line.evaluations == other.evaluations
        assert line.ratio_mean == pytest.approx(other.ratio_mean, rel=1e-4)


def test_a_process_group_given_from_python(torchrun, tmp_path):
    two_processes(tmp_path)
    (tmp_path / "program.py").write_text(
        "import json, sys, gopt, torch.distributed as dist\n"
        "dist.init_process_group('gloo')\n"
        "result = gopt.train('train.txtpb', process_group=True, iterations=1)\n"
        "own = [dist.get_rank(), result.log is not None, result.ratio_best, result.evaluations]\n"
        "every = [None, None]\n"
        "dist.all_gather_object(every, own)\n"
        "if own[0] == 0: print(json.dumps(every))\n"
        "dist.destroy_process_group()\n"
    )
    out, _ = torchrun("program.py")
    first, second = json.loads(out.strip().splitlines()[-1])
    assert first[:2] == [0, True]
    assert second[:2] == [1, False]
    assert first[2:] == second[2:]
    assert first[3] == 2 * 4


def test_without_a_default_group(config):
    with pytest.raises(gopt.InvalidArgumentError, match="init_process_group"):
        gopt.train(config, process_group=True)
