"""Arguments of every command, and what errors become."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence

import gopt
from gopt.cli import options

EXIT_CODES = """\
exit codes:
  0    done
  1    no plan: nothing fits, no solver found one, or the given plan is illegal
  2    bad usage or bad input; one line on standard error says what
  130  interrupted with nothing to show (a search that has a plan gives it and exits 0); a training
       run that was interrupted, after its checkpoint
"""

EXAMPLES = """\
examples:
  gopt capture mypackage.model:step -o step.gopt
  gopt info step.gopt --machine v100x4
  gopt compare step.gopt --machine v100x4 --solvers expert,metis,heft,anneal --evaluations 2000
  gopt compare gnmt8 --machine p100x8
  gopt optimize step.gopt --machine v100x4 --seconds 30 -o plan.txtpb
  gopt explain step.gopt plan.txtpb --op encoder.layers.0.linear1.mm
  gopt report step.gopt plan.txtpb -o report.html
  gopt train --graph step.gopt --machine v100x4 -o runs/first
  gopt optimize step.gopt --machine v100x4 --policy runs/first/policy.gopt
"""

# name: (summary, description). Each is a module gopt.cli.<name> with add_arguments and run.
COMMANDS = {
    "capture": "a PyTorch step as a graph file",
    "info": "what is in a graph, and where its time goes",
    "calibrate": "op times measured on this machine's CPU",
    "fusion-gains": "the price of fusion checked against compiled kernels",
    "validate": "check a graph, and a plan for it",
    "optimize": "find a plan",
    "compare": "one row per solver, under the same budget",
    "explain": "why an op is where it is, and what moving it would cost",
    "report": "one HTML page: timeline, memory, solvers",
    "train": "a policy by reinforcement learning",
    "policy": "what is in a policy's or a checkpoint's file",
    "export": "a graph or plan for another tool",
    "solvers": "solvers, cost backends and file formats that are registered",
    "workloads": "training steps that come with gopt: list them, make them",
    "machines": "machine presets, or one machine in full",
}


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser; with `only`, the other commands are named but not filled in."""
    parser = argparse.ArgumentParser(
        prog="gopt",
        description="Decides placement, fusion and order of a dataflow graph's ops.",
        epilog=f"{EXAMPLES}\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"gopt {gopt.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        if only in COMMANDS and name != only:
            commands.add_parser(name, help=summary, add_help=False)
            continue
        module = importlib.import_module(f"gopt.cli.{name.replace('-', '_')}_command")
        command = commands.add_parser(
            name,
            help=summary,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    command = next((a for a in arguments if not a.startswith("-")), None)
    parsed = _parse(build_parser(only=command), arguments)
    return _guarded(parsed.run, parsed)


def _parse(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """Takes PLAN after options too, where argparse has given up on an optional positional."""
    parsed, rest = parser.parse_known_args(arguments)
    lacks_plan = getattr(parsed, "plan_file", "") is None
    if lacks_plan and len(rest) == 1 and not rest[0].startswith("-"):
        parsed.plan_file = rest.pop()
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return parsed


def _guarded(run: Callable[[argparse.Namespace], int], parsed: argparse.Namespace) -> int:
    try:
        code = run(parsed)
        sys.stdout.flush()
        return code
    except options.UsageError as error:
        return _fail(str(error), 2)
    except gopt.ResourceExhaustedError as error:
        return _fail(str(error), 1)
    except gopt.GoptError as error:
        return _fail(str(error), 2)
    except MemoryError:
        return _fail("there is not enough memory", 1)
    except BrokenPipeError:
        # The reader, `head` say, has seen enough; spare the interpreter's complaint at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        name = error.filename or ""
        return _fail(f"{name}: {error.strerror}" if name else str(error), 2)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)


def _fail(message: str, code: int) -> int:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    print(f"gopt: error: {'; '.join(lines)}", file=sys.stderr)
    return code
