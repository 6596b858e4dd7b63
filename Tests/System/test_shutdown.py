# SPDX-License-Identifier: Apache-2.0
"""logind prepares for a shutdown: the API server, or the file, hears of it before the machine may go."""

import json
import signal
import time

from bus_case import BusCase
from heartbeat_case import HeartbeatTest
from support import wait_for

WORDS = "node is shutting down"
# The agent's own limit is 3 s, logind's is 5 s (logind.conf(5), InhibitDelayMaxSec).
LIMIT, LOGINDS_LIMIT = 3, 5


def ready_of(node):
    return next(condition for condition in node["status"]["conditions"] if condition["type"] == "Ready")


class FileTest(BusCase):
    """Role none: the file says it, and nobody is made to wait for a file."""

    def written(self, agent):
        return ready_of(json.loads((agent.state_directory / "node-status.json").read_text()))

    def test_the_status_file_says_it(self):
        self.start_bus()
        services = self.services()
        agent = self.bus_agent()
        wait_for((agent.state_directory / "node-status.json").exists, 5, "the status")
        wait_for(lambda: self.written(agent)["status"] == "True", 5, "Ready True")
        services.tell(shutdown=True)
        wait_for(lambda: self.written(agent)["status"] == "False", 5, "Ready False")
        self.assertEqual(self.written(agent)["message"], WORDS)
        self.assertEqual(self.written(agent)["reason"], agent.condition("Ready")["reason"])
        services.tell(shutdown=False)
        wait_for(lambda: self.written(agent)["status"] == "True", 5, "Ready True")
        self.assertEqual(services.locks, [])


class NodeTest(BusCase, HeartbeatTest):
    def registered(self, extra=""):
        """(services, agent), with a Ready Node and a delay of ours at logind."""
        self.start_bus()
        services = self.services()
        agent = self.bus_agent(config=self.node_configuration(extra))
        wait_for(lambda: self.node() and ready_of(self.node())["status"] == "True", 15,
                 f"a Node that is Ready\n{agent.output()[-3000:]}")
        wait_for(lambda: services.held, 5, "a delay of shutdowns")
        return services, agent

    def said(self, status):
        """Patches of the status with a Ready of this kind that took effect."""
        return [record for record in self.server.requests_of("patch", "nodes", "status")
                if record.code == 200 and any(
                    condition["type"] == "Ready" and condition.get("status") == status
                    for condition in record.body["status"].get("conditions", []))]

    def ready(self):
        return ready_of(self.node())["status"]

    def check_told_in_time(self, services, begin):
        """Ready False is at the server, and only then, but before logind's patience ends, is the delay let go."""
        wait_for(lambda: not services.held, LOGINDS_LIMIT, "the delay let go")
        self.assertEqual(self.ready(), "False")
        let_go = services.let_go[services.locks[-1]["lock"]]
        told = self.said("False")[-1].time
        print(f"  told after {told - begin:.2f} s, let go after {let_go - begin:.2f} s", flush=True)
        self.assertLess(begin, told)
        self.assertLess(told, let_go)
        self.assertLess(let_go - begin, LOGINDS_LIMIT)

    def test_the_node_is_not_ready_before_the_machine_may_go(self):
        services, agent = self.registered()
        lock = services.locks[0]
        self.assertEqual((len(services.locks), lock["what"], lock["mode"]), (1, "shutdown", "delay"))
        self.assertEqual(lock["who"], "nodekeep")
        begin = time.monotonic()
        services.tell(shutdown=True)
        self.check_told_in_time(services, begin)
        ready = ready_of(self.node())
        self.assertEqual((ready["reason"], ready["message"]), ("KubeletNotReady", WORDS))
        wait_for(lambda: any(record.body["reason"] == "Shutdown" for record in
                             self.server.requests_of("create", "events")), 5, "the event")

        # Called off: Ready again at once, and the next one is to wait again.
        services.tell(shutdown=False)
        wait_for(lambda: self.ready() == "True", 5, "Ready True")
        wait_for(lambda: services.held, 5, "another delay")
        self.assertEqual(ready_of(self.node())["reason"], "KubeletReady")
        begin = time.monotonic()
        services.tell(shutdown=True)
        self.check_told_in_time(services, begin)
        self.assertEqual(len(services.locks), 2)
        self.assertNothingWasRefused()

    def test_a_server_that_takes_its_time_is_waited_for(self):
        services, _ = self.registered()
        self.server.faults.slow(1, verb="patch", plural="nodes")
        begin = time.monotonic()
        services.tell(shutdown=True)
        self.check_told_in_time(services, begin)
        self.assertGreater(services.let_go[0], self.said("False")[0].time + 1)

    def test_a_server_that_does_not_answer_holds_nothing_up(self):
        services, agent = self.registered()
        self.server.faults.hang(verb="patch", plural="nodes")
        begin = time.monotonic()
        services.tell(shutdown=True)
        wait_for(lambda: not services.held, LOGINDS_LIMIT, "the delay let go")
        took = services.let_go[0] - begin
        print(f"  let go after {took:.2f} s", flush=True)
        self.assertGreater(took, LIMIT - 0.1)
        self.assertLess(took, LOGINDS_LIMIT)
        self.assertEqual(self.ready(), "True")
        self.assertEqual(agent.get("/livez").status, 200)
        self.server.faults.clear()
        self.server.faults.release()

    def test_one_of_many_is_told_at_once(self):
        """Changes are held back when there are too many of them, for up to 10 s; these are not."""
        services, _ = self.registered("nodeStatusUpdateFrequency: 10s\n")
        for number in range(1, 10):
            begin = time.monotonic()
            services.tell(shutdown=True)
            self.check_told_in_time(services, begin)
            services.tell(shutdown=False)
            wait_for(lambda: self.ready() == "True", 5, f"{number}: Ready True")
            wait_for(lambda: len(services.locks) == number + 1, 5, f"{number}: another delay")

    def test_one_of_many_is_called_off_at_once(self):
        services, _ = self.registered()
        for number in range(1, 6):
            begin = time.monotonic()
            services.tell(shutdown=True)
            self.check_told_in_time(services, begin)
            services.tell(shutdown=False)
            wait_for(lambda: self.ready() == "True", 5, f"{number}: Ready True")
            wait_for(lambda: len(services.locks) == number + 1, 5, f"{number}: another delay")

    def test_after_failures_it_is_tried_at_once(self):
        services, agent = self.registered()
        # Each of them is news for the server, which fails: the pauses become longer.
        fault = self.server.faults.internal_error(verb="patch", plural="nodes")
        for _ in range(2):
            services.tell(shutdown=True)
            wait_for(lambda: not services.held, LOGINDS_LIMIT, "the delay let go")
            count = len(services.locks)
            services.tell(shutdown=False)
            wait_for(lambda: len(services.locks) > count, 5, "another delay")
        services.tell(shutdown=True)
        wait_for(lambda: not services.held, LOGINDS_LIMIT, "the delay let go")
        wait_for(lambda: fault.hits >= 5, 30, "failures")
        count = len(services.locks)
        services.tell(shutdown=False)
        wait_for(lambda: len(services.locks) > count, 5, "another delay")
        self.server.faults.clear()
        begin = time.monotonic()
        services.tell(shutdown=True)
        self.check_told_in_time(services, begin)

    def test_called_off_before_it_was_told(self):
        """What ends late is the first shutdown's; the delay for the next one stays."""
        services, _ = self.registered()
        self.server.faults.slow(1, verb="patch", plural="nodes", times=1)
        count = len(self.server.requests_of("patch", "nodes"))
        services.tell(shutdown=True)
        wait_for(lambda: len(self.server.requests_of("patch", "nodes")) > count, 5, "the patch under way")
        services.tell(shutdown=False)
        wait_for(lambda: len(services.locks) == 2, 5, "another delay")
        wait_for(lambda: self.said("True") and self.ready() == "True", 5, "Ready True")
        time.sleep(LIMIT + 0.5)
        self.assertEqual(services.held, [1])
        begin = time.monotonic()
        services.tell(shutdown=True)
        self.check_told_in_time(services, begin)

    def test_a_logind_that_is_started_anew(self):
        services, _ = self.registered()
        services.close()
        services = self.services()
        wait_for(lambda: services.held, 5, "a delay at the new one")
        begin = time.monotonic()
        services.tell(shutdown=True)
        self.check_told_in_time(services, begin)

    def test_the_end_of_the_agent_alone_is_no_shutdown(self):
        services, agent = self.registered()
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.process.wait(5), 0)
        wait_for(lambda: not services.held, 5, "the delay let go")
        self.assertEqual(self.said("False"), [])
        self.assertEqual(self.ready(), "True")

    def test_the_end_of_the_agent_in_a_shutdown(self):
        """systemd stops the agent later in the same shutdown: what was said stays said."""
        services, agent = self.registered()
        begin = time.monotonic()
        services.tell(shutdown=True)
        self.check_told_in_time(services, begin)
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.process.wait(5), 0)
        self.assertEqual(self.ready(), "False")
