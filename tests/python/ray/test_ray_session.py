"""Starting and ending Ray, Ctrl-C, and what is said where it is not installed."""

import json
import subprocess
import sys
import textwrap

HEAD = """
import gopt, gopt.ray
graph = gopt.parse_graph("a:op[time=5,bytes=1] -> b:op[time=3]")
problem = gopt.Problem(graph, gopt.Machine.uniform(2))
plan = gopt.Plan(problem.base_kernels)
"""


def run(code: str, timeout: float = 90) -> str:
    program = textwrap.dedent(HEAD) + textwrap.dedent(code)
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=timeout
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.strip()


def test_without_ray_the_error_says_what_to_install():
    assert "pip install 'gopt[ray]'" in run("""
        import sys
        sys.modules["ray"] = None  # As if it were not there.
        try:
            gopt.ray.RayCostBackend()
        except gopt.FailedPreconditionError as error:
            print(error)
    """)


def test_importing_gopt_ray_does_not_import_ray():
    assert run("import sys; print('ray' in sys.modules)") == "False"


def test_the_last_backend_ends_the_ray_that_the_first_began(ray_environment, ray_options):
    assert (
        run(f"""
        import json, os, signal, threading, time
        import ray
        options = json.loads('{json.dumps(ray_options)}'.replace("'", '"'))
        class Slow(gopt.CostBackend):
            def evaluate(self, problem, plan):
                time.sleep(30)
                return 1
        seen = []
        first = gopt.ray.RayCostBackend(ray_options=options, actors=1)
        second = gopt.ray.RayCostBackend(Slow(), actors=1, timeout=None)
        threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
        result = gopt.optimize(problem, solver="anneal", seconds=60, backend=first, baselines=())
        seen.append(result.best.stop)
        first.close()
        seen.append(ray.is_initialized())

        evaluator = second.bind(problem)
        threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            evaluator.evaluate([plan])
        except KeyboardInterrupt:
            seen.append("interrupted")
        second.close()
        seen.append(ray.is_initialized())
        print(*seen, sep="|")
    """)
        == "cancelled|True|interrupted|False"
    )
