# SPDX-License-Identifier: Apache-2.0
"""A message bus of our own, with services that say what a test wants."""

import json
import os
import pathlib
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
import json, os, sys, time
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
locks = []

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

class Login(Service):
    @dbus.service.method("org.freedesktop.login1.Manager", "ssss", "h", async_callbacks=("reply", "error"))
    def Inhibit(self, what, who, why, mode, reply, error):
        if state["org.freedesktop.login1.Manager"]["PreparingForShutdown"]:
            # As logind has it: too late.
            return error(dbus.DBusException(
                "The operation inhibition has been requested for is already running",
                name="org.freedesktop.login1.OperationInProgress"))
        if self.owner in silent:
            return self.answer("Inhibit", None, reply)
        ours, theirs = os.pipe()
        number = len(locks)
        locks.append(ours)
        say(lock=number, what=str(what), mode=str(mode), who=str(who), why=str(why))
        GLib.io_add_watch(ours, GLib.IO_HUP, self.let_go, number)
        descriptor = dbus.types.UnixFd(theirs)
        os.close(theirs)
        self.answer("Inhibit", descriptor, reply)

    @staticmethod
    def let_go(source, condition, number):
        say(let_go=number, time=time.monotonic())
        os.close(source)
        return False

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
    ("timedate1", Service, "/org/freedesktop/timedate1"), ("login1", Login, "/org/freedesktop/login1"),
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
        # Delays of a shutdown: what each was asked for, and when it was let go, by time.monotonic().
        self.locks = []
        self.let_go = {}
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
            elif "lock" in words:
                self.locks.append(words)
            elif "let_go" in words:
                self.let_go[words["let_go"]] = words["time"]
            elif "done" in words:
                self.answers += 1
            else:
                self.is_ready.set()

    def tell(self, **words):
        expected = self.answers + 1
        self.process.stdin.write(json.dumps(words) + "\n")
        wait_for(lambda: self.answers >= expected, 10, "the services to obey")

    @property
    def held(self):
        """The delays that nobody has let go."""
        return [lock["lock"] for lock in self.locks if lock["lock"] not in self.let_go]

    def count(self, service, what):
        return self.asked.count((service, what))

    def close(self):
        self.process.kill()
        self.process.wait()
        self.thread.join(5)
        self.process.stdin.close()
        self.process.stdout.close()


class BusCase(AgentTest):
    """With a bus of its own, for agents that find it where the system's is."""

    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory(prefix="nodekeep-bus-")
        self.addCleanup(directory.cleanup)
        self.bus_directory = pathlib.Path(directory.name)
        self.place = self.bus_directory / "run"
        self.place.mkdir()
        self.path = self.place / "system_bus_socket"

    def start_bus(self):
        configuration = self.bus_directory / "bus.conf"
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
