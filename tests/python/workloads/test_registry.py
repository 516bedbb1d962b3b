"""Names of workloads, and what they make."""

import subprocess
import sys

import pytest

import gopt
from gopt import workloads


def test_torch_is_imported_by_make_alone():
    code = "import gopt.workloads, sys; gopt.workloads.names(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_every_name_is_in_one_suite():
    listed = [name for suite in workloads.SUITES for name in workloads.names(suite)]
    assert sorted(listed) == sorted(workloads.names())
    with pytest.raises(gopt.NotFoundError, match="there are paper, modern, small"):
        workloads.names("large")


def test_every_family_has_a_small_form():
    families = {entry.family for entry in workloads.ENTRIES}
    small = {entry.family for entry in workloads.ENTRIES if entry.suite == "small"}
    assert small == families


@pytest.mark.parametrize("name", workloads.names())
def test_options_of_every_entry_are_understood(name):
    work = workloads.make(name)
    assert work.name == name
    assert next(work.model.parameters()).is_meta


def test_an_unknown_name_is_told_what_comes_near():
    with pytest.raises(gopt.NotFoundError, match="near it: inception32"):
        workloads.make("inception3")
    with pytest.raises(gopt.NotFoundError, match="there are .*gpt"):
        workloads.make("zzz")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gpt-small", {"micro_batches": 3}, "batch 4 is not a multiple of micro_batches 3"),
        ("gpt-small", {"layers": 0}, "layers is 0, expected a whole number of at least 1"),
        ("gpt-small", {"layers": -3}, "layers is -3"),
        ("gpt-small", {"layers": "many"}, "layers is 'many'"),
        ("gpt-small", {"width": 64.0}, "width is 64.0"),
        ("gpt-small", {"batch": True}, "batch is True"),
        ("gpt-small", {"dropout": float("nan")}, "dropout is nan, expected a number of at least 0"),
        ("gpt-small", {"dropout": 2}, "dropout .* between 0 and 1"),
        ("gpt-small", {"fused_attention": 1}, "fused_attention is 1, expected true or false"),
        ("gpt-small", {"batch": 4 * 10**18}, "overflow"),
        ("dlrm-small", {"bags": 3}, "bags is 3, expected a list of whole numbers"),
        ("dlrm-small", {"bags": [1, 0]}, r"bags is \[1, 0\]"),
    ],
)
def test_sizes_that_cannot_be_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        workloads.make(name, **options)


def test_an_unknown_option_is_told_what_comes_near():
    with pytest.raises(TypeError, match="no option 'layer'; near it: layers"):
        workloads.make("gpt-small", layer=3)
    with pytest.raises(TypeError, match="no option 'zzz'; there are layers, width, "):
        workloads.make("gpt-small", zzz=3)


def test_a_list_will_do_for_a_tuple():
    assert workloads.make("dlrm-small", bags=[1, 2]).name == "dlrm-small"
