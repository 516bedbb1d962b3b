"""A machine of your own: a fast accelerator, a slow one, and a shared bus between them."""

import gopt

COMMON = {
    "kind": "accelerator",
    "memory_bytes": 8 << 30,
    "launch": 5000,
    # Matrix products reach 70 % of the peak, everything else all of it.
    "efficiency": [gopt.Efficiency(op_class="contraction", flops=0.7)],
}
machine = gopt.Machine(
    "pair",
    devices=[
        gopt.Device("fast", peak_flops=20e12, memory_bandwidth=800e9, **COMMON),
        gopt.Device("slow", peak_flops=5e12, memory_bandwidth=200e9, **COMMON),
    ],
    # One bus carries both directions, one tensor at a time.
    channels=[gopt.Channel("bus", bandwidth=12e9, latency=10_000)],
    routes=[gopt.Route(0, 1, [0]), gopt.Route(1, 0, [0])],
)
machine.save("pair.txtpb")
machine = gopt.Machine.load("pair.txtpb")
print(machine.to_text())

graph = gopt.parse_graph(
    "a:matmul[flops=4e10,bytes=1000000] -> c:add[flops=1e6];b:matmul[flops=1e10,bytes=1000000] -> c"
)
result = gopt.optimize(graph, machine, evaluations=200)
report = result.cost_report
for device, busy in zip(machine.devices, report.busy, strict=True):
    print(f"{device.name} is busy for {busy} of {report.step_time} ns")
