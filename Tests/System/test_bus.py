# SPDX-License-Identifier: Apache-2.0
"""What the message bus says of the node: a bus of our own with services that say what we want, or nothing."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from support import PRIVATE_MOUNTS, AgentTest, wait_for

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
"""

# The four services in one process. It does what the lines on its input say, and writes down what it is asked.
SERVICES = """
import json, os, sys
import dbus, dbus.service
from dbus.lowlevel import SignalMessage
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

DBusGMainLoop(set_as_default=True)
bus = dbus.bus.BusConnection("unix:path=" + sys.argv[1])
state = {
    "org.freedesktop.systemd1.Manager": {
        "Version": "252.1-test", "SystemState": "running", "Virtualization": "kvm", "NFailedUnits": dbus.UInt32(0)},
    "org.freedesktop.hostname1": {
        "Hostname": "ours", "Chassis": "server", "HardwareVendor": "Vendor & Sons", "HardwareModel": "Model <1>"},
    "org.freedesktop.timedate1": {"NTPSynchronized": False, "Timezone": "Etc/UTC"},
    "org.freedesktop.login1.Manager": {"PreparingForShutdown": False, "IdleHint": True},
}
failed = []
silent = set()

def say(**words):
    print(json.dumps(words), flush=True)

class Service(dbus.service.Object):
    def __init__(self, path, name):
        self.owner = name
        super().__init__(bus, path)

    def answer(self, what, value, reply):
        say(asked=self.owner, what=what)
        if self.owner not in silent:
            reply(value)

    @dbus.service.method("org.freedesktop.DBus.Properties", "ss", "v", async_callbacks=("reply", "error"))
    def Get(self, interface, name, reply, error):
        self.answer(name, state[interface][name], reply)

    @dbus.service.method("org.freedesktop.DBus.Properties", "s", "a{sv}", async_callbacks=("reply", "error"))
    def GetAll(self, interface, reply, error):
        self.answer("GetAll", state[interface], reply)

class Manager(Service):
    @dbus.service.method("org.freedesktop.systemd1.Manager", "", "", async_callbacks=("reply", "error"))
    def Subscribe(self, reply, error):
        say(asked=self.owner, what="Subscribe")
        reply()

    @dbus.service.method(
        "org.freedesktop.systemd1.Manager", "as", "a(ssssssouso)", async_callbacks=("reply", "error"))
    def ListUnitsFiltered(self, states, reply, error):
        units = [
            (name, name, "loaded", "failed", "failed", "", "/org/freedesktop/systemd1/unit/u", 0, "", "/")
            for name in failed if "failed" in states]
        self.answer("ListUnitsFiltered", units, reply)

objects, names = [], {}
def serve(name, make, path):
    objects.append(make(path, name))
    names[name] = dbus.service.BusName(name, bus, do_not_queue=True)

left_out = sys.argv[2:]
for name, make, path in [
    ("systemd1", Manager, "/org/freedesktop/systemd1"), ("hostname1", Service, "/org/freedesktop/hostname1"),
    ("timedate1", Service, "/org/freedesktop/timedate1"), ("login1", Service, "/org/freedesktop/login1"),
]:
    if name not in left_out:
        serve("org.freedesktop." + name, make, path)

def emit(path, interface, member, signature, *arguments):
    message = SignalMessage(path, interface, member)
    message.append(signature=signature, *arguments)
    bus.send_message(message)

def properties_changed(path, interface, values):
    emit(path, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", interface, values, [])

def obey(line):
    do = json.loads(line)
    if "fail" in do:
        # A unit that fails by itself: systemd says so by the unit's properties alone.
        failed[:] = do["fail"]
        manager = state["org.freedesktop.systemd1.Manager"]
        manager["NFailedUnits"] = dbus.UInt32(len(failed))
        manager["SystemState"] = "degraded" if failed else "running"
        properties_changed(
            "/org/freedesktop/systemd1/unit/u", "org.freedesktop.systemd1.Unit", {"ActiveState": "failed"})
    if "set" in do:
        interface, path, values = do["set"]
        state[interface].update(values)
        properties_changed(path, interface, values)
    if "shutdown" in do:
        state["org.freedesktop.login1.Manager"]["PreparingForShutdown"] = do["shutdown"]
        emit("/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForShutdown", "b", do["shutdown"])
    if "silent" in do:
        silent.clear()
        silent.update("org.freedesktop." + name for name in do["silent"])
    if "flood" in do:
        for number in range(do["flood"]):
            emit("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "JobRemoved", "uoss",
                 number, "/org/freedesktop/systemd1/job/1", "u.service", "done")
    say(done=True)

def hear(source, condition):
    line = sys.stdin.readline()
    if not line:
        os._exit(0)
    obey(line)
    return True

GLib.io_add_watch(0, GLib.IO_IN | GLib.IO_HUP, hear)
say(ready=True)
GLib.MainLoop().run()
"""


def interpreter():
    """A Python that has D-Bus bindings, which the one that runs this may lack."""
    for path in [sys.executable, "/usr/bin/python3"]:
        check = subprocess.run([path, "-c", "import dbus; from gi.repository import GLib"], capture_output=True)
        if check.returncode == 0:
            return path
    raise AssertionError("the D-Bus bindings for Python are missing (Debian: python3-dbus python3-gi)")


class Services:
    """The services on a bus, with everything that they were asked."""

    def __init__(self, path, without=()):
        self.asked = []
        self.answers = 0
        self.is_ready = threading.Event()
        self.process = subprocess.Popen(
            [interpreter(), "-c", SERVICES, str(path), *without], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1)
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()
        if not self.is_ready.wait(10):
            self.close()
            raise AssertionError("the services do not start")

    def listen(self):
        for line in self.process.stdout:
            words = json.loads(line)
            if "asked" in words:
                self.asked.append((words["asked"].removeprefix("org.freedesktop."), words["what"]))
            elif "done" in words:
                self.answers += 1
            else:
                self.is_ready.set()

    def tell(self, **words):
        expected = self.answers + 1
        self.process.stdin.write(json.dumps(words) + "\n")
        wait_for(lambda: self.answers >= expected, 10, "the services to obey")

    def count(self, service, what):
        return self.asked.count((service, what))

    def close(self):
        self.process.kill()
        self.process.wait()
        self.thread.join(5)
        self.process.stdin.close()
        self.process.stdout.close()


class BusTest(AgentTest):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="nodekeep-bus-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.place = self.directory / "run"
        self.place.mkdir()
        self.path = self.place / "system_bus_socket"

    def start_bus(self):
        configuration = self.directory / "bus.conf"
        configuration.write_text(CONFIGURATION.format(self.path))
        daemon = subprocess.Popen(
            ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--nopidfile", "--print-address"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(self.end, daemon)
        self.assertTrue(daemon.stdout.readline().startswith(b"unix:path="))
        return daemon

    @staticmethod
    def end(process):
        process.kill()
        process.wait()
        process.stdout.close()

    def services(self, **options):
        services = Services(self.path, **options)
        self.addCleanup(services.close)
        return services

    def bus_agent(self, **options):
        """An agent that finds our directory where the system's bus is."""
        script = 'mount -t tmpfs tmpfs /run && mkdir /run/dbus && mount --bind "$0" /run/dbus && exec "$@"'
        return self.agent(prefix=[*PRIVATE_MOUNTS, "sh", "-c", script, str(self.place)], **options)

    def system(self, agent):
        return agent.json("/status")["system"]

    def states(self, agent):
        names = ["bus", "hostname1", "login1", "systemd1", "timedate1"]
        sources = agent.json("/status")["collectors"]
        return {entry["name"]: entry["state"] for entry in sources if entry["name"] in names}

    def wait_until(self, agent, seconds, what, check):
        begin = time.monotonic()
        wait_for(lambda: check(self.system(agent)), seconds, what)
        took = time.monotonic() - begin
        print(f"  {what}: {took:.2f} s", flush=True)
        return took

    def test_what_the_services_say_is_shown(self):
        self.start_bus()
        services = self.services()
        agent = self.bus_agent()
        wait_for(lambda: set(self.states(agent).values()) == {"ok"}, 3, "all five sources")
        system = self.system(agent)
        self.assertEqual(system["systemd"], {
            "version": "252.1-test", "state": "running", "failedUnits": [], "failedUnitCount": 0,
            "preparingForShutdown": False})
        self.assertEqual(system["hardware"], {
            "chassis": "server", "vendor": "Vendor & Sons", "model": "Model <1>", "virtualization": "kvm",
            "source": "hostname1"})
        wait_for(lambda: services.count("systemd1", "Subscribe") == 1, 2, "the wish to hear systemd's signals")

        # timedate1 is believed where it agrees with the kernel, whose answer it passes on.
        kernel = system["clock"]["synchronized"]
        for value in [kernel, not kernel, kernel]:
            services.tell(set=[
                "org.freedesktop.timedate1", "/org/freedesktop/timedate1", {"NTPSynchronized": value}])
            source = "timedate1" if value == kernel else "kernel"
            self.wait_until(
                agent, 2, f"clock by {source}",
                lambda system: system["clock"] == {"synchronized": kernel, "source": source})
        services.tell(set=["org.freedesktop.hostname1", "/org/freedesktop/hostname1", {"Chassis": "laptop"}])
        self.wait_until(agent, 2, "another chassis", lambda system: system["hardware"]["chassis"] == "laptop")

        time.sleep(1)
        # At rest nobody is asked again: their signals would tell.
        before = len(services.asked)
        time.sleep(4)
        self.assertEqual(services.asked[before:], [])

    def test_a_unit_that_fails(self):
        self.start_bus()
        services = self.services()
        agent = self.bus_agent()
        wait_for(lambda: self.states(agent)["systemd1"] == "ok", 3, "systemd1")
        metric = "nodekeep_systemd_failed_units"
        for units in [["b.service", "a.service"], [], ["c.mount"]]:
            services.tell(fail=units)
            took = self.wait_until(
                agent, 2.5, f"failed units {units}", lambda system: system["systemd"]["failedUnits"] == sorted(units))
            self.assertLess(took, 2)
            systemd = self.system(agent)["systemd"]
            self.assertEqual(systemd["failedUnitCount"], len(units))
            self.assertEqual(systemd["state"], "degraded" if units else "running")
            self.assertEqual(agent.metrics()[metric], len(units))
        self.assertIn("degraded, 1 failed: c.mount", agent.get("/").body.decode())

    def test_a_shutdown_is_announced(self):
        self.start_bus()
        services = self.services()
        agent = self.bus_agent()
        wait_for(lambda: self.states(agent)["login1"] == "ok", 3, "login1")
        self.assertEqual(agent.condition("Ready")["status"], "True")
        begin = time.monotonic()
        services.tell(shutdown=True)
        wait_for(lambda: agent.condition("Ready")["status"] == "False", 2, "Ready False")
        print(f"  shutdown to Ready False: {time.monotonic() - begin:.2f} s", flush=True)
        self.assertEqual(agent.condition("Ready")["message"], "node is shutting down")
        self.assertTrue(self.system(agent)["systemd"]["preparingForShutdown"])
        services.tell(shutdown=False)
        wait_for(lambda: agent.condition("Ready")["status"] == "True", 2, "Ready True")

    def test_a_service_that_is_not_there_costs_its_own_reading(self):
        self.start_bus()
        self.services(without=["hostname1", "login1"])
        agent = self.bus_agent()
        wait_for(lambda: self.states(agent)["systemd1"] == "ok", 3, "systemd1")
        wait_for(lambda: self.states(agent)["timedate1"] == "ok", 3, "timedate1")
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
                self.assertEqual(agent.condition(kind)["status"], "False")
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
        wait_for(lambda: set(self.states(agent).values()) == {"ok"}, 3, "all five sources")
        self.end(daemon)
        services.close()
        wait_for(lambda: self.states(agent)["bus"] in ("failed", "absent"), 3, "the loss noticed")
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
            agent, 2.5, "a failed unit on the new bus",
            lambda system: system["systemd"]["failedUnits"] == ["x.service"])

    def test_a_flood_of_signals_is_no_flood_of_questions(self):
        self.start_bus()
        services = self.services()
        agent = self.bus_agent()
        wait_for(lambda: set(self.states(agent).values()) == {"ok"}, 3, "all five sources")
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
            agent, 2.5, "a failed unit after the flood",
            lambda system: system["systemd"]["failedUnits"] == ["z.service"])

    @staticmethod
    def descriptors(pid):
        return list(pathlib.Path(f"/proc/{pid}/fd").iterdir())

    def check_pace(self, agent, seconds):
        """Readings come every second and pages at once, whatever the bus does."""
        begin, readings, slowest = time.monotonic(), set(), 0.0
        while time.monotonic() - begin < seconds + 0.2:
            for path in ["/status", "/healthz", "/metrics"]:
                asked = time.monotonic()
                self.assertEqual(agent.get(path).status, 200)
                slowest = max(slowest, time.monotonic() - asked)
            readings.add(agent.metrics()['nodekeep_source_last_success_timestamp_seconds{source="meminfo"}'])
            time.sleep(0.05)
        self.assertGreaterEqual(len(readings), seconds)
        self.assertLess(slowest, 0.1)
