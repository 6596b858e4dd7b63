# SPDX-License-Identifier: Apache-2.0
"""The images of the beds, made here: no registry is asked for anything. An image is an OCI layout in a tar."""

import hashlib
import io
import json
import pathlib
import platform
import subprocess
import tarfile

PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
PAUSE = "localhost/e2e/pause:1"
WORKLOAD = "localhost/e2e/workload:1"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
APPLETS = ("sh", "sleep", "cat", "echo", "true", "false", "dd", "ls", "touch", "kill")

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def program(name, directory):
    """A static program, so that an image needs nothing but it."""
    path = pathlib.Path(directory) / name
    subprocess.run(["gcc", "-static", "-O2", "-o", str(path), str(PROGRAMS / f"{name}.c")], check=True, timeout=60)
    return path


def add(archive, name, data=None, link=None, directory=False, mode=0o755):
    entry = tarfile.TarInfo(name)
    entry.mode = mode
    if directory:
        entry.type = tarfile.DIRTYPE
    elif link is not None:
        entry.type, entry.linkname = tarfile.SYMTYPE, link
    else:
        entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data) if data is not None else None)


def layer(files, links=()):
    """An uncompressed layer: `files` by path, `links` as (path, target)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for directory in ["bin", "etc", "tmp"]:
            add(archive, directory, directory=True, mode=0o777 if directory == "tmp" else 0o755)
        for path, data in files.items():
            add(archive, path, data)
        for path, target in links:
            add(archive, path, link=target)
    return stream.getvalue()


class Image:
    """An image of one layer as its three blobs."""

    def __init__(self, name, layer, command):
        self.name = name
        self.blobs = {}
        layer_digest = self.blob(layer)
        config = {
            "architecture": ARCHITECTURE, "os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
            "config": {"Cmd": command, "Env": ["PATH=/bin"], "WorkingDir": "/"}}
        config_bytes = json.dumps(config).encode()
        self.manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json", "digest": self.blob(config_bytes),
                "size": len(config_bytes)},
            "layers": [{
                "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer_digest, "size": len(layer)}],
        }).encode()

    def blob(self, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest

    def write(self, path):
        blobs = dict(self.blobs)
        digest = "sha256:" + hashlib.sha256(self.manifest).hexdigest()
        blobs[digest] = self.manifest
        index = {
            "schemaVersion": 2,
            "manifests": [{
                "mediaType": MANIFEST, "digest": digest, "size": len(self.manifest),
                "platform": {"architecture": ARCHITECTURE, "os": "linux"},
                "annotations": {"io.containerd.image.name": self.name}}]}
        with tarfile.open(path, "w") as archive:
            add(archive, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}', mode=0o644)
            add(archive, "index.json", json.dumps(index).encode(), mode=0o644)
            for name, data in blobs.items():
                add(archive, "blobs/sha256/" + name.split(":")[1], data, mode=0o644)
        return path


def make(directory, busybox):
    """Both images, with the programs compiled into `directory`; `busybox` is a static one."""
    pause = Image(PAUSE, layer({"bin/pause": program("pause", directory).read_bytes()}), ["/bin/pause"])
    files = {
        "bin/busybox": pathlib.Path(busybox).read_bytes(), "bin/filler": program("filler", directory).read_bytes()}
    workload = Image(WORKLOAD, layer(files, [(f"bin/{name}", "busybox") for name in APPLETS]), ["/bin/sh"])
    return pause, workload
