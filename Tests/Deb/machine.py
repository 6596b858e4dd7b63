# SPDX-License-Identifier: Apache-2.0
"""A Debian 12 with systemd, journald and D-Bus, booted from a tree that is never written to, without a network.

It lives in a PID namespace whose first process is killed with ours, and in cgroups of its own.
"""

import json
import os
import pathlib
import secrets
import shutil
import subprocess
import tempfile
import time

import cgroups
import roots
from support import ROOT, wait_for

# A Debian that boots, with curl for the package's own test. What nodekeep needs is in apt's cache: no network is there.
BOOKWORM = (
    "bookworm", ("systemd", "systemd-sysv", "dbus", "apt", "procps", "curl"),
    ("libmicrohttpd12", "libgnutls30", "libseccomp2", "libsystemd0", "libyaml-0-2", "zlib1g", "libstdc++6", "libgcc-s1"))

PREFIX = "nodekeep-deb-"
PORT = 10281
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
               "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}

machines = []


def package():
    """The package that was built last."""
    built = sorted((ROOT / "build").glob("nodekeep_*.deb"))
    assert len(built) == 1, f"one package is expected in build, there are {built}"
    return built[0]


def cgroup_trees():
    """Where processes are sorted by systemd: version 2, and beside version 1 its own named tree."""
    if cgroups.UNIFIED:
        return [cgroups.MOUNTS]
    return [path for path in [cgroups.MOUNTS / "systemd", cgroups.MOUNTS / "unified"] if path.is_dir()]


class Machine:
    """`outside` names directories of it that others than the machine see as well: `shared` is where."""

    def __init__(self, outside=(), size="2g"):
        self.name = PREFIX + secrets.token_hex(4)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=self.name + "-"))
        machines.append(self)
        tree = roots.tree(BOOKWORM)
        # Written to is memory.
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(self.directory)], check=True)
        for part in ["upper", "work", "root"]:
            (self.directory / part).mkdir()
        self.root = self.directory / "root"
        subprocess.run(
            ["mount", "-t", "overlay", "-o",
             f"lowerdir={tree},upperdir={self.directory}/upper,workdir={self.directory}/work", "overlay",
             str(self.root)], check=True)
        binds = []
        for path in outside:
            self.shared(path).mkdir(parents=True, mode=0o755)
            binds.append(f"--bind={self.shared(path)}:{path}")
        self.log = open(self.directory / "console", "wb")
        self.process = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--propagation", "private",
             "systemd-nspawn", "--quiet", "--boot", "--directory", str(self.root), "--machine", self.name,
             "--register=no", "--keep-unit", "--private-network", "--link-journal=no", "--console=pipe",
             *binds],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, preexec_fn=self.enter_cgroups)
        self.leader = wait_for(self.find_leader, 20, "the machine's first process")
        wait_for(lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"),
                 60, "the machine has booted")

    def shared(self, path):
        return self.directory / ("shared" + path)

    def enter_cgroups(self):
        for tree in cgroup_trees():
            (tree / self.name).mkdir(exist_ok=True)
            (tree / self.name / "cgroup.procs").write_text(str(os.getpid()))

    def find_leader(self):
        """unshare, its child nspawn, and of that the child that has become systemd."""
        if self.process.poll() is not None:
            raise AssertionError("nspawn has ended:\n" + self.console())
        for nspawn in children(self.process.pid):
            for pid in children(nspawn):
                if comm(pid) == "systemd":
                    return pid
        return None

    def console(self):
        self.log.flush()
        return (self.directory / "console").read_text(errors="replace")[-4000:]

    def command(self, *words):
        return ["nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--", *words]

    def run(self, *words, check=True, timeout=120, stdin=None):
        """A command in the machine, to its end."""
        done = subprocess.run(
            self.command(*words), stdin=subprocess.DEVNULL if stdin is None else None, input=stdin, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, env=ENVIRONMENT, cwd="/")
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}")
        return done

    def output(self, *words, **options):
        return self.run(*words, **options).stdout

    def path(self, path):
        """A path in the machine, from outside."""
        return pathlib.Path(f"/proc/{self.leader}/root{path}")

    def write(self, path, text):
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text)

    def install(self, file, *options):
        """apt install ./FILE, which has to find what the package needs by itself."""
        name = pathlib.Path(file).name
        shutil.copy(file, self.path("/root") / name)
        return self.output("apt-get", "install", "--yes", *options, f"/root/{name}")

    def property(self, name, unit="nodekeep.service"):
        return self.output("systemctl", "show", f"--property={name}", "--value", unit).strip()

    def main_pid(self):
        """Inside the machine; 0: none."""
        return int(self.property("MainPID"))

    def outside(self, pid):
        """The number that a process of the machine has out here."""
        for process in pathlib.Path("/proc").glob("[0-9]*/status"):
            try:
                lines = process.read_text().splitlines()
            except (FileNotFoundError, ProcessLookupError):
                continue
            numbers = next(line for line in lines if line.startswith("NSpid:")).split()[1:]
            if numbers[-1] == str(pid) and len(numbers) >= 3 and self.owns(int(numbers[0])):
                return int(numbers[0])
        raise AssertionError(f"no process {pid} in the machine")

    def owns(self, pid):
        def space(number):
            return os.stat(f"/proc/{number}/ns/pid").st_ino
        try:
            return space(pid) == space(self.leader)
        except (FileNotFoundError, ProcessLookupError):
            return False

    def service_processes(self, unit="nodekeep.service"):
        """Every process of a unit, by its number out here."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if f"/{unit}\n" in (process / "cgroup").read_text() and self.owns(int(process.name)):
                    found.append(int(process.name))
            except (FileNotFoundError, ProcessLookupError):
                pass
        return found

    def get(self, path, port=PORT):
        """A page of the machine: (status, body). Asked from a process that is in its network for that long."""
        script = ("import sys, http.client; c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]), timeout=5); "
                  "c.request('GET', sys.argv[2]); r = c.getresponse(); sys.stdout.buffer.write(b'%d\\n' % r.status + r.read())")
        done = subprocess.run(
            ["nsenter", f"--net=/proc/{self.leader}/ns/net", "/usr/bin/python3", "-c", script, str(port), path],
            capture_output=True, timeout=30)
        if done.returncode != 0:
            raise ConnectionError(done.stderr.decode()[-400:])
        status, body = done.stdout.split(b"\n", 1)
        return int(status), body

    def status(self):
        code, body = self.get("/status")
        assert code == 200, (code, body)
        return json.loads(body)

    def is_serving(self):
        try:
            return self.get("/readyz")[0] == 200
        except ConnectionError:
            return False

    def wait_until_serving(self, seconds=20):
        wait_for(self.is_serving, seconds, "it serves\n" + self.output("systemctl", "status", "nodekeep", check=False))

    def journal(self, *match):
        text = self.output("journalctl", "--no-pager", "--output=json", *match)
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    @staticmethod
    def from_now():
        """What journalctl is to be told for what is recorded from now on."""
        return f"--since=@{time.time():.6f}"

    def messages(self, *match):
        return "\n".join(str(record.get("MESSAGE")) for record in self.journal(*match))

    def files(self):
        """Every file and directory, but for what belongs to running, and to apt and dpkg themselves."""
        out = self.output(
            "find", "/", "-xdev", "(", *" -o ".join(
                f"-path {path}" for path in ["/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp", "/var/log", "/var/cache",
                                            "/var/lib/apt", "/var/lib/dpkg", "/root"]).split(),
            ")", "-prune", "-o", "-print")
        return set(out.splitlines())

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        clear_cgroups(self.name, time.monotonic() + 10)
        self.log.close()
        for point in [self.root, self.directory]:
            subprocess.run(["umount", "--lazy", str(point)], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.directory, ignore_errors=True)


def children(pid):
    try:
        tasks = list(pathlib.Path(f"/proc/{pid}/task").iterdir())
        return [int(word) for task in tasks for word in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def comm(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def clear_cgroups(name, deadline):
    """Its processes were killed with their namespace, and end unless they are frozen; the cgroups go with the last one."""
    while True:
        try:
            cgroups.thaw(name)
            if cgroups.remove(name):
                return
        except FileNotFoundError:
            pass  # gone while they were listed
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)


def sweep():
    """What a run has left that was killed: directories in /tmp, and cgroups without processes."""
    for directory in pathlib.Path(tempfile.gettempdir()).glob(PREFIX + "*"):
        if not has_processes(directory.name.rsplit("-", 1)[0]):
            shutil.rmtree(directory, ignore_errors=True)
    for name in {path.name for tree in cgroups.trees() for path in tree.glob(PREFIX + "*")}:
        if not has_processes(name):
            clear_cgroups(name, time.monotonic())


def has_processes(name):
    for path in [path for tree in cgroups.trees() for path in (tree / name).rglob("cgroup.procs")]:
        try:
            if path.read_text():
                return True
        except OSError:
            pass
    return False


def close_all():
    while machines:
        machines.pop().close()


def repacked(file, version, directory):
    """The same package with another version."""
    tree = pathlib.Path(directory) / f"tree-{version}"
    subprocess.run(["dpkg-deb", "--raw-extract", str(file), str(tree)], check=True)
    control = tree / "DEBIAN/control"
    lines = [f"Version: {version}" if line.startswith("Version:") else line for line in control.read_text().splitlines()]
    control.write_text("\n".join(lines) + "\n")
    out = pathlib.Path(directory) / f"nodekeep_{version}_repacked.deb"
    subprocess.run(["dpkg-deb", "--build", "-Zgzip", "-z1", str(tree), str(out)], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    return out
