"""Exact baselines by mixed-integer programming, for small graphs; needs `pip install 'gopt[milp]'`.

best = gopt.milp.fuse(problem)                     # kernels of the smallest sum of times
best.plan, best.kernel_time_ns, best.bound_ns
"""

from gopt.milp.fusion import Fusion, FusionOptions, fuse

__all__ = ["Fusion", "FusionOptions", "fuse"]
