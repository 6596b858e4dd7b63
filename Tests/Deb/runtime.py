# SPDX-License-Identifier: Apache-2.0
"""The containerd of the other end-to-end tests as the machine's own one.

It has a newer Debian as its root, and otherwise it is where a node's runtime is: its processes and containers are the
machine's, by their numbers, in its network and its cgroups; its socket and files are where the machine looks for them.
"""

import pathlib
import types

import bed
import machine
import roots
from criclient import Runtime

STATE, ROOT = "/run/containerd", "/var/lib/containerd"
# Not of the machine's own file system: CRIU wants one that is not made of layers. By its work files in /tmp the agent
# sees that a dump is under way.
OUTSIDE = (STATE, ROOT, "/tmp")
# Below the machine's own root.
KUBELET, LOGS = "/var/lib/kubelet", "/var/log/pods"


class NodeRuntime(bed.Bed):
    """In a machine that was booted with OUTSIDE."""

    def __init__(self, there):
        self.machine, self.kind = there, "new"
        self.tree = roots.tree(roots.NEW)
        self.run = types.SimpleNamespace(name=there.name, pods_cgroup=f"{there.name}/payload/pods")
        self.places = {path: there.shared(path) for path in OUTSIDE}
        self.places |= {path: there.root / path[1:] for path in [KUBELET, LOGS]}
        for path in self.places.values():
            path.mkdir(parents=True, exist_ok=True)
        self.home, self.logs, self.temporary = self.places[ROOT], self.places[LOGS], self.places["/tmp"]
        self.temporary.chmod(0o1777)
        self.socket = self.places[STATE] / "containerd.sock"
        self.log = there.directory / "containerd.log"
        self.runtime = Runtime(self.socket)
        self.process = None
        self.configure(ROOT, STATE)
        self.enter(self.nsenter(there.leader), *((outside, path) for path, outside in self.places.items()))
        self.start()
        self.import_images()

    def there(self, path):
        for there, outside in self.places.items():
            if pathlib.Path(path).is_relative_to(outside):
                return str(pathlib.Path(there) / pathlib.Path(path).relative_to(outside))
        raise AssertionError(f"{path} is no place of the machine")

    @staticmethod
    def nsenter(pid, *more):
        # Not as the machine's own commands would: those have fewer rights than a runtime has on a node.
        return ["nsenter", f"--target={pid}", "--uts", "--ipc", "--net", "--pid", *more, "--"]

    def is_entered(self):
        assert self.holder.poll() is None, f"no mount namespace:\n{self.log.read_text(errors='replace')}"
        self.inner = next(iter(machine.children(self.holder.pid)), None)
        return self.inner and machine.comm(self.inner) == "sleep"

    def inside(self, *command, path="/usr/sbin:/usr/bin:/sbin:/bin"):
        return [*self.nsenter(self.inner, "--mount"), "/usr/bin/env", "-i", f"PATH={path}", *map(str, command)]

    def start(self, **options):
        super().start(**options)
        for cgroup in self.cgroups():
            cgroup.mkdir(exist_ok=True)
            for pid in machine.children(self.process.pid):
                (cgroup / "cgroup.procs").write_text(str(pid))

    def cgroups(self):
        return [tree / self.run.name / "payload/containerd" for tree in machine.cgroup_trees()]

    def processes(self):
        """What has been started for it, but for what is in the containers."""
        return [int(word) for word in (self.cgroups()[0] / "cgroup.procs").read_text().split()]
