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


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="batch 4 is not a multiple of micro_batches 3"):
        workloads.make("gpt-small", micro_batches=3)
    with pytest.raises(TypeError):
        workloads.make("gpt-small", depth=3)
