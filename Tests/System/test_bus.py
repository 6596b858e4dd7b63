# SPDX-License-Identifier: Apache-2.0
"""What the message bus says of the node: a bus of our own with services that say what we want, or nothing."""

import os
import pathlib
import signal
import socket
import threading
import time

from bus_case import BusCase
from support import wait_for


class BusTest(BusCase):
    def test_what_the_services_say_is_shown(self):
        self.start_bus()
        services = self.services()
        agent = self.bus_agent()
        wait_for(lambda: set(self.states(agent).values()) == {"ok"}, 8, "all five sources")
        system = self.system(agent)
        self.assertEqual(system["systemd"], {
            "version": "252.1-test", "state": "running", "failedUnits": [], "failedUnitCount": 0,
            "preparingForShutdown": False})
        self.assertEqual(system["hardware"], {
            "chassis": "server", "vendor": "Vendor & Sons", "model": "Model <1>", "virtualization": "kvm",
            "source": "hostname1"})
        wait_for(lambda: services.count("systemd1", "Subscribe") == 1, 8, "the wish to hear systemd's signals")

        # timedate1 is believed while the kernel says what it has said all the time.
        for value in [True, False, True]:
            services.tell(set=[
                "org.freedesktop.timedate1", "/org/freedesktop/timedate1", {"NTPSynchronized": value}])
            self.wait_until(
                agent, 8, f"clock synchronised: {value}",
                lambda system: system["clock"] == {"synchronized": value, "source": "timedate1"})
        services.tell(set=["org.freedesktop.hostname1", "/org/freedesktop/hostname1", {"Chassis": "laptop"}])
        self.wait_until(agent, 8, "another chassis", lambda system: system["hardware"]["chassis"] == "laptop")

        time.sleep(1)
        # At rest nobody is asked again: their signals would tell.
        before = len(services.asked)
        time.sleep(4)
        self.assertEqual(services.asked[before:], [])

    def test_a_unit_that_fails(self):
        self.start_bus()
        services = self.services()
        agent = self.bus_agent()
        wait_for(lambda: self.states(agent)["systemd1"] == "ok", 8, "systemd1")
        metric = "nodekeep_systemd_failed_units"
        for units in [["b.service", "a.service"], [], ["c.mount"]]:
            services.tell(fail=units)
            took = self.wait_until(
                agent, 8, f"failed units {units}", lambda system: system["systemd"]["failedUnits"] == sorted(units))
            self.assertLess(took, 5)
            systemd = self.system(agent)["systemd"]
            self.assertEqual(systemd["failedUnitCount"], len(units))
            self.assertEqual(systemd["state"], "degraded" if units else "running")
            self.assertEqual(agent.metrics()[metric], len(units))
        self.assertIn("degraded, 1 failed: c.mount", agent.get("/").body.decode())

    def test_a_shutdown_is_announced(self):
        self.start_bus()
        services = self.services()
        agent = self.bus_agent()
        wait_for(lambda: self.states(agent)["login1"] == "ok", 8, "login1")
        self.assertEqual(agent.condition("Ready")["status"], "True")
        begin = time.monotonic()
        services.tell(shutdown=True)
        wait_for(lambda: agent.condition("Ready")["status"] == "False", 8, "Ready False")
        print(f"  shutdown to Ready False: {time.monotonic() - begin:.2f} s", flush=True)
        self.assertEqual(agent.condition("Ready")["message"], "node is shutting down")
        self.assertTrue(self.system(agent)["systemd"]["preparingForShutdown"])
        services.tell(shutdown=False)
        wait_for(lambda: agent.condition("Ready")["status"] == "True", 8, "Ready True")

    def test_a_service_that_is_not_there_costs_its_own_reading(self):
        self.start_bus()
        self.services(without=["hostname1", "login1"])
        agent = self.bus_agent()
        wait_for(lambda: self.states(agent)["systemd1"] == "ok", 8, "systemd1")
        wait_for(lambda: self.states(agent)["timedate1"] == "ok", 8, "timedate1")
        states = self.states(agent)
        self.assertIn(states["hostname1"], ["absent", "failed"])
        self.assertIn(states["login1"], ["absent", "failed"])
        self.assertTrue(agent.collector("hostname1")["error"])
        self.assertEqual(self.system(agent)["systemd"]["state"], "running")
        self.assertNotEqual(self.system(agent)["hardware"].get("source"), "hostname1")

    def test_a_service_that_never_answers_costs_its_own_reading(self):
        self.start_bus()
        services = self.services()
        services.tell(silent=["systemd1"])
        agent = self.bus_agent()
        wait_for(lambda: self.states(agent)["systemd1"] == "hung", 5, "systemd1 hung")
        self.assertEqual(agent.collector("systemd1")["error"], "systemd1 has not answered for 2 s")
        self.assertEqual(self.system(agent)["systemd"], {"error": "systemd1 has not answered for 2 s"})
        self.assertEqual(self.system(agent)["hardware"]["chassis"], "server")
        self.check_pace(agent, 3)
        services.tell(silent=[])
        services.tell(fail=["late.service"])
        self.wait_until(
            agent, 4, "systemd1 after its silence",
            lambda system: system["systemd"].get("failedUnits") == ["late.service"])

    def test_a_bus_that_accepts_and_never_answers(self):
        with socket.socket(socket.AF_UNIX) as mute:
            mute.bind(str(self.path))
            mute.listen(64)
            connections = []

            def accept():
                while True:
                    try:
                        connections.append(mute.accept()[0])
                    except OSError:
                        return
            thread = threading.Thread(target=accept, daemon=True)
            thread.start()
            begin = time.monotonic()
            agent = self.bus_agent()
            self.assertLess(time.monotonic() - begin, 2)
            wait_for(lambda: self.states(agent)["bus"] == "failed", 5, "the bus failed")
            self.assertEqual(
                agent.collector("bus")["error"], "the bus has accepted a connection and not answered for 2 s")
            self.assertIn("error", self.system(agent)["systemd"])
            self.check_pace(agent, 6)
            for kind in ["MemoryPressure", "DiskPressure", "PIDPressure"]:
                condition = agent.condition(kind)
                self.assertEqual(condition["status"], "False", condition["message"])
            # Tried again, but no heap of connections is left behind.
            open_sockets = sum(
                os.readlink(entry).startswith("socket:") for entry in self.descriptors(agent.agent_pid()))
            self.assertLess(open_sockets, 20)
            begin = time.monotonic()
            agent.signal(signal.SIGTERM)
            self.assertEqual(agent.process.wait(5), 0)
            self.assertLess(time.monotonic() - begin, 2)
            mute.shutdown(socket.SHUT_RDWR)
            for connection in connections:
                connection.close()

    def test_a_bus_that_goes_and_comes(self):
        daemon = self.start_bus()
        services = self.services()
        agent = self.bus_agent()
        wait_for(lambda: set(self.states(agent).values()) == {"ok"}, 8, "all five sources")
        self.end(daemon)
        services.close()
        wait_for(lambda: self.states(agent)["bus"] in ("failed", "absent"), 8, "the loss noticed")
        self.assertIn("error", self.system(agent)["systemd"])
        self.assertNotEqual(self.system(agent)["hardware"].get("source"), "hostname1")
        self.check_pace(agent, 2)
        self.start_bus()
        services = self.services()
        begin = time.monotonic()
        wait_for(lambda: set(self.states(agent).values()) == {"ok"}, 15, "all five sources again")
        print(f"  the bus is back: {time.monotonic() - begin:.2f} s", flush=True)
        services.tell(fail=["x.service"])
        self.wait_until(
            agent, 8, "a failed unit on the new bus",
            lambda system: system["systemd"]["failedUnits"] == ["x.service"])

    def test_a_flood_of_signals_is_no_flood_of_questions(self):
        self.start_bus()
        services = self.services()
        agent = self.bus_agent()
        wait_for(lambda: set(self.states(agent).values()) == {"ok"}, 8, "all five sources")
        before = services.count("systemd1", "NFailedUnits")
        begin = time.monotonic()
        while time.monotonic() - begin < 3:
            services.tell(flood=2000)
        self.check_pace(agent, 2)
        asked = services.count("systemd1", "NFailedUnits") - before
        print(f"  asked {asked} times in {time.monotonic() - begin:.1f} s", flush=True)
        self.assertGreaterEqual(asked, 1)
        self.assertLessEqual(asked, time.monotonic() - begin + 2)
        services.tell(fail=["z.service"])
        self.wait_until(
            agent, 8, "a failed unit after the flood",
            lambda system: system["systemd"]["failedUnits"] == ["z.service"])

    @staticmethod
    def descriptors(pid):
        return list(pathlib.Path(f"/proc/{pid}/fd").iterdir())

    def check_pace(self, agent, seconds):
        """Readings come every second, and no page waits for a bus that costs 2 s."""
        begin, readings, slowest = time.monotonic(), set(), 0.0
        while time.monotonic() - begin < seconds + 0.2:
            for path in ["/status", "/healthz", "/metrics"]:
                asked = time.monotonic()
                self.assertEqual(agent.get(path).status, 200)
                slowest = max(slowest, time.monotonic() - asked)
            readings.add(agent.metrics()['nodekeep_source_last_success_timestamp_seconds{source="meminfo"}'])
            time.sleep(0.05)
        self.assertGreaterEqual(len(readings), seconds)
        self.assertLess(slowest, 1.0)
