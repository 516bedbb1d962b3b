"""Cost backends that answer, fail, hang and die; sent to actors by value."""

import os
import time

import gopt

# Plans say what shall happen to them: their producer is one of these words.
RAISE, HANG, DIE = "raise", "hang", "die"


class Moody(gopt.CostBackend):
    """`base` ns and one for each kernel on device 1, unless the plan's producer says otherwise."""

    def __init__(self, base=100):
        super().__init__()
        self.base = base

    def evaluate(self, problem, plan):
        if plan.producer == RAISE:
            raise ZeroDivisionError("a bad day")
        if plan.producer == HANG:
            time.sleep(60)
        if plan.producer == DIE:
            os._exit(1)
        return self.base + sum(plan.device)


class Nonsense(gopt.CostBackend):
    """What it is given, whatever the plan."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def evaluate(self, problem, plan):
        return self.answer


class Miscounts(gopt.CostBackend):
    def bind(self, problem):
        return self

    def evaluate(self, plans, options):
        return [1]


class Negative(gopt.CostBackend):
    def evaluate(self, problem, plan):
        return gopt.CostReport(step_time=-5)


class Picky(gopt.CostBackend):
    def bind(self, problem):
        raise gopt.InvalidArgumentError("not this graph")


class Validates(gopt.CostBackend):
    """What the problem says of the plan."""

    def evaluate(self, problem, plan):
        try:
            problem.validate(plan)
        except gopt.InvalidArgumentError as error:
            return gopt.CostReport(outcome="INFEASIBLE", reason=str(error))
        return 1


class Doubled(gopt.CostBackend):
    """Holds another backend, and travels with it."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def evaluate(self, problem, plan):
        return 2 * gopt.evaluate(problem, plan, self.inner).step_time


def make_simulator():
    return gopt.Simulator(contention=False)
