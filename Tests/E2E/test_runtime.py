# SPDX-License-Identifier: Apache-2.0
"""What nodekeep says of the container runtime, against what the runtime says itself."""

import json
import os
import re
import signal
import subprocess
import tempfile
import time
import types
import unittest
import uuid

import bed as beds
from criclient import IMAGES, RUNTIME
from support import Agent, wait_for
from workloads import Pod

NETWORK = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized")
SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)(?: (\d+))?$')


class Node(Agent):
    """The agent beside a bed, asked about the runtime alone."""

    def __init__(self, bed, config=""):
        root = tempfile.mkdtemp(prefix="root-", dir=bed.run.directory)
        super().__init__(f"containerRuntimeEndpoint: unix://{bed.socket}\nrootDir: {root}\n{config}")

    def runtime(self):
        return self.json("/status")["runtime"]

    def node(self):
        return self.json("/node")["status"]

    def ready(self):
        return self.condition("Ready")

    def wait_until_known(self):
        """Until everything has been asked once."""
        wait_for(lambda: (said := self.runtime()) and said["checkpoint"]["supported"] is not None
                 and "imageCount" in said and "imageFileSystem" in said, 10, "the runtime in the status")
        # The Node follows with the next snapshot.
        if "nodeStatusMaxImages: 0" not in self.config.read_text():
            wait_for(lambda: self.node().get("images"), 5, "the images in the node")
        return self

    def samples(self):
        """{(name, labels): (value, milliseconds or None)} of /metrics/resource; no name may come twice."""
        found = {}
        for line in self.get("/metrics/resource").body.decode().splitlines():
            if not line.startswith("#"):
                name, labels, value, time_stamp = SAMPLE.match(line).groups()
                assert (name, labels) not in found, line
                found[name, labels] = (float(value), time_stamp and int(time_stamp))
        return found

    def wait_for_sample(self, name, labels):
        return wait_for(lambda: self.samples().get((name, labels)), 15, f"{name}{{{labels}}}")


class RuntimeTest(unittest.TestCase):
    KIND = "new"
    maxDiff = None

    def setUp(self):
        self.bed = beds.shared(self.KIND)

    def tearDown(self):
        beds.shared(self.KIND)

    def node(self, *arguments):
        node = Node(self.bed, *arguments)
        self.addCleanup(node.close)
        return node.wait_until_known()

    def pod(self, **options):
        pod = Pod(self.bed, **options)
        self.addCleanup(pod.remove)
        return pod

    def expected_images(self):
        """What a kubelet makes of ListImages."""
        images = []
        for image in self.bed.runtime.call(IMAGES + "ListImages").all(1):
            names = [name.decode() for field in (3, 2) for name in image.values.get(field, [])]
            images.append((image.number(4), image.text(1), names))
        return [{"names": names[:5], "sizeBytes": size} for size, _, names in sorted(images, reverse=True)]


class NewRuntimeTest(RuntimeTest):
    def test_the_node_says_what_the_runtime_says(self):
        node = self.node()
        name, version = self.bed.runtime.version()
        wait_for(lambda: node.node()["nodeInfo"]["containerRuntimeVersion"].startswith(name), 10, "its version")
        status = node.node()
        self.assertEqual(status["nodeInfo"]["containerRuntimeVersion"], f"{name}://{version.removeprefix('v')}")
        self.assertEqual(status["images"], self.expected_images())
        # Another witness: each tag that ctr lists is there.
        listed = {line.split()[0] for line in self.bed.ctr("images", "ls").stdout.splitlines()[1:]}
        shown = {name for image in status["images"] for name in image["names"]}
        self.assertTrue(shown and shown <= listed, (shown, listed))
        said = self.bed.runtime.call(RUNTIME + "Status")
        handlers = sorted((one.text(1), bool(one.nested(2).number(1)), bool(one.nested(2).number(2)))
                          for one in said.all(3))
        self.assertEqual([(one["name"], one["features"]["recursiveReadOnlyMounts"], one["features"]["userNamespaces"])
                          for one in status["runtimeHandlers"]], handlers)
        self.assertEqual(status["features"], {"supplementalGroupsPolicy": bool(said.nested(4).number(1))})

        runtime = node.runtime()
        self.assertEqual((runtime["answers"], runtime["name"], runtime["version"]), (True, name, version))
        self.assertEqual(
            [(one["type"], one["status"], one["message"]) for one in runtime["conditions"]],
            [(one.text(1), bool(one.number(2)), one.text(4)) for one in said.nested(1).all(1)])
        self.assertEqual(runtime["checkpoint"], {"supported": True})
        text = subprocess.run(
            [node.command[0], "status", "--socket", str(node.socket)], capture_output=True, text=True, timeout=20).stdout
        self.assertIn(f"{name} {version}", text)
        self.assertRegex(text, r"checkpoints: +supported\n")

    def test_the_images_file_system_is_the_one_that_the_runtime_names(self):
        node = self.node()
        place = self.bed.runtime.call(IMAGES + "ImageFsInfo").nested(1).nested(2).text(1)
        self.assertEqual(node.runtime()["imageFileSystem"], {"mountPoint": place})
        usage = os.statvfs(place)
        capacity = wait_for(lambda: node.signal_status("imagefs.available").get("capacity"), 10, "imagefs")
        self.assertEqual(int(capacity), usage.f_blocks * usage.f_frsize)

    def test_only_so_many_images_are_named(self):
        expected = self.expected_images()
        self.assertGreater(len(expected), 1)
        self.assertEqual(self.node("nodeStatusMaxImages: 1\n").node()["images"], expected[:1])
        self.assertNotIn("images", self.node("nodeStatusMaxImages: 0\n").node())

    def test_an_image_that_comes_with_a_container_is_listed_soon(self):
        node = self.node()
        name = f"localhost/e2e/{uuid.uuid4().hex}:1"
        time.sleep(11)  # no two lists are closer than ten seconds
        self.bed.ctr("images", "tag", "localhost/e2e/workload:1", name)
        self.addCleanup(self.bed.ctr, "images", "rm", name)
        wait_for(lambda: name in self.bed.runtime.images(), 10, "the image")
        self.pod().container()
        wait_for(lambda: any(name in image["names"] for image in node.node()["images"]), 20, "the image in the status")

    def test_ready_follows_the_network_in_the_kubelets_words(self):
        node = self.node()
        # The runtime is asked about itself after the node is ready to answer.
        wait_for(lambda: (node.ready()["status"], node.ready()["message"]) == ("False", NETWORK), 10, f"{node.ready()}")
        network = self.bed.home / "cni/10-test.conflist"
        network.write_text(json.dumps({"cniVersion": "0.4.0", "name": "test", "plugins": [{"type": "loopback"}]}))
        try:
            wait_for(lambda: node.ready()["status"] == "True", 15, "Ready")
        finally:
            network.unlink()
        wait_for(lambda: node.ready()["message"] == NETWORK, 15, "not Ready")

    def test_what_containers_use(self):
        container = self.pod(name="user").container(name="count")
        node = self.node()
        # Nobody has asked before: the first answer says that it has nothing, and has it read.
        first = node.samples()
        self.assertEqual(first["resource_scrape_error", None], (1, None))
        self.assertNotIn("container_cpu_usage_seconds_total", {name for name, _ in first})
        labels = 'container="count",namespace="default",pod="user"'
        value, stamp = node.wait_for_sample("container_cpu_usage_seconds_total", labels)
        self.assertGreater(value, 0)
        self.assertLess(abs(time.time() - stamp / 1000), 15)
        samples = node.samples()
        self.assertEqual(samples["resource_scrape_error", None], (0, None))
        started, stamp = samples["container_start_time_seconds", labels]
        self.assertTrue(0 < time.time() - started < 60 and stamp is None, (started, stamp))
        self.assertGreater(samples["container_memory_working_set_bytes", labels][0], 50_000)
        # The bed's pods share a cgroup, so a pod uses what its containers use.
        self.assertEqual(samples["pod_cpu_usage_seconds_total", 'namespace="default",pod="user"'],
                         samples["container_cpu_usage_seconds_total", labels])
        later = wait_for(lambda: (now := node.samples()["container_cpu_usage_seconds_total", labels])[0] > value
                         and now, 25, "another reading")
        self.assertGreater(later[1], 0)
        for path in ["/metrics", "/metrics/resource"]:
            done = subprocess.run(["promtool", "check", "metrics"], input=node.get(path).body, capture_output=True)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""), path)
        container.counts_on()

    def test_a_pod_with_a_cgroup_of_its_own_uses_more_than_its_containers(self):
        uid = str(uuid.uuid4())
        own = types.SimpleNamespace(
            runtime=self.bed.runtime, logs=self.bed.logs, there=self.bed.there,
            run=types.SimpleNamespace(pods_cgroup=f"{self.bed.run.pods_cgroup}/pod{uid}"))
        pod = Pod(own, name="own", uid=uid)
        self.addCleanup(pod.remove)
        pod.container(name="count")
        node = self.node()
        memory, _ = node.wait_for_sample("pod_memory_working_set_bytes", 'namespace="default",pod="own"')
        containers = [value for (name, labels), (value, _) in node.samples().items()
                      if name == "container_memory_working_set_bytes" and labels and 'pod="own"' in labels]
        # The pause container counts to the pod.
        self.assertEqual(len(containers), 1)
        self.assertGreater(memory, containers[0])

    def test_two_sandboxes_of_one_pod_make_no_sample_twice(self):
        uid = str(uuid.uuid4())
        for attempt in range(2):
            self.pod(name="twice", uid=uid, attempt=attempt).container(name="count", attempt=attempt)
        node = self.node()
        labels = 'container="count",namespace="default",pod="twice"'
        node.wait_for_sample("container_cpu_usage_seconds_total", labels)

    def test_killed_and_back(self):
        node = self.node()
        before = node.node()
        self.bed.kill()
        lost = wait_for(lambda: not (said := node.runtime())["answers"] and said, 10, "a runtime that does not answer")
        self.assertIn(str(self.bed.socket), lost["problem"])
        self.assertEqual((lost["name"], lost["checkpoint"]["supported"]), ("containerd", None))
        status = wait_for(
            lambda: (said := node.node())["nodeInfo"]["containerRuntimeVersion"] == "containerd://Unknown" and said, 5,
            "a version that is unknown")
        # What it has is not gone with it.
        self.assertEqual([status[part] for part in ("images", "runtimeHandlers")],
                         [before[part] for part in ("images", "runtimeHandlers")])
        self.assertEqual(node.metrics()[f'nodekeep_runtime_up{{endpoint="unix://{self.bed.socket}"}}'], 0)
        self.assertEqual(node.get("/readyz").status, 200)
        self.bed.start()
        wait_for(lambda: node.runtime()["checkpoint"]["supported"], 10, "a runtime that is back")
        wait_for(lambda: node.node()["nodeInfo"] == before["nodeInfo"], 5, "what the node said before")

    def test_a_fast_restart_is_noticed(self):
        node = self.node()
        calls = 'nodekeep_runtime_operations_total{operation="image_fs_info"}'
        before = node.metrics()[calls]
        self.bed.restart()
        wait_for(lambda: node.metrics()[calls] > before, 10, "what is asked of a runtime that is new")

    def test_hung(self):
        node = self.node()
        self.bed.process.send_signal(signal.SIGSTOP)
        try:
            said = wait_for(lambda: not (said := node.runtime())["answers"] and said, 25, "a runtime that hangs")
            self.assertEqual(said["problem"], "Status has not been answered for 5s")
            self.assertEqual(node.collector("runtime")["state"], "hung")
            for path in ["/status", "/metrics", "/metrics/resource", "/readyz"]:
                started = time.monotonic()
                self.assertEqual(node.get(path).status, 200)
                self.assertLess(time.monotonic() - started, 0.5, path)
            started = time.monotonic()
            node.signal(signal.SIGTERM)
            node.process.wait(10)
            self.assertLess(time.monotonic() - started, 2)
            self.assertEqual(node.process.returncode, 0)
        finally:
            self.bed.process.send_signal(signal.SIGCONT)


class OldRuntimeTest(RuntimeTest):
    """Debian 12's own containerd 1.6."""

    KIND = "old"

    def test_the_node_says_what_the_runtime_says(self):
        node = self.node()
        name, version = self.bed.runtime.version()
        wait_for(lambda: node.runtime()["checkpoint"].get("reason"), 10, "what it says of checkpoints")
        shown = wait_for(
            lambda: (text := node.node()["nodeInfo"]["containerRuntimeVersion"]).startswith(name) and text, 10,
            "the runtime's version")
        # Debian's version is no semantic one: a kubelet shows the numbers.
        self.assertEqual(shown, f"{name}://{re.match(r'v?([0-9.]+)', version)[1]}")
        runtime = node.runtime()
        self.assertIs(runtime["checkpoint"]["supported"], False)
        self.assertEqual(runtime["checkpoint"]["reason"], "method CheckpointContainer not implemented")
        self.assertEqual(node.node()["images"], self.expected_images())
        self.assertEqual(node.collector("runtime")["state"], "ok")
        self.assertEqual(node.ready()["message"], NETWORK)
        # It knows neither RuntimeConfig nor container events, and that is no fault.
        unwell = [one for one in node.json("/status")["collectors"]
                  if one["name"].startswith("runtime") and one["state"] not in ("ok", "absent")]
        self.assertEqual(unwell, [])

    def test_what_containers_use(self):
        self.pod(name="old").container(name="count")
        node = self.node()
        value, _ = node.wait_for_sample(
            "container_memory_working_set_bytes", 'container="count",namespace="default",pod="old"')
        self.assertGreater(value, 0)

