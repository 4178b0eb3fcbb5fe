"""The networks of benches/peers, simulated with SimPy.

Twice. `resources` is as SimPy's documentation has it: a process a request, servers are resources. `lean` is what somebody writes
for whom that is too slow: nothing but time-outs with callbacks, and queues of one's own.

Reads lines such as `resources mixed 1 30` (how, which network, with which seed, how many simulated seconds) and answers each with a line of JSON.
"""

import json
import random
import sys
import time
from bisect import bisect
from collections import OrderedDict, deque
from itertools import accumulate
from math import log, sqrt
from pathlib import Path

import simpy


def scenario(name):
    """The parts of a network, by name, each without its kind."""
    text = (Path(__file__).parent.parent / f"{name}.json").read_text()
    components = json.loads(text)["components"]
    return {name: next(iter(kind.values())) for name, kind in components.items()}


class Network:
    """What the ways of simulating it share: the numbers, the draws, what is measured."""

    def __init__(self, parts, seed):
        self.rng = random.Random(seed)
        users, shop = parts["users"], parts["shop"]
        assert parts["lb"]["policy"] == "least_connections" and shop["workers"] == 1
        self.rate = users["arrivals"]["poisson"]["rate_per_s"]
        self.servers = shop["instances"]
        plan = next(iter(shop["plans"].values()))
        self.work = 1000.0 / plan[0]["work"]["exponential"]["mean_ms"]
        self.cache = None
        if "redis" in parts:
            zipf, redis, db = users["keys"]["zipf"], parts["redis"], parts["db"]
            weights = (rank ** -zipf["exponent"] for rank in range(1, zipf["count"] + 1))
            self.keys = list(accumulate(weights))
            self.writes = users["mix"]["write"] / sum(users["mix"].values())
            self.cache = Lru(redis["capacity_entries"])
            self.lookup = redis["lookup"]["constant"]["mean_ms"] / 1000.0
            self.connections = db["connections"]
            query = db["queries"]["*"]["log_normal"]
            variance = log(1.0 + query["cv"] ** 2)
            self.mu = log(query["mean_ms"] / 1000.0) - variance / 2.0
            self.sigma = sqrt(variance)
        self.turn = 0
        self.answered = 0
        self.latency = 0.0

    def key(self):
        return bisect(self.keys, self.rng.random() * self.keys[-1])

    def fewest(self, open_requests):
        """Who has the fewest open requests; among equals in turn."""
        least = min(open_requests)
        turn = self.turn
        try:
            server = open_requests.index(least, turn)
        except ValueError:
            server = open_requests.index(least)
        self.turn = (server + 1) % self.servers
        return server


class Lru:
    """A cache that gives up what was used least recently."""

    def __init__(self, entries):
        self.entries = entries
        self.held = OrderedDict()

    def get(self, key):
        found = key in self.held
        if found:
            self.held.move_to_end(key)
        return found

    def put(self, key):
        self.held[key] = None
        self.held.move_to_end(key)
        if len(self.held) > self.entries:
            self.held.popitem(last=False)

    def drop(self, key):
        self.held.pop(key, None)


def resources(network, seconds):
    env = simpy.Environment()
    rng = network.rng
    servers = [simpy.Resource(env) for _ in range(network.servers)]
    open_requests = [0] * network.servers

    def request(env, server):
        arrived = env.now
        with servers[server].request() as turn:
            yield turn
            yield env.timeout(rng.expovariate(network.work))
        open_requests[server] -= 1
        network.answered += 1
        network.latency += env.now - arrived

    if network.cache:
        cache, database = network.cache, simpy.Resource(env, network.connections)

        def fill(env, key):
            yield env.timeout(network.lookup)
            cache.put(key)

        def request(env, server):  # noqa: F811
            arrived = env.now
            key = network.key()
            writes = rng.random() < network.writes
            with servers[server].request() as turn:
                yield turn
                yield env.timeout(rng.expovariate(network.work))
                found = False
                if not writes:
                    yield env.timeout(network.lookup)
                    found = cache.get(key)
                if not found:
                    with database.request() as connection:
                        yield connection
                        yield env.timeout(rng.lognormvariate(network.mu, network.sigma))
                    if writes:
                        yield env.timeout(network.lookup)
                        cache.drop(key)
                    else:
                        # Nobody waits for that.
                        env.process(fill(env, key))
            open_requests[server] -= 1
            network.answered += 1
            network.latency += env.now - arrived

    def arrivals(env):
        while True:
            yield env.timeout(rng.expovariate(network.rate))
            server = network.fewest(open_requests)
            open_requests[server] += 1
            env.process(request(env, server))

    env.process(arrivals(env))
    env.run(until=seconds)


def lean(network, seconds):
    env = simpy.Environment()
    rng, rate, work, timeout = network.rng, network.rate, network.work, env.timeout
    queues = [deque() for _ in range(network.servers)]
    open_requests = [0] * network.servers

    def after(delay, do, value):
        timeout(delay, value).callbacks.append(do)

    def begin(server):
        after(rng.expovariate(work), worked, server)

    def answer(server):
        queue = queues[server]
        network.answered += 1
        network.latency += env.now - queue.popleft()[0]
        open_requests[server] -= 1
        if queue:
            begin(server)

    def worked(event):
        answer(event._value)

    def ask():
        return None

    if network.cache:
        cache, lookup, waiting = network.cache, network.lookup, deque()
        free = [network.connections]

        def ask():  # noqa: F811
            return network.key(), rng.random() < network.writes

        def worked(event):  # noqa: F811
            server = event._value
            if queues[server][0][1][1]:
                reach(server)
            else:
                after(lookup, looked_up, server)

        def looked_up(event):
            server = event._value
            if cache.get(queues[server][0][1][0]):
                answer(server)
            else:
                reach(server)

        def reach(server):
            if free[0]:
                free[0] -= 1
                query(server)
            else:
                waiting.append(server)

        def query(server):
            after(rng.lognormvariate(network.mu, network.sigma), queried, server)

        def queried(event):
            server = event._value
            if waiting:
                query(waiting.popleft())
            else:
                free[0] += 1
            key, writes = queues[server][0][1]
            if writes:
                after(lookup, dropped, server)
            else:
                after(lookup, filled, key)
                answer(server)

        def dropped(event):
            server = event._value
            cache.drop(queues[server][0][1][0])
            answer(server)

        def filled(event):
            cache.put(event._value)

    def arrive(_event):
        server = network.fewest(open_requests)
        open_requests[server] += 1
        queue = queues[server]
        queue.append((env.now, ask()))
        if len(queue) == 1:
            begin(server)
        after(rng.expovariate(rate), arrive, None)

    after(rng.expovariate(rate), arrive, None)
    env.run(until=seconds)


WAYS = {"resources": resources, "lean": lean}
SCENARIOS = {name: scenario(name) for name in ("eight-servers", "mixed")}

for line in sys.stdin:
    way, name, seed, seconds = line.split()
    network = Network(SCENARIOS[name], int(seed))
    start = time.perf_counter()
    WAYS[way](network, float(seconds))
    took = time.perf_counter() - start
    mean_ms = network.latency / network.answered * 1000.0
    print(json.dumps({"requests": network.answered, "seconds": took, "mean_ms": mean_ms}), flush=True)
