"""gopt: fusion, placement and scheduling of dataflow graphs."""

from gopt._core import version as _version

__version__ = _version()
