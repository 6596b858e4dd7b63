#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""systemd1, hostname1, timedate1 and login1 as a test needs them, on the bus at DBUS_SESSION_BUS_ADDRESS.

Commands on standard input, one a line: fail UNIT, reset, shutdown true|false, mute SERVICE, quit.
"""
import sys

import dbus
import dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

DBusGMainLoop(set_as_default=True)
bus = dbus.SessionBus()
PROPERTIES = "org.freedesktop.DBus.Properties"
muted = set(sys.argv[1:])


class Service(dbus.service.Object):
    def __init__(self, name, path, interface, values):
        self.interface, self.values, self.short = interface, values, name.rsplit(".", 1)[1]
        self.bus_name = dbus.service.BusName(name, bus)
        super().__init__(bus, path)

    @dbus.service.method(PROPERTIES, in_signature="ss", out_signature="v", async_callbacks=("reply", "error"))
    def Get(self, interface, name, reply, error):
        if self.short not in muted:
            reply(self.values[name])

    @dbus.service.method(PROPERTIES, in_signature="s", out_signature="a{sv}", async_callbacks=("reply", "error"))
    def GetAll(self, interface, reply, error):
        if self.short not in muted:
            reply(dbus.Dictionary(self.values, signature="sv"))

    @dbus.service.signal(PROPERTIES, signature="sa{sv}as")
    def PropertiesChanged(self, interface, changed, invalidated):
        pass


class Manager(Service):
    subscribed = False
    failed = []

    @dbus.service.method("org.freedesktop.systemd1.Manager")
    def Subscribe(self):
        self.subscribed = True

    @dbus.service.method("org.freedesktop.systemd1.Manager", in_signature="as", out_signature="a(ssssssouso)")
    def ListUnitsFiltered(self, states):
        assert list(states) == ["failed"]
        return [(u, "", "loaded", "failed", "failed", "", "/", 0, "", "/") for u in self.failed]

    @dbus.service.signal("org.freedesktop.systemd1.Manager", signature="uoss")
    def JobRemoved(self, number, job, unit, result):
        pass


class Login(Service):
    @dbus.service.signal("org.freedesktop.login1.Manager", signature="b")
    def PrepareForShutdown(self, start):
        pass


manager = Manager(
    "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
    {"Version": "252.39-1", "SystemState": "running", "Virtualization": "kvm", "NFailedUnits": dbus.UInt32(0)})
host = Service(
    "org.freedesktop.hostname1", "/org/freedesktop/hostname1", "org.freedesktop.hostname1",
    {"Chassis": "server", "HardwareVendor": "ACME", "HardwareModel": "Rocket", "Odd": dbus.Array([1], signature="i")})
time = Service(
    "org.freedesktop.timedate1", "/org/freedesktop/timedate1", "org.freedesktop.timedate1", {"NTPSynchronized": True})
login = Login(
    "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
    {"PreparingForShutdown": False})


def command(source, condition):
    words = sys.stdin.readline().split()
    if not words or words[0] == "quit":
        loop.quit()
        return False
    if words[0] in ("fail", "reset"):
        manager.failed = manager.failed + words[1:] if words[0] == "fail" else []
        manager.values["NFailedUnits"] = dbus.UInt32(len(manager.failed))
        manager.values["SystemState"] = "degraded" if manager.failed else "running"
        if manager.subscribed:
            manager.JobRemoved(1, "/org/freedesktop/systemd1/job/1", "x.service", "failed")
    elif words[0] == "shutdown":
        login.PrepareForShutdown(words[1] == "true")
        login.values["PreparingForShutdown"] = words[1] == "true"
    elif words[0] == "mute":
        muted.add(words[1])
    return True


loop = GLib.MainLoop()
GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, command)
print("ready", flush=True)
loop.run()
