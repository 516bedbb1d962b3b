"""Two towers that meet: built by hand, optimised for several GPUs, compared with one."""

import gopt

WIDTH = 2048
BYTES = 4 * WIDTH * WIDTH


def add_tower(builder: gopt.GraphBuilder, name: str, x: int) -> int:
    """A chain of matrix products with their parameters; gives the last port."""
    for layer in range(4):
        scope = f"{name}.{layer}"
        weight = builder.add_op(f"{scope}.weight", "parameter", kind="parameter")
        w = builder.add_port(weight, bytes=BYTES, shape=(WIDTH, WIDTH), persistent=True)
        matmul = builder.add_op(
            f"{scope}.matmul",
            "matmul",
            scope=scope,
            fusion_class="contraction",
            operands=[x, w],
            flops=2 * WIDTH**3,
        )
        x = builder.add_port(matmul, bytes=BYTES, shape=(WIDTH, WIDTH))
    return x


builder = gopt.GraphBuilder("towers")
source = builder.add_op("x", "input", kind="input")
x = builder.add_port(source, bytes=BYTES, shape=(WIDTH, WIDTH))
ends = [add_tower(builder, "left", x), add_tower(builder, "right", x)]
add = builder.add_op("add", "add", fusion_class="elementwise", operands=ends)
builder.add_port(add, bytes=BYTES, shape=(WIDTH, WIDTH))
graph = builder.build()

machine = gopt.Machine.preset("v100x4")
result = gopt.optimize(graph, machine, evaluations=500, seed=1)
print(result)

for op, device in zip(graph.op_names, result.plan.op_devices, strict=True):
    if device >= 0:
        print(f"  {op} on {machine.devices[device].name}")

one_device = next(row for row in result if row.solver == "single_device")
assert result.step_time_ns < one_device.step_time_ns, "two devices should be faster than one"
