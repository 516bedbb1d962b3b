"""A cost backend of your own: the busiest device's work plus every byte that crosses a channel."""

import gopt


class BalanceBackend(gopt.CostBackend):
    """Compiles a problem once, prices many plans."""

    def name(self):
        return "balance"

    def bind(self, problem):
        return BalanceEvaluator(problem)


class BalanceEvaluator:
    def __init__(self, problem):
        graph = problem.graph
        self.costs = gopt.OpCosts(problem)
        self.times = [self.costs.op_times(d) for d in range(len(problem.machine))]
        self.ops = graph.kernel_ops
        ports = [[graph.port(p) for p in graph.op(op).operands] for op in range(len(graph))]
        self.operands = [[(p.producer, p.bytes) for p in read] for read in ports]

    def evaluate(self, plans, options):
        return [self.price(plan) for plan in plans]

    def price(self, plan):
        device = plan.op_devices
        busy = [0] * len(self.times)
        moved = 0
        for op in self.ops:
            busy[device[op]] += self.times[device[op]][op]
            for maker, size in self.operands[op]:
                if device[maker] not in (-1, device[op]):
                    moved += self.costs.transfer_time(size, device[maker], device[op])
        return gopt.CostReport(step_time=max(busy) + moved, busy=busy)


gopt.register_backend("balance", BalanceBackend, "busiest device plus all transfers")

graph = gopt.parse_graph(
    "a:matmul[time=5000,bytes=1000] -> b:relu[time=3000,bytes=10];"
    "c:matmul[time=4000,bytes=1000] -> d:relu[time=4000,bytes=10];"
    "b, d -> e:add[time=100]"
)
machine = gopt.Machine.uniform(2)
for backend in ("balance", "simulator"):
    result = gopt.optimize(graph, machine, backend=backend, evaluations=300)
    print(f"{backend} prices its best plan at {result.step_time_ns} ns")
