# SPDX-License-Identifier: Apache-2.0
"""What must hold when the soak is over. Each check says what it has looked at."""

import collections
import re

import meter
from support import descriptors, wait_for

JOB = re.compile(r" job=(\S+)")
AGENT = re.compile(r' user_agent="?([^" ]+)')
UNRECORDED = re.compile(r" unrecorded=(\d+)")


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, holds, more=""):
        self.passed += bool(holds)
        self.failed += not holds
        print(f"{'ok    ' if holds else 'FAILED'}  {name}{f': {more}' if more != '' else ''}", flush=True)

    # Traffic.

    def books(self, books, nodes):
        killed, closed, lost = books.judge(books.losses)
        requests = sum(count for what, count in books.counts.items() if what.startswith("good "))
        self.check("good requests were answered", requests > 0 and not lost,
                   f"{requests} answers, {len(lost)} lost {[loss.what for loss in lost[:3]]}")
        self.check("whoever lost a web process lost one that was killed", bool(killed) == bool(books.kills),
                   f"{len(books.kills)} kills, {len(killed)} requests cut by them")
        evicted = sum(node.metrics()["nodekeep_web_connections_evicted_total"] for node in nodes)
        self.check("connections that were kept were closed to make room only", len(closed) <= evicted,
                   f"{len(closed)} found closed, {evicted:.0f} evicted")
        for kind in ["good request with a bad answer", "good request with a damaged answer",
                     "good request without an answer in time", "good command line", "stranger let in", "not followed",
                     "promise broken", "bad archive", "the soak's own"]:
            self.check(f"{kind}: none", not books.failures[kind],
                       f"{books.failures[kind]} {books.examples[kind]}" if books.failures[kind] else "")

    # Checkpoints.

    def dumps(self, dumps, books):
        node = dumps.node
        records = node.records()
        log = node.output().splitlines()
        accepted = {JOB.search(line)[1] for line in log if " is accepted container=" in line}
        published = [record for record in records.values() if record["outcome"] == "published"]
        self.check(f"{node.name}: each accepted checkpoint has its record", accepted and accepted == set(records),
                   f"{len(accepted)} accepted, {len(records)} records, "
                   f"differing {sorted(accepted ^ set(records))[:3]}")
        outcomes = collections.Counter(record["outcome"] for record in records.values())
        # On a busy machine CRIU gives a container up now and then that it cannot freeze within ten seconds.
        words = [record["message"] for record in records.values() if record["outcome"] == "runtimeError"]
        self.check(f"{node.name}: they were published, or the runtime failed in its own words, or the caller had left",
                   set(outcomes) <= {"published", "dropped", "runtimeError"}
                   and all("rpc error" in message for message in words) and len(words) < len(published), dict(outcomes))
        audit = [line for line in log if "audit: POST checkpoint" in line]
        by_job = collections.Counter(JOB.search(line)[1] for line in audit if JOB.search(line))
        self.check(f"{node.name}: and one audit record", set(by_job) == accepted and set(by_job.values()) <= {1},
                   f"{len(by_job)} of {len(accepted)}")
        by_name = collections.Counter(match[1] for line in audit if (match := AGENT.search(line)))
        answered = [attempt for attempt in dumps.attempts if attempt.status not in (401, 403)]
        self.check(f"{node.name}: each answered call has one audit record",
                   answered and all(by_name[attempt.name] == 1 for attempt in answered),
                   f"{len(answered)} calls, {[a.name for a in answered if by_name[a.name] != 1][:3]} without or twice")
        jobs = [attempt.job for attempt in answered if attempt.job]
        self.check(f"{node.name}: each job answered one caller", len(jobs) == len(set(jobs)), len(jobs))
        self.check(f"{node.name}: the archives were read", len(dumps.archives) == len(published) > 0,
                   f"{len(dumps.archives)} of {len(published)} published")
        self.refusals(node)
        for container in node.containers:
            self.counting(container)
        try:
            node.check(verified=dumps.archives)
            problem = ""
        except AssertionError as error:
            problem = error
        self.check(f"{node.name}: the directory is in order, nothing is frozen", not problem, problem)

    def refusals(self, node):
        """Every refusal is recorded, or counted by the record after it."""
        with node.main().open() as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            while connection.recv(65_536):
                pass
        log = node.output().splitlines()
        refused = [line for line in log if " audit: " in line and " is refused with " in line]
        told = len(refused) + sum(int(UNRECORDED.search(line)[1]) for line in refused if UNRECORDED.search(line))
        # The page is a second old at most.
        try:
            wait_for(lambda: refusals_counted(node) == told, 5, "the count")
        except AssertionError:
            pass
        counted = refusals_counted(node)
        self.check(f"{node.name}: refusals are recorded or counted", told == counted > 0,
                   f"{len(refused)} records tell of {told}, {counted:.0f} counted")

    def counting(self, container):
        try:
            container.counts_on()
            numbers = all_numbers(container)
            problem = "" if numbers == list(range(1, len(numbers) + 1)) else "numbers are missing or come twice"
        except AssertionError as error:
            problem = error
        self.check(f"{container.path} has counted on without a gap", not problem, problem or len(numbers))

    # Processes.

    def log(self, node, kills):
        metrics = node.metrics()
        ends = [line for line in node.output().splitlines() if "starting another" in line]
        self.check(f"{node.name}: no web process ended but those that were killed",
                   len(ends) == kills and all("signal 9" in line for line in ends),
                   f"{len(ends)} ended, {kills} killed")
        self.check(f"{node.name}: web tried nothing that it may not",
                   metrics["nodekeep_web_denied_system_calls_total"] == 0)
        self.check(f"{node.name}: the agent is the one that was started", node.process.poll() is None)
        live = node.get("/livez?verbose")
        self.check(f"{node.name}: all its loops go round", live.status == 200, "" if live.status == 200 else live.body)

    def processes(self, before, after, nodes):
        for (name, kind), reading in after.items():
            known = before.get((name, kind))
            if known is None:
                self.check(f"{name} {kind}: was there before", False)
                continue
            for what, bound in [("anonymous", meter.MEMORY[kind]), ("descriptors", meter.DESCRIPTORS),
                                ("threads", meter.THREADS)]:
                was, now = getattr(known, what), getattr(reading, what)
                self.check(f"{name} {kind}: {what} as after the warm-up", now <= was + bound, f"{was} -> {now}")
            if reading.descriptors > known.descriptors + meter.DESCRIPTORS:
                print(*sorted(descriptors(reading.pid)), sep="\n")


def refusals_counted(node):
    return sum(value for name, value in node.metrics().items()
               if name.startswith("nodekeep_access_decisions_total") and '"allowed"' not in name)


def all_numbers(container):
    lines = container.log.read_text(errors="replace").splitlines()
    words = [line.split(" ", 3) for line in lines]
    return [int(word[3]) for word in words if len(word) == 4 and word[3].isdigit()]
