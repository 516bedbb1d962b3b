"""`python -m gopt`, and with it `torchrun -m gopt`: the command line."""

import sys

from gopt.cli import main

if __name__ == "__main__":
    sys.exit(main())
