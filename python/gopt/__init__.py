"""gopt: fusion, placement and scheduling of dataflow graphs.

    import gopt

    graph = gopt.parse_graph("a:matmul[time=5000] -> b:relu[time=2000]; a -> c:exp[time=2000]")
    result = gopt.optimize(graph, gopt.Machine.uniform(2))
    print(result)

Times are integer nanoseconds, sizes bytes. Errors are gopt.GoptError and its subclasses.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gopt._core import (
    CancelToken,
    Channel,
    Constraints,
    CostBackend,
    CostReport,
    CriticalStep,
    CurvePoint,
    Device,
    Efficiency,
    EvaluateOptions,
    Evaluator,
    ExplorationOptions,
    FusionLimits,
    Graph,
    GraphBuilder,
    Imported,
    Kernels,
    LowerBounds,
    Machine,
    NetworkOptions,
    Op,
    OpCosts,
    PlacementSolver,
    Plan,
    PlanFile,
    Port,
    PpoOptions,
    Problem,
    Progress,
    RewardOptions,
    Route,
    Search,
    Simulator,
    Solution,
    Solver,
    TrainingConfig,
    TrainingProblem,
    backends,
    clone_error,
    export,
    export_extension,
    exporters,
    fusion_error,
    import_file,
    importers,
    lower_bounds,
    machine_presets,
    parse_graph,
    register_backend,
    register_solver,
)
from gopt._core import version as _version
from gopt.api import compare, evaluate, optimize, solvers
from gopt.errors import (
    FailedPreconditionError,
    GoptError,
    InvalidArgumentError,
    InvalidGraphError,
    NotFoundError,
    ResourceExhaustedError,
    SearchExhausted,
)
from gopt.explanation import Explanation, explain
from gopt.result import Result, Row

if TYPE_CHECKING:
    from gopt import milp, ray, report, tensorboard, training_log, workloads
    from gopt.calibration import calibrate
    from gopt.capture import CaptureError, capture
    from gopt.env import make_env
    from gopt.policy import Policy, gopt_solver, policy_solver
    from gopt.training import TrainingResult, train

__version__ = _version()

# Loaded when first used: they need torch, plotly, HiGHS or gymnasium, which `import gopt` does not.
_LAZY = {
    "capture": ("gopt.capture", None),  # a package that can be called
    "CaptureError": ("gopt.capture", "CaptureError"),
    "calibrate": ("gopt.calibration", "calibrate"),
    "workloads": ("gopt.workloads", None),
    "milp": ("gopt.milp", None),
    "ray": ("gopt.ray", None),
    "report": ("gopt.report", None),
    "Policy": ("gopt.policy", "Policy"),
    "policy_solver": ("gopt.policy", "policy_solver"),
    "gopt_solver": ("gopt.policy", "gopt_solver"),
    "train": ("gopt.training", "train"),
    "TrainingResult": ("gopt.training", "TrainingResult"),
    "tensorboard": ("gopt.tensorboard", None),
    "training_log": ("gopt.training_log", None),
    "make_env": ("gopt.env", "make_env"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'gopt' has no attribute '{name}'")
    module_name, attribute = _LAZY[name]
    module = importlib.import_module(module_name)
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})


__all__ = [
    "CancelToken",
    "CaptureError",
    "Channel",
    "Constraints",
    "CostBackend",
    "CostReport",
    "CriticalStep",
    "CurvePoint",
    "Device",
    "Efficiency",
    "EvaluateOptions",
    "Evaluator",
    "Explanation",
    "ExplorationOptions",
    "FailedPreconditionError",
    "FusionLimits",
    "GoptError",
    "Graph",
    "GraphBuilder",
    "Imported",
    "InvalidArgumentError",
    "InvalidGraphError",
    "Kernels",
    "LowerBounds",
    "Machine",
    "NetworkOptions",
    "NotFoundError",
    "Op",
    "OpCosts",
    "PlacementSolver",
    "Plan",
    "PlanFile",
    "Policy",
    "Port",
    "PpoOptions",
    "Problem",
    "Progress",
    "ResourceExhaustedError",
    "Result",
    "RewardOptions",
    "Route",
    "Row",
    "Search",
    "SearchExhausted",
    "Simulator",
    "Solution",
    "Solver",
    "TrainingConfig",
    "TrainingProblem",
    "TrainingResult",
    "backends",
    "calibrate",
    "capture",
    "clone_error",
    "compare",
    "evaluate",
    "explain",
    "export",
    "export_extension",
    "exporters",
    "fusion_error",
    "gopt_solver",
    "import_file",
    "importers",
    "lower_bounds",
    "machine_presets",
    "make_env",
    "milp",
    "optimize",
    "parse_graph",
    "policy_solver",
    "ray",
    "register_backend",
    "register_solver",
    "report",
    "solvers",
    "tensorboard",
    "train",
    "training_log",
    "workloads",
]
