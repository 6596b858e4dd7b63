# SPDX-License-Identifier: Apache-2.0
"""What TLS, authentication and authorization cost; bench.py prints it. By itself: access.py [--quick]"""

import argparse
import base64
import contextlib
import http.client
import json
import pathlib
import ssl
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "Benchmarks"), str(ROOT / "Tests" / "System")]
sys.dont_write_bytecode = True

from guarded import (  # noqa: E402
    BASIC_FIELD, STATIC, TOKEN_FIELD, Caller, Guarded, Pairs, guarded_exporter, s_time, secure)
from load import Subject, measure_load  # noqa: E402
from measuring import CannotMeasure, cpu_time, memory, say  # noqa: E402
from table import MB, Table, grouped, megabytes, seconds_text  # noqa: E402

CLIENTS = 4
CONNECTIONS = 256


# Requests and handshakes a second


def measure_requests(table, agent, tls, basic, seconds, rounds):
    gzip = {"Accept-Encoding": "gzip"}
    subjects = [
        Subject("/metrics", f"{agent.url}/metrics", agent.pids, TOKEN_FIELD),
        Subject("/metrics, gzip", f"{agent.url}/metrics", agent.pids, {**TOKEN_FIELD, **gzip}),
        Subject("/healthz", f"{agent.url}/healthz", agent.pids, TOKEN_FIELD),
        Subject("/healthz?verbose, the agent decides", f"{agent.url}/healthz?verbose", agent.pids, TOKEN_FIELD),
        Subject("node_exporter /metrics", f"{tls.url}/metrics", tls.pids),
        Subject("node_exporter /metrics, basic auth", f"{basic.url}/metrics", basic.pids, BASIC_FIELD),
        Subject("node_exporter /metrics, basic, 4 conn.", f"{basic.url}/metrics", basic.pids, BASIC_FIELD, 4),
    ]
    return measure_load(table, "requests with TLS and a token: the same load", subjects, seconds, rounds)


HANDSHAKES = [
    ("TLS 1.3, full", "-tls1_3", ["-new"], False),
    ("TLS 1.2, full", "-tls1_2", ["-new"], False),
    ("TLS 1.2, resumed", "-tls1_2", ["-reuse"], True),
    ("TLS 1.3, full, with one request", "-tls1_3", ["-new", "-www", "/healthz"], False),
    ("TLS 1.3, resumed, with one request", "-tls1_3", ["-reuse", "-www", "/healthz"], True),
]


def measure_handshakes(table, agent, exporter, seconds, rounds):
    results = {}
    for _ in range(rounds):
        for name, version, words, resumes in HANDSHAKES:
            servers = [("", agent.main_port, agent.pids), ("node_exporter ", exporter.port, exporter.pids)]
            for whose, port, pids in servers:
                say(f"handshakes: {whose}{name}")
                if whose:
                    words = [word.replace("/healthz", "/") for word in words]
                used = sum(map(cpu_time, pids))
                count, resumed, passed = s_time(port, version, words, seconds, CLIENTS)
                used = sum(map(cpu_time, pids)) - used
                # The first of each client with -reuse is a full one.
                if count == 0 or resumed < (count - 2 * CLIENTS if resumes else 0) or (resumed and not resumes):
                    raise CannotMeasure(f"handshakes, {whose}{name}: {resumed} of {count} were resumed")
                results.setdefault((name, whose), []).append((count / passed, used / count))
    table.section(f"handshakes: {CLIENTS} openssl s_time, P-256 ECDSA", "", "per second", "", "", "", "CPU/handshake",
                  "x node_exporter")
    middle = {key: [statistics.median(column) for column in zip(*runs)] for key, runs in results.items()}
    for name, *_ in HANDSHAKES:
        for whose in ["", "node_exporter "]:
            rate, used = middle[name, whose]
            table.row(f"{whose}{name}", "", grouped(rate), "", "", "", seconds_text(used),
                      f"{rate / middle[name, 'node_exporter '][0]:.3g}")


# One request


class Costs:
    """Latencies of requests that follow one another, and the processor time that agent and web spent on each."""

    def __init__(self, table, tries):
        self.table, self.tries = table, tries
        self.middle = {}
        table.section("one request after the other, one connection", "median", "99 %", "added", "CPU/request", "tries")

    def row(self, name, times, used, base=None):
        median = statistics.median(times)
        worst = sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]
        self.middle[name] = median
        added = seconds_text(median - self.middle[base]) if base and median > self.middle[base] else ""
        self.table.row(name, seconds_text(median), seconds_text(worst), added,
                       seconds_text(used) if used is not None else "", len(times))

    def measure(self, name, agent, caller, path="/healthz?verbose", base="loopback, by the agent", tries=None,
                renew=lambda number: None):
        say(f"one request: {name}")
        times, status = [], None
        with caller:
            caller.exchange(path)  # the page is there, the verdict known
            used = sum(map(cpu_time, agent.pids))
            for number in range(tries or self.tries):
                renew(number)
                began = time.perf_counter()
                answer = caller.exchange(path)
                times.append(time.perf_counter() - began)
                status = answer[9:12]
                if status != b"200":
                    raise CannotMeasure(f"{name}: {answer[:300]!r}")
            used = sum(map(cpu_time, agent.pids)) - used
        self.row(name, times, used / len(times), base)


def measure_costs(costs, agent, asking, pairs, quick):
    costs.measure("loopback, from memory", agent, Caller(agent.plain), "/healthz", None)
    costs.measure("loopback, by the agent", agent, Caller(agent.plain), base=None)
    connect = agent.secure()
    costs.measure("TLS, granted page, from memory", agent, Caller(connect, STATIC), "/healthz", "loopback, from memory")
    costs.measure("TLS, static token", agent, Caller(connect, STATIC))
    costs.measure("TLS, nodekeep token", agent, Caller(connect, pairs.own))
    costs.measure("TLS, certificate known", agent, Caller(agent.secure(pairs.client)))
    costs.measure("TLS, token that the webhook knew", agent, Caller(connect, "any-1"))
    agent.use(1000)
    costs.measure("TLS, static token, 1000 rules", agent, Caller(connect, STATIC))
    agent.use(10)
    measure_chains(costs, agent, pairs, 20 if quick else 100)
    costs.measure("TLS, both verdicts of webhooks known", asking, Caller(asking.secure(), "any-2"))
    caller = Caller(asking.secure())
    fields = caller.fields

    def another(number):
        caller.fields = f"{fields}Authorization: Bearer any-new-{number}\r\n"

    another(-1)
    before = len(pairs.reviews.requests)
    tries = 50 if quick else 300
    costs.measure("TLS, TokenReview and SubjectAccessReview", asking, caller, tries=tries, renew=another)
    if len(pairs.reviews.requests) - before < 2 * tries:
        raise CannotMeasure("webhooks: fewer reviews than requests")
    measure_reviews(costs, pairs, tries)


def measure_chains(costs, agent, pairs, number):
    """A certificate that was never seen before, and the same once more. The handshake is over by then."""
    first, again, used = [], [], 0
    for each in range(number):
        say(f"certificate {each + 1} of {number}")
        with Caller(agent.secure(pairs.clients.issue(f"/O=bench/CN=client-{each}"))) as caller:
            time.sleep(0.02)
            for times in [first, again]:
                before = sum(map(cpu_time, agent.pids))
                began = time.perf_counter()
                status = caller.status("/healthz?verbose")
                times.append(time.perf_counter() - began)
                used += sum(map(cpu_time, agent.pids)) - before if times is first else 0
                if status != 200:
                    raise CannotMeasure(f"a client certificate: {status}")
    costs.row("TLS, certificate never seen", first, used / number, "TLS, certificate known")
    costs.row("  the request after it", again, None)


def measure_reviews(costs, pairs, number):
    """The API server's own share: both reviews by this program, over a kept connection."""
    context = ssl.create_default_context(cafile=str(pairs.directory / "servers.crt"))
    context.load_cert_chain(*map(str, pairs.client))
    connection = http.client.HTTPSConnection("127.0.0.1", pairs.reviews.port, context=context, timeout=10)
    times = []
    with contextlib.closing(connection):
        for each in range(number + 1):
            began = time.perf_counter()
            for path, spec in [
                    (pairs.reviews.TOKEN, {"token": f"own-{each}"}),
                    (pairs.reviews.ACCESS, {"user": "u", "resourceAttributes": {
                        "verb": "get", "version": "v1", "resource": "nodes", "subresource": "healthz", "name": "n"}})]:
                connection.request("POST", path, json.dumps({"spec": spec}))
                response = connection.getresponse()
                response.read()
                if response.status != 201:
                    raise CannotMeasure(f"the API server of the benchmark: {response.status}")
            times.append(time.perf_counter() - began)
    costs.row("  both reviews by themselves", times[1:], None)


def measure_basic(costs, basic, quick):
    """What a password costs node_exporter when it is new to it, and when it is not."""
    tries = 10 if quick else 40
    new, known, used = [], [], 0
    for number in range(tries):
        say(f"basic authentication {number + 1} of {tries}")
        word = base64.b64encode(f"bench:wrong-{number}".encode()).decode()
        with Caller(secure(basic.port), field={"Authorization": f"Basic {word}"}) as caller:
            time.sleep(0.02)
            for times in [new, known]:
                before = sum(map(cpu_time, basic.pids))
                began = time.perf_counter()
                if caller.status("/") != 401:
                    raise CannotMeasure("node_exporter lets in who has a wrong password")
                times.append(time.perf_counter() - began)
                used += sum(map(cpu_time, basic.pids)) - before if times is new else 0
    costs.row("node_exporter, password known", known, None)
    costs.row("node_exporter, password never seen", new, used / tries, "node_exporter, password known")


# Memory


def measure_memory(table, pairs, idle_seconds):
    """Alone on the machine: what another agent shares with it would count in parts."""
    with Guarded(pairs) as agent:
        say(f"idle with TLS for {idle_seconds} s")
        time.sleep(idle_seconds)
        rows(table, "idle", processes(agent), is_idle=True)
        agent.get("/livez", unix=True)
        time.sleep(3)
        rows(table, "the socket in use", processes(agent))
        with contextlib.ExitStack() as stack:
            for number in range(CONNECTIONS):
                caller = stack.enter_context(Caller(agent.secure(pairs.client if number % 2 else None), STATIC))
                if caller.status("/metrics") != 200:
                    raise CannotMeasure("memory with TLS: a request was refused")
            agent.get("/livez", unix=True)
            time.sleep(3)
            rows(table, f"{CONNECTIONS} TLS connections", processes(agent))


def processes(agent):
    return {"agent": memory(agent.agent_pid()), **{kind: memory(pid) for kind, pid in agent.web_pids().items()}}


def rows(table, when, seen, is_idle=False):
    """The budgets are those of an agent at rest, when nobody is connected to the socket, and no process is there for it."""
    for kind, limit in [("PSS", 25), ("RSS", None), ("anonymous", 8)]:
        limit = limit if is_idle else None
        values = [seen[name][kind] if name in seen else 0 for name in ["agent", "network", "socket"]]
        cells = [megabytes(value) if value else "" for value in values]
        table.row(f"{kind}, {when}", *cells, megabytes(sum(values)), budget=f"<= {limit} MB" if limit else "",
                  met=sum(values) <= limit * MB if limit else None)


def run(table, quick, connected=None):
    """`connected`: what an agent at rest with a container runtime uses."""
    seconds, rounds = (2, 1) if quick else (4, 3)
    with contextlib.ExitStack() as stack:
        pairs = stack.enter_context(contextlib.closing(Pairs()))
        table.section("processes with TLS", "agent", "web", "web, socket", "together", "", "", "", "budget")
        measure_memory(table, pairs, 15 if quick else 60)
        if connected:
            rows(table, "idle, runtime connected", connected, is_idle=True)
        tls = stack.enter_context(contextlib.closing(guarded_exporter(pairs, False)))
        basic = stack.enter_context(contextlib.closing(guarded_exporter(pairs, True)))
        with Guarded(pairs) as agent:
            others = measure_requests(table, agent, tls, basic, seconds, rounds)
        with Guarded(pairs, anonymous=True) as agent:
            measure_handshakes(table, agent, tls, seconds, rounds)
        costs = Costs(table, 500 if quick else 3000)
        with Guarded(pairs) as agent, Guarded(pairs, "Webhook") as asking:
            measure_costs(costs, agent, asking, pairs, quick)
        measure_basic(costs, basic, quick)
    return others


def main():
    parser = argparse.ArgumentParser(description="Measures TLS, authentication and authorization.")
    parser.add_argument("--quick", action="store_true", help="shorter and rougher")
    options = parser.parse_args()
    table = Table()
    try:
        others = run(table, options.quick)
    except (CannotMeasure, AssertionError, OSError) as error:
        print(f"bench: could not measure: {error}", file=sys.stderr)
        return 1
    print(f"\n{others:.2f} cores were busy with other programs while requests with TLS were measured\n")
    table.print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
