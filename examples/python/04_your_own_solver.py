"""A solver of your own: round robin from every offset, the best kept. It takes part in comparisons
like any other, under the same budget."""

import gopt


class DealOut(gopt.Solver):
    def name(self):
        return "deal_out"

    def solve(self, search):
        kernels = search.problem.base_kernels
        devices = len(search.problem.machine)
        for offset in range(devices):
            if search.exhausted():
                break
            plan = gopt.Plan(
                kernels,
                device=[(k + offset) % devices for k in range(len(kernels))],
                producer="deal_out",
            )
            search.evaluate(plan)


gopt.register_solver("deal_out", DealOut, "kernel k on device k modulo their number")

graph = gopt.parse_graph(
    "a:op[time=900,bytes=10] -> b, c, d;"
    "b:op[time=700,bytes=10] -> e:op[time=300];"
    "c:op[time=800,bytes=10] -> e; d:op[time=200,bytes=10] -> e"
)
result = gopt.compare(graph, gopt.Machine.uniform(3), "deal_out, heft, portfolio", evaluations=100)
print(result)
assert all(row.ok for row in result)
