# SPDX-License-Identifier: Apache-2.0
"""Debian file system trees with a container runtime in them, built once and kept outside the checkout.

A tree is named by what is in it, is built under another name and renamed when it is complete, and is never written to
afterwards: the beds mount it read-only.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "nodekeep-e2e"

# What the trees are for: the runtime that can checkpoint, and Debian 12's own one that cannot.
NEW = ("sid", ("containerd", "runc", "criu", "checkpointctl", "docker-registry", "busybox-static"))
OLD = ("bookworm", ("containerd", "runc"))

HOOK = (
    'printf "127.0.0.1 localhost\\n" > "$1/etc/hosts"; : > "$1/etc/resolv.conf"; '
    'mkdir -p "$1/run" "$1/tmp" "$1/var/lib"'
)


def sources():
    """Every (URI, suites) of a binary Debian archive that this machine's apt reads, in its order."""
    directory = pathlib.Path("/etc/apt")
    parts = directory / "sources.list.d"
    files = [directory / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))]
    for file in files:
        if not file.exists():
            continue
        text = file.read_text()
        yield from deb822_sources(text) if file.suffix == ".sources" else line_sources(text)


def line_sources(text):
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s", line.strip() + " ")
        if match:
            yield match[1], [match[2]]


def deb822_sources(text):
    for stanza in re.split(r"\n\s*\n", text):
        fields, name = {}, None
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace() and name:
                fields[name] += " " + line.strip()
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields.get("enabled", "yes").lower() in ("no", "false", "0") or "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            yield uri, fields.get("suites", "").split()


def mirror():
    """The archive that this machine's own Debian comes from: it has the other suites too."""
    release = pathlib.Path("/etc/os-release").read_text()
    codename = re.search(r'^VERSION_CODENAME="?(\w+)', release, re.M)[1]
    for uri, suites in sources():
        if codename in suites and not uri.startswith(("cdrom:", "file:")):
            return uri
    raise AssertionError(f"no archive of {codename} in the sources of apt")


@contextlib.contextmanager
def locked():
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def tree(kind):
    """The path of a tree, which is built first where it is not there.

    A third part of `kind` names packages that are not installed but can be, without a network: apt's lists and their
    files are kept.
    """
    suite, packages, *rest = kind
    kept = sorted(rest[0]) if rest else []
    key = hashlib.sha256("\n".join([suite, HOOK, *sorted(packages), *(["kept", *kept] if kept else [])]).encode()).hexdigest()[:12]
    path = CACHE / f"{suite}-{key}"
    with locked():
        for half in CACHE.glob("building-*"):
            shutil.rmtree(half)
        if not path.exists():
            build(path, suite, packages, kept)
    return path


def keeping(packages):
    if not packages:
        return []
    download = 'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --yes --download-only install '
    return ["--skip=cleanup/apt", "--customize-hook=" + download + " ".join(packages)]


def build(path, suite, packages, kept):
    print(f"building {path} (once)", flush=True)
    half = CACHE / f"building-{path.name}"
    try:
        done = subprocess.run(
            ["mmdebstrap", "--variant=minbase", "--mode=root", '--aptopt=Acquire::Check-Valid-Until "false"',
             "--include=" + ",".join(packages), *keeping(kept), "--customize-hook=" + HOOK, suite, str(half), mirror()],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
        if done.returncode != 0:
            raise AssertionError("mmdebstrap failed:\n" + done.stdout[-4000:])
        half.rename(path)
    finally:
        shutil.rmtree(half, ignore_errors=True)
