"""How far heuristics are from the exact answers of gopt.milp, on training steps of small blocks.

    python benchmarks/python/milp_gaps.py fusion [--machine p100x1] [--seconds 60]
    python benchmarks/python/milp_gaps.py recompute [--machine p100x1] [--seconds 60]

Prints a table in Markdown, one row per block, and the geometric mean of each column.
"""

import argparse
import functools
import math

import torch
from blocks import blocks

import gopt

FUSERS = ("fuse(by=none)", "fuse(by=default)", "fuse(by=bytes)", "fuse(by=queue)", "anneal")
# Byte limits: parameters, and this part of what the step needs beyond them.
PARTS = (0.9, 0.8, 0.7)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("what", choices=("fusion", "recompute"))
    parser.add_argument("--machine", default="p100x1", help="of one device")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each exact answer")
    parser.add_argument("--evaluations", type=int, default=2000, help="for each search")
    parser.add_argument("--only", help="blocks, with commas between")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    names = arguments.only.split(",") if arguments.only else list(blocks())
    print_table = {"fusion": print_fusion, "recompute": print_recompute}[arguments.what]
    print_table(names, arguments)


@functools.cache
def training_step(name):
    """The graph of one training step of a block; the loss is the mean square of what it gives."""
    module, inputs = blocks()[name]

    def loss(result):
        first = result[0] if isinstance(result, tuple) else result
        return first.square().mean()

    return gopt.capture(module, inputs, loss=loss).graph


def print_fusion(names, arguments):
    print_row("block", "ops", "legal groups", "optimum, us", "proven", "s", *FUSERS)
    print_row("---", *["---:"] * (5 + len(FUSERS)))
    gaps = []
    for name in names:
        graph, machine = training_step(name), gopt.Machine.from_spec(arguments.machine)
        problem = gopt.Problem(graph, machine, fusion=True)
        options = gopt.milp.FusionOptions(seconds=arguments.seconds)
        try:
            best = gopt.milp.fuse(problem, options)
        except gopt.ResourceExhaustedError as error:
            print_row(name, len(graph.kernel_ops), str(error), *[""] * (3 + len(FUSERS)))
            continue
        found = gopt.compare(problem, solvers=FUSERS, evaluations=arguments.evaluations)
        gaps.append([row.step_time_ns / best.bound_ns for row in found])
        print_row(
            name,
            len(graph.kernel_ops),
            best.legal_groups,
            f"{best.kernel_time_ns / 1e3:.1f}",
            "yes" if best.optimal else f"{best.gap:.2%}",
            f"{best.seconds:.1f}",
            *(f"{gap - 1:.2%}" for gap in gaps[-1]),
        )
    print_means(gaps, 5)


def print_recompute(names, arguments):
    print_row("block", "kernels", "limit", "exact", "proven", "s", "recompute", "in its own order")
    print_row("---", *["---:"] * 7)
    gaps = []
    for name in names:
        graph, machine = training_step(name), gopt.Machine.from_spec(arguments.machine)
        problem = gopt.Problem(graph, machine)
        plain = gopt.evaluate(problem, gopt.Plan(problem.base_kernels))
        persistent = gopt.lower_bounds(problem).persistent_bytes
        for part in PARTS:
            limit = persistent + int(part * (plain.peak_bytes[0] - persistent))
            cells, row_gaps = recompute_cells(problem, plain.step_time, limit, arguments)
            gaps += [row_gaps] if row_gaps else []
            print_row(name, len(graph.kernel_ops), f"{part:.0%}", *cells)
    print_means(gaps, 5)


def recompute_cells(problem, plain, limit, arguments):
    """Cells of one limit, and the heuristic's time over the exact ones, in both orders."""
    exact = exact_recomputation(problem, limit, arguments)
    row = gopt.compare(
        problem,
        solvers="recompute",
        evaluations=arguments.evaluations,
        objective="step_time_under_limit",
        byte_limit=limit,
    ).rows[0]
    if not row.ok:
        return [*exact_cells(exact, plain), "does not fit", ""], None
    over = f"{row.step_time_ns / plain - 1:.2%}"
    start = without_copies(problem, row.solution.plan, row.solution.report.start_order)
    own = exact_recomputation(problem, limit, arguments, start)
    if exact is None or own is None:
        return [*exact_cells(exact, plain), over, gap_text(row, own)], None
    gaps = [row.step_time_ns / exact.bound_ns, row.step_time_ns / own.bound_ns]
    return [*exact_cells(exact, plain), over, gap_text(row, own)], gaps


def exact_recomputation(problem, limit, arguments, start=None):
    options = gopt.milp.RecomputeOptions(seconds=arguments.seconds, start=start)
    try:
        return gopt.milp.recompute(problem, limit, options)
    except gopt.ResourceExhaustedError:
        return None


def exact_cells(exact, plain):
    if exact is None:
        return ["does not fit", "", ""]
    proven = "yes" if exact.optimal else f"{exact.gap:.2%}"
    return [f"{exact.step_time_ns / plain - 1:.2%}", proven, f"{exact.seconds:.1f}"]


def gap_text(row, own):
    return "" if own is None else f"{row.step_time_ns / own.bound_ns - 1:.2%} above"


def without_copies(problem, plan, order):
    """Each op once, where it first starts."""
    ops = [op for kernel in order for op in plan.kernels[kernel]]
    place = {op: k for k, op in reversed(list(enumerate(ops)))}
    sequence = sorted(
        range(len(problem.base_kernels)), key=lambda k: place[problem.base_kernels[k][0]]
    )
    return gopt.Plan(problem.base_kernels, dispatch="SEQUENCE", sequence=sequence)


def print_means(gaps, empty):
    means = [
        math.exp(sum(map(math.log, column)) / len(column)) - 1 for column in zip(*gaps, strict=True)
    ]
    print_row(f"geometric mean of {len(gaps)}", *[""] * empty, *(f"{mean:.2%}" for mean in means))


def print_row(*cells):
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)


if __name__ == "__main__":
    main()
