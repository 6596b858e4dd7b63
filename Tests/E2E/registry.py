# SPDX-License-Identifier: Apache-2.0
"""A registry on loopback, in the bed: a container is restored only when its image can be pulled from somewhere."""

import hashlib
import http.client
import subprocess

from images import MANIFEST
from support import free_port, wait_for

CONFIG = """
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {home}/registry}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
HOSTS = """
server = "http://127.0.0.1:{port}"
[host."http://127.0.0.1:{port}"]
capabilities = ["pull", "resolve"]
"""


class Registry:
    def __init__(self, bed):
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        config = bed.home / f"registry-{self.port}.yml"
        config.write_text(CONFIG.format(home=bed.home, port=self.port))
        hosts = bed.home / "certs.d" / self.host
        hosts.mkdir(parents=True)
        (hosts / "hosts.toml").write_text(HOSTS.format(port=self.port))
        with open(bed.home / "registry.log", "ab") as log:
            self.process = subprocess.Popen(
                bed.inside("docker-registry", "serve", config), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self.answers, 15, "the registry")

    def answers(self):
        assert self.process.poll() is None, "the registry ended"
        try:
            return self.request("GET", "/v2/")[0] == 200
        except OSError:
            return False

    def request(self, method, path, body=None, kind="application/octet-stream"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body=body, headers={"Content-Type": kind})
            response = connection.getresponse()
            response.read()
            return response.status, response.headers
        finally:
            connection.close()

    def push(self, image, name="e2e/workload", tag="1"):
        """Gives the reference to pull."""
        for digest, data in image.blobs.items():
            status, headers = self.request("POST", f"/v2/{name}/blobs/uploads/")
            assert status == 202, status
            place = headers["Location"].split(self.host, 1)[-1]
            status, _ = self.request("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest}", data)
            assert status == 201, status
        status, headers = self.request("PUT", f"/v2/{name}/manifests/{tag}", image.manifest, MANIFEST)
        assert status == 201, status
        assert headers["Docker-Content-Digest"] == "sha256:" + hashlib.sha256(image.manifest).hexdigest()
        return f"{self.host}/{name}:{tag}"

    def close(self):
        self.process.kill()
        self.process.wait(10)
