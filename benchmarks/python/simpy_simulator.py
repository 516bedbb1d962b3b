"""The same model as heapq_simulator.py, as one writes it with SimPy: a process per op and per
transfer, a PriorityResource per device, a Resource per channel. Ties are broken by SimPy, so the
step time may differ a little. Prints one line of JSON; exits with 77 where SimPy is missing.

    python simpy_simulator.py PROBLEM.json
"""

import json
import math
import sys
import time


def simulate(simpy, problem):
    """Returns the step time in nanoseconds."""
    device, rank, duration = problem["device"], problem["rank"], problem["duration"]
    nbytes, operands = problem["bytes"], problem["operands"]
    bandwidth, latency = problem["bandwidth"], problem["latency"]
    devices = range(problem["devices"])
    env = simpy.Environment()
    cores = [simpy.PriorityResource(env) for _ in devices]
    channels = [[simpy.Resource(env) for _ in devices] for _ in devices]
    destinations = [set() for _ in device]
    for op, sources in enumerate(operands):
        for source in sources:
            destinations[source].add(device[op])
    there = [{to: env.event() for to in found} for found in destinations]

    def transfer(op, to):
        with channels[device[op]][to].request() as turn:
            yield turn
            yield env.timeout(math.ceil(float(nbytes[op]) * 1e9 / bandwidth))
        yield env.timeout(latency)
        there[op][to].succeed()

    def run(op):
        if operands[op]:
            yield env.all_of([there[source][device[op]] for source in operands[op]])
        with cores[device[op]].request(priority=rank[op]) as turn:
            yield turn
            yield env.timeout(duration[op])
        for to in destinations[op]:
            if to == device[op]:
                there[op][to].succeed()
            else:
                env.process(transfer(op, to))

    for op in range(len(device)):
        env.process(run(op))
    env.run()
    return env.now


def main():
    try:
        import simpy
    except ImportError:
        print("SimPy is not installed", file=sys.stderr)
        sys.exit(77)
    with open(sys.argv[1], encoding="utf-8") as file:
        problem = json.load(file)
    begin = time.perf_counter()
    step_time = simulate(simpy, problem)
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "step_time_ns": step_time}))


if __name__ == "__main__":
    main()
