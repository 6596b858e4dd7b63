# SPDX-License-Identifier: Apache-2.0
"""A real containerd in a mount namespace of its own, with images, started, killed and started again by the tests."""

import os
import pathlib
import signal
import subprocess
import time

import grpc

import cgroups
import images
import roots
from criclient import Runtime
from support import wait_for

HERE = pathlib.Path(__file__).resolve().parent

# The tree, then directories, each with its place in there.
# A chroot is not enough: CRIU follows mounts to the real root of the namespace.
ENTER = """
set -e
mount --bind "$1" "$1"
cd "$1"
shift
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
for place in run tmp var/lib var/log; do mount -t tmpfs tmpfs $place; done
while [ $# -gt 0 ]; do
    mkdir -p ".$2"
    mount --rbind "$1" ".$2"
    shift 2
done
mount -o remount,bind,ro .
pivot_root . run
cd /
umount --lazy /run
exec sleep infinity
"""

CONFIG = {
    "new": """
version = 3
root = "{root}"
state = "{state}"
[grpc]
address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
path = "{home}/opt"
[plugins."io.containerd.cri.v1.images"]
snapshotter = "native"
use_local_image_pull = true
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{pause}"
[plugins."io.containerd.cri.v1.images".registry]
config_path = "{home}/certs.d"
[plugins."io.containerd.cri.v1.runtime"]
disable_apparmor = true
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
conf_dir = "{home}/cni"
[plugins."io.containerd.cri.v1.runtime".containerd]
default_runtime_name = "runc"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
""",
    "old": """
version = 2
root = "{root}"
state = "{state}"
[grpc]
address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
path = "{home}/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
disable_apparmor = true
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
conf_dir = "{home}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
""",
}


class Bed:
    """`kind` is "new" (containerd 2.1 with CRIU) or "old" (Debian 12's containerd 1.6)."""

    def __init__(self, run, kind="new"):
        self.run, self.kind = run, kind
        self.tree = roots.tree(roots.NEW if kind == "new" else roots.OLD)
        self.home = run.directory / kind
        self.home.mkdir(mode=0o711)
        self.socket = self.home / "containerd.sock"
        self.log = self.home / "containerd.log"
        self.temporary = self.home / "tmp"
        self.temporary.mkdir(mode=0o700)
        self.logs = self.home / "logs"
        self.logs.mkdir(mode=0o755)
        self.runtime = Runtime(self.socket)
        self.process = None
        self.configure(self.home / "root", self.home / "state")
        self.enter([], (run.directory, run.directory))
        self.start()
        self.import_images()

    def there(self, path):
        """A path out here as it is in the bed."""
        return str(path)

    def configure(self, root, state):
        (self.home / "config.toml").write_text(CONFIG[self.kind].format(
            home=self.there(self.home), root=root, state=state, socket=self.there(self.socket), pause=images.PAUSE))

    def enter(self, prefix, *places):
        """Holds a mount namespace with the tree as its root, and each of `places` (out here, in there) in it."""
        words = [str(path) for place in places for path in place]
        with open(self.log, "ab") as log:
            self.holder = subprocess.Popen(
                [*prefix, "unshare", "--mount", "--propagation", "slave", "sh", "-c", ENTER, "sh", str(self.tree),
                 *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self.is_entered, 10, "the mount namespace")

    def is_entered(self):
        if self.holder.poll() is not None:
            raise AssertionError(f"no mount namespace:\n{self.log.read_text(errors='replace')}")
        return pathlib.Path(f"/proc/{self.holder.pid}/comm").read_text().strip() == "sleep"

    def inside(self, *command, path="/usr/sbin:/usr/bin:/sbin:/bin"):
        """The words that run a command in the bed."""
        return [
            "nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "/usr/bin/env", "-i", f"PATH={path}",
            f"TMPDIR={self.temporary}", f"XDG_RUNTIME_DIR={self.temporary}", *map(str, command)]

    def command(self, *command, timeout=60, check=True):
        done = subprocess.run(
            self.inside(*command), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def ctr(self, *words, **options):
        return self.command("ctr", "--address", self.there(self.socket), "--namespace", "k8s.io", *words, **options)

    def start(self, **options):
        """`path` is where it finds its programs."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.inside("containerd", "--config", self.there(self.home / "config.toml"), **options),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_for(self.answers, 30, "containerd")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log.read_text(errors='replace')[-3000:]}") from None

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError("containerd ended")
        try:
            return self.runtime.version()
        except grpc.RpcError:
            return None

    def kill(self, number=signal.SIGKILL):
        """Ends containerd; the containers and their shims go on."""
        self.process.send_signal(number)
        self.process.wait(20)

    def restart(self):
        if self.process.poll() is None:
            self.kill()
        self.start()

    def import_images(self):
        made = self.home / "images"
        made.mkdir()
        busybox = roots.tree(roots.NEW) / "bin/busybox"
        self.images = images.make(made, busybox)
        for index, image in enumerate(self.images):
            self.ctr("images", "import", self.there(image.write(made / f"{index}.tar")))
        names = {image.name for image in self.images}
        wait_for(lambda: names <= set(self.runtime.images()), 10, "the images")

    def frozen(self):
        """The names of the containers' cgroups that are frozen now."""
        return [path.name for path in cgroups.frozen(self.run.pods_cgroup)]

    def litter(self):
        """What failed checkpoints have left in the directory for the runtime's temporary files."""
        return sorted(path.name for path in self.temporary.iterdir())

    def close(self):
        for process in [self.process, self.holder]:
            if process and process.poll() is None:
                process.kill()
                process.wait(10)


# The run that the shared beds belong to: set by run.py.
RUN = None
_beds = {}
_broken = {}


def shared(kind="new"):
    """The bed that all tests use, with a containerd that runs and answers."""
    bed = _beds.get(kind)
    if kind in _broken:
        raise AssertionError(f"the bed is broken: {_broken[kind]}")
    if bed is None:
        try:
            bed = _beds[kind] = Bed(RUN, kind)
        except Exception as error:
            _broken[kind] = error
            raise
    elif bed.process.poll() is not None:
        bed.start()
    return bed


def close_all():
    for bed in _beds.values():
        bed.close()
    _beds.clear()


def free_bytes(path):
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def seconds_of(work):
    started = time.monotonic()
    work()
    return time.monotonic() - started
