"""Writes one self-contained HTML page: timeline, memory, solver table, search curves.

With a plan, the page shows it, and beside it the rows of --solvers, by default of quick known
methods. Without, the solvers run and the page shows the best plan. In place of a graph, a file that
gopt_bench_suite --json wrote: the page shows bars per workload, search curves and means. Or the
folder of a training run: the page shows the policy against the baselines, and how it learned.

examples:
  gopt report step.gopt plan.txtpb -o report.html
  gopt report step.gopt --machine v100x4 --solvers expert,heft,anneal --evaluations 2000
  gopt report suite.json -o suite.html
  gopt report runs/first -o training.html
"""

from __future__ import annotations

import argparse

import gopt
from gopt import training_log
from gopt.cli import options
from gopt.cli.progress import ProgressLine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_problem(parser)
    options.add_plan(parser)
    parser.add_argument("--solvers", metavar="A,B,C", help="specs, with commas between")
    options.add_budget(parser)
    parser.add_argument("-o", "--out", metavar="FILE", default="report.html")


def run(arguments: argparse.Namespace) -> int:
    if gopt.report.is_suite_file(arguments.graph):
        _refuse_plan(arguments, "results of gopt_bench_suite take")
        gopt.report.write_suite_report(arguments.out, arguments.graph)
        return _written(arguments)
    if training_log.is_training_run(arguments.graph):
        _refuse_plan(arguments, "a training run takes")
        gopt.report.write_training_report(arguments.out, arguments.graph)
        return _written(arguments)
    loaded = options.load_graph(arguments.graph)
    plan = options.load_plan(arguments, loaded)
    problem = options.load_problem(arguments, loaded, plan)
    if plan is not None:
        arguments.solvers = arguments.solvers or ",".join(gopt.api.BASELINES)
        result = gopt.Result.of_plan(problem, plan.plan, gopt.api.as_backend(arguments.backend))
        result.rows = [*_solve(arguments, problem).rows, *result.rows]
    else:
        result = _solve(arguments, problem)
    if result.best is None:
        print(result)
        return 1
    result.report(arguments.out)
    return _written(arguments)


def _refuse_plan(arguments: argparse.Namespace, who: str) -> None:
    if arguments.plan_file or arguments.plan_option or arguments.machine or arguments.solvers:
        raise options.UsageError(f"{who} no plan, machine or solvers")


def _written(arguments: argparse.Namespace) -> int:
    print(f"written: {arguments.out}")
    return 0


def _solve(arguments: argparse.Namespace, problem: gopt.Problem) -> gopt.Result:
    with ProgressLine(arguments.evaluations, arguments.seconds, arguments.quiet) as progress:
        common = {"progress": progress, **options.budget(arguments)}
        if arguments.solvers:
            return gopt.compare(problem, solvers=arguments.solvers, **common)
        return gopt.optimize(problem, **common)
