"""The simulator's rules in plain Python over heapq, for the benchmark's comparison.

One tensor per op, PRIORITY dispatch, one channel per ordered pair of devices, no parameters, no
memory: what the benchmark's graph needs. Prints one line of JSON.

    python heapq_simulator.py PROBLEM.json
"""

import heapq
import json
import math
import sys
import time


def simulate(problem):
    """Returns the step time in nanoseconds."""
    device, rank, duration = problem["device"], problem["rank"], problem["duration"]
    nbytes, operands = problem["bytes"], problem["operands"]
    bandwidth, latency = problem["bandwidth"], problem["latency"]
    devices = problem["devices"]
    readers = [[] for _ in device]
    missing = [len(sources) for sources in operands]
    for op, sources in enumerate(operands):
        for source in sources:
            readers[source].append(op)
    ready = [[] for _ in range(devices)]
    for op, count in enumerate(missing):
        if count == 0:
            heapq.heappush(ready[device[op]], (rank[op], op))
    running = [False] * devices
    channel_free = [[0] * devices for _ in range(devices)]
    events = []  # (time, 0 finish or 1 arrival, rank, op, destination)
    now = step_time = 0

    def start_idle():
        for d in range(devices):
            if ready[d] and not running[d]:
                _, op = heapq.heappop(ready[d])
                running[d] = True
                heapq.heappush(events, (now + duration[op], 0, rank[op], op, d))

    def deliver(op, to):
        for reader in readers[op]:
            if device[reader] == to:
                missing[reader] -= 1
                if missing[reader] == 0:
                    heapq.heappush(ready[to], (rank[reader], reader))

    start_idle()
    while events:
        now = events[0][0]
        finished = []
        while events and events[0][0] == now:
            _, kind, _, op, d = heapq.heappop(events)
            if kind == 0:
                running[d] = False
                step_time = now
                finished.append(op)
            deliver(op, d)
        for op in finished:  # In order of rank, as they came from the heap.
            lowest = {}
            for reader in readers[op]:
                to = device[reader]
                if to != device[op]:
                    lowest[to] = min(lowest.get(to, rank[reader]), rank[reader])
            for _, to in sorted((r, to) for to, r in lowest.items()):
                start = max(now, channel_free[device[op]][to])
                end = start + math.ceil(float(nbytes[op]) * 1e9 / bandwidth)
                channel_free[device[op]][to] = end
                heapq.heappush(events, (end + latency, 1, rank[op], op, to))
        start_idle()
    return step_time


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        problem = json.load(file)
    begin = time.perf_counter()
    step_time = simulate(problem)
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "step_time_ns": step_time}))


if __name__ == "__main__":
    main()
