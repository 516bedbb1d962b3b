"""One small Ray on this machine for all tests of gopt.ray."""

import importlib.util
import secrets
import shutil
import tempfile
from pathlib import Path

import pytest
import ray_inner

import gopt

OPTIONS = {"num_cpus": 2, "object_store_memory": 80 << 20, "log_to_driver": False}


def ray_is_installed() -> bool:
    """The folder of these tests is on sys.path by its parent and would pass for a package."""
    spec = importlib.util.find_spec("ray")
    return spec is not None and spec.origin is not None


@pytest.fixture(scope="session")
def ray_environment():
    """Ray's files in a folder of their own, whose short name leaves room for its sockets."""
    if not ray_is_installed():
        pytest.skip("the package ray is not installed")
    folder = tempfile.mkdtemp(prefix="ray")
    # What protects this Ray from others on the machine; else one would be left in the home folder.
    token = Path(folder, "token")
    token.write_text(secrets.token_hex(32))
    token.chmod(0o600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
        patch.delenv("RAY_ADDRESS", raising=False)
        yield
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def ray(ray_environment):
    import ray

    ray.init(include_dashboard=False, **OPTIONS)
    ray.cloudpickle.register_pickle_by_value(ray_inner)  # Actors do not see this folder.
    yield ray
    ray.shutdown()


@pytest.fixture
def ray_options() -> dict:
    return dict(OPTIONS)


@pytest.fixture
def problem() -> gopt.Problem:
    graph = gopt.parse_graph(
        "a:op[time=5,bytes=1] -> b:op[time=3,bytes=1]; a -> c:op[time=4,bytes=1]; "
        "b, c -> d:op[time=2]"
    )
    return gopt.Problem(graph, gopt.Machine.uniform(2))
