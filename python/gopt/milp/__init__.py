"""Exact baselines by mixed-integer programming, for small graphs; needs `pip install 'gopt[milp]'`.

best = gopt.milp.fuse(problem)                     # kernels of the smallest sum of times
fits = gopt.milp.recompute(problem, 2 << 30)       # what to run again to stay in 2 GiB
best.plan, best.report, best.bound_ns, best.gap

In tables and under budgets they are solvers: gopt.compare(problem, solvers=["anneal",
gopt.milp.FusionSolver()]).
"""

from gopt.milp.fusion import Fusion, FusionOptions, fuse
from gopt.milp.recomputation import Recomputation, RecomputeOptions, recompute
from gopt.milp.solvers import FusionSolver, RecomputeSolver

__all__ = [
    "Fusion",
    "FusionOptions",
    "FusionSolver",
    "Recomputation",
    "RecomputeOptions",
    "RecomputeSolver",
    "fuse",
    "recompute",
]
