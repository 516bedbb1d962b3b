"""Prices plans on several machines at once, with Ray; needs `pip install 'gopt[ray]'`.

import gopt.ray

with gopt.ray.RayCostBackend(MyMeasuredBackend(), timeout=30) as backend:
    gopt.optimize(graph, machine, "evolve", backend=backend, evaluations=1000)

docs/extending/ray.md says when that pays.
"""

from gopt.ray.backend import RayCostBackend

__all__ = ["RayCostBackend"]
