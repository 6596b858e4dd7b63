# SPDX-License-Identifier: Apache-2.0
"""The cgroups of a run, on either version: what is in them, whether they are frozen, and how they go."""

import os
import pathlib
import signal
import time

MOUNTS = pathlib.Path("/sys/fs/cgroup")
# On version 1 every controller has a tree of its own; the freezer's is the one that says who belongs to a run.
UNIFIED = (MOUNTS / "cgroup.controllers").exists()
TREE = MOUNTS if UNIFIED else MOUNTS / "freezer"


def trees():
    if UNIFIED:
        return [MOUNTS]
    return [path for path in MOUNTS.iterdir() if path.is_dir() and not path.is_symlink()]


def enter(name):
    """Puts this process, and so all that it starts, into the cgroup."""
    path = TREE / name
    path.mkdir(parents=True, exist_ok=True)
    (path / "cgroup.procs").write_text(str(os.getpid()))


def leave():
    (TREE / "cgroup.procs").write_text(str(os.getpid()))


def below(top):
    """The cgroup and all below, the deepest first; what goes meanwhile is passed over, which rglob does not do."""
    return sorted((pathlib.Path(at) for at, _, _ in os.walk(top)), reverse=True)


def within(name):
    """The cgroup of the tree that says who belongs, and all below, the deepest first."""
    return below(TREE / name)


def processes(name):
    found = set()
    for path in within(name):
        try:
            found |= {int(line) for line in (path / "cgroup.procs").read_text().split()}
        except OSError:
            pass  # gone meanwhile
    return found


def state_file(path):
    return path / ("cgroup.freeze" if UNIFIED else "freezer.state")


def is_frozen(path):
    """FROZEN or on the way to it, as the kernel has it. None when there is no such cgroup."""
    try:
        if UNIFIED:
            return "frozen 1" in (path / "cgroup.events").read_text() or (path / "cgroup.freeze").read_text() == "1\n"
        return state_file(path).read_text() != "THAWED\n"
    except OSError:
        return None


def frozen(name):
    return [path for path in within(name) if is_frozen(path)]


def thaw(name):
    for path in frozen(name):
        try:
            state_file(path).write_text("0" if UNIFIED else "THAWED")
        except OSError:
            pass


def end(name, seconds=20):
    """Ends every process of the cgroup but this one, by its id, and removes the cgroup from every tree."""
    deadline = time.monotonic() + seconds
    while True:
        thaw(name)
        left = processes(name) - {os.getpid()}
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if not left and remove(name):
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"still there of {name}: processes {sorted(left)}, cgroups {remains(name)}")
        time.sleep(0.05)


def remains(name):
    return [str(tree / name) for tree in trees() if (tree / name).exists()]


def remove(name):
    for tree in trees():
        for path in below(tree / name):
            try:
                path.rmdir()
            except OSError:
                pass  # in use: the next round
    return not remains(name)
