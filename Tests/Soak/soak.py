# SPDX-License-Identifier: Apache-2.0
"""Good and hostile traffic on every listener for a while, with checkpoints going on, and a look at what is left of it.

usage: soak.py     SOAK_SECONDS is how long (1800), SOAK_SEED what chance is drawn from
"""

import os
import pathlib
import random
import resource
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "E2E"), str(HERE.parent / "System")]
sys.dont_write_bytecode = True

import session

SECONDS = int(os.environ.get("SOAK_SECONDS", "1800"))
SEED = int(os.environ.get("SOAK_SEED", "0")) or random.randrange(1, 1 << 31)
# Long enough for every cache to be full, every pool of threads to have its number, every page to have been asked for.
WARM_UP = min(max(40, SECONDS // 6), 180)


def say(words):
    print(f"soak: {time.strftime('%H:%M:%S')} {words}", flush=True)


def rest(nodes):
    import meter
    from support import wait_for
    # Unused connections to the API server stay for a minute and a half, unless there is another configuration.
    for node in nodes:
        node.read_again()
    wait_for(lambda: all(meter.is_at_rest(node) for node in nodes), 120, "nobody connected and no job under way")


def table(books, nodes, before, after):
    print()
    for node in nodes:
        metrics = node.metrics()
        print(f"{metrics['nodekeep_web_connections_accepted_total']:>9.0f}  connections to {node.name}, "
              f"{metrics['nodekeep_web_connections_evicted_total']:.0f} of them closed to make room, "
              f"{metrics['nodekeep_web_requests_passed_total']:.0f} requests decided by the agent")
    for what, count in sorted(books.counts.items()):
        slowest = f"  slowest {books.slowest[what] * 1000:.0f} ms" if what in books.slowest else ""
        print(f"{count:>9}  {what}{slowest}")
    print(f"\n{'':24}{'anonymous KiB':>24}{'descriptors':>18}{'threads':>14}")
    for key, now in sorted(after.items()):
        was = before.get(key, now)
        print(f"{' '.join(key):24}{was.anonymous >> 10:>12}{now.anonymous >> 10:>12}{was.descriptors:>9}"
              f"{now.descriptors:>9}{was.threads:>7}{now.threads:>7}")
    print(flush=True)


def soak(at_the_end):
    import bed
    import checks
    import meter
    from books import Books
    from dumps import Dumps
    from nodes import SoakNode, World
    from traffic import Traffic
    world = World()
    at_the_end(world.close)
    nodes = []
    for name in ["policy", "webhook"]:
        nodes.append(SoakNode(bed.shared(), world, name))
        at_the_end(nodes[-1].close)
    for node in nodes:
        node.grafana, _ = node.token("grafana", "monitoring")
    books = Books()
    dumps = [Dumps(node, books) for node in nodes]
    traffic = Traffic(nodes, dumps, books, SEED)
    say(f"warming up for {WARM_UP} s; SOAK_SEED={SEED}")
    time.sleep(1.5)  # the new tokens are in force
    for _ in range(3):
        traffic.crowd()
    traffic.run(WARM_UP)
    say("waiting for rest")
    rest(nodes)
    say("at rest")
    before = meter.least(nodes, 15)
    left = max(SECONDS - WARM_UP, 20)
    say(f"going on for {left} s")
    traffic.run(left, kills=nodes[0])
    say("waiting for rest")
    rest(nodes)
    say("at rest")
    over = threading.Event()
    over.set()
    for each in dumps:
        each.read_archives(over)
    after = meter.settled(nodes, before, 90)
    table(books, nodes, before, after)
    found = checks.Checks()
    found.books(books, nodes)
    for node, each in zip(nodes, dumps):
        found.dumps(each, books)
        found.log(node, sum(kill.node == node.name for kill in books.kills))
    found.processes(before, after, nodes)
    return found


def main():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    found = session.run(__file__, soak)
    if found is None:
        sys.exit(1)
    print(f"soak: {found.passed} checks passed, {found.failed} failed", flush=True)
    sys.exit(1 if found.failed else 0)


if __name__ == "__main__":
    main()
