# SPDX-License-Identifier: Apache-2.0
"""What the agent says of this node, against values computed here from /proc and /sys by other means."""

import glob
import gzip
import json
import os
import platform
import re
import socket
import struct
import subprocess
import time

from support import AgentTest, wait_for


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None


def f32(value):
    """The kubelet keeps percentages as 32-bit floats."""
    return struct.unpack("f", struct.pack("f", value))[0]


def binary_quantity(value):
    """A byte count as Kubernetes writes it."""
    if value == 0:
        return "0"
    for suffix in ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]:
        if value % 1024 or value < 1024:
            return f"{value}{suffix}" if suffix else decimal_quantity(value)
        value //= 1024
    raise AssertionError("too large")


def decimal_quantity(value):
    for suffix in ["", "k", "M", "G", "T", "P", "E"]:
        if value % 1000:
            return f"{value}{suffix}"
        value //= 1000
    raise AssertionError("too large")


def meminfo():
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in read("/proc/meminfo").splitlines() if "kB" in line}


def nodefs(path="/var/lib/kubelet"):
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return os.statvfs(path)


def default_route_address():
    for line in read("/proc/net/route").splitlines()[1:]:
        fields = line.split()
        if fields[1] == "00000000":
            output = subprocess.run(
                ["ip", "-4", "-o", "addr", "show", "dev", fields[0], "scope", "global"], capture_output=True, text=True)
            return output.stdout.split()[3].split("/")[0]
    return None


def hugepages():
    pools = {}
    for path in glob.glob("/sys/kernel/mm/hugepages/hugepages-*kB"):
        size = int(re.search(r"hugepages-(\d+)kB", path)[1]) * 1024
        pools[f"hugepages-{binary_quantity(size)}"] = int(read(path + "/nr_hugepages")) * size
    return pools


class NodeTest(AgentTest):
    @classmethod
    def setUpClass(cls):
        from support import Agent
        cls.shared = Agent()
        cls.addClassCleanup(cls.shared.close)
        wait_for(lambda: all(condition["status"] != "Unknown"
                             for condition in cls.shared.json("/node")["status"]["conditions"]), 10,
                 "every condition known")

    def test_node_equals_what_this_machine_says(self):
        node = self.shared.json("/node")
        memory = meminfo()
        disk = nodefs()
        capacity = disk.f_blocks * disk.f_frsize
        pools = hugepages()
        hostname = socket.gethostname().strip().lower()
        self.assertEqual((node["kind"], node["apiVersion"]), ("Node", "v1"))
        self.assertEqual(node["metadata"]["name"], hostname)
        architecture = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
        self.assertEqual(node["metadata"]["labels"], {
            "kubernetes.io/hostname": hostname, "kubernetes.io/os": "linux", "kubernetes.io/arch": architecture,
            "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": architecture,
        })
        expected = {
            "cpu": decimal_quantity(os.sysconf("SC_NPROCESSORS_ONLN")), "memory": binary_quantity(memory["MemTotal"]),
            "ephemeral-storage": binary_quantity(capacity), "pods": "110",
            **{name: binary_quantity(size) for name, size in pools.items()},
        }
        self.assertEqual(node["status"]["capacity"], expected)
        reserved_disk = int(float(capacity) * f32(0.10))
        expected["memory"] = binary_quantity(memory["MemTotal"] - 100 * 1024 * 1024 - sum(pools.values()))
        expected["ephemeral-storage"] = binary_quantity(capacity - reserved_disk)
        self.assertEqual(node["status"]["allocatable"], expected)
        info = node["status"]["nodeInfo"]
        release = dict(
            line.split("=", 1) for line in read("/etc/os-release").splitlines() if "=" in line)
        machine_id = (read("/etc/machine-id") or read("/var/lib/dbus/machine-id") or "").strip()
        self.assertEqual(info["bootID"], read("/proc/sys/kernel/random/boot_id").strip())
        self.assertEqual(info["machineID"], machine_id)
        self.assertEqual(info["systemUUID"], (read("/sys/class/dmi/id/product_uuid") or machine_id).strip())
        self.assertEqual(info["kernelVersion"], platform.release())
        self.assertEqual(info["osImage"], release["PRETTY_NAME"].strip('"'))
        self.assertEqual(info["architecture"], architecture)
        self.assertEqual(info["operatingSystem"], "linux")
        self.assertEqual(info["kubeProxyVersion"], "")
        self.assertEqual("swap" in info, memory["SwapTotal"] > 0)
        addresses = [(a["type"], a["address"]) for a in node["status"]["addresses"]]
        self.assertEqual(addresses[-1], ("Hostname", hostname))
        internal = [address for kind, address in addresses if kind == "InternalIP"]
        self.assertEqual(len(internal), 1)
        local = subprocess.run(["ip", "-o", "addr"], capture_output=True, text=True).stdout
        self.assertIn(internal[0] + "/", local)
        resolved = {entry[4][0] for entry in socket.getaddrinfo(hostname, None)} if self.resolves(hostname) else set()
        usable = {address for address in resolved if address + "/" in local and not address.startswith("127.")}
        self.assertIn(internal[0], usable or {default_route_address()})
        conditions = {c["type"]: (c["status"], c["reason"], c["message"]) for c in node["status"]["conditions"]}
        self.assertEqual(conditions["MemoryPressure"], (
            "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"))
        self.assertEqual(conditions["DiskPressure"], (
            "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"))
        self.assertEqual(conditions["PIDPressure"], (
            "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"))
        self.assertEqual(conditions["Ready"], ("True", "NodekeepReady", "nodekeep is posting ready status"))

    @staticmethod
    def resolves(name):
        try:
            return bool(socket.getaddrinfo(name, None))
        except OSError:
            return False

    def test_signals_are_the_kernels_numbers(self):
        signals = {entry["signal"]: entry for entry in self.shared.json("/status")["signals"]}
        disk = nodefs()
        self.assertEqual(signals["nodefs.available"]["capacity"], disk.f_blocks * disk.f_frsize)
        self.assertAlmostEqual(
            signals["nodefs.available"]["available"], disk.f_bavail * disk.f_frsize, delta=64 * 1024 * 1024)
        self.assertEqual(signals["nodefs.inodesFree"]["capacity"], disk.f_files)
        limit = min(int(read("/proc/sys/kernel/pid_max")), int(read("/proc/sys/kernel/threads-max")))
        self.assertEqual(signals["pid.available"]["capacity"], limit)

        def is_right():
            # Up to a second old, and others start and end processes meanwhile.
            available = self.shared.signal_status("pid.available")["available"]
            tasks = int(read("/proc/loadavg").split()[3].split("/")[1])
            return abs(available - (limit - tasks)) <= 50
        wait_for(is_right, 5, "pid.available")
        self.assertEqual(signals["memory.available"]["capacity"], meminfo()["MemTotal"])

    def test_status_has_every_part(self):
        status = self.shared.json("/status")
        for part in ["node", "status", "signals", "pressure", "resources", "fileSystems", "network", "system", "runtime",
                     "taints", "collectors", "agent"]:
            self.assertIn(part, status)
        self.assertEqual(status["status"], self.shared.json("/node")["status"])
        self.assertEqual(status["taints"], [])
        total = int(re.search(r"some .* total=(\d+)", read("/proc/pressure/memory"))[1])
        self.assertAlmostEqual(status["pressure"]["memory"]["some"]["totalMicroseconds"], total, delta=2_000_000)
        self.assertEqual(status["system"]["bootTime"], time.strftime(
            "%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(re.search(r"btime (\d+)", read("/proc/stat"))[1]))))

    def test_a_node_at_rest_keeps_its_page(self):
        first = self.shared.get("/node")
        time.sleep(3.5)
        again = self.shared.get("/node", headers={"If-None-Match": first.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))

    def test_metrics_are_clean_and_true(self):
        text = self.shared.get("/metrics").body
        for path in ["/metrics", "/metrics/resource"]:
            check = subprocess.run(
                ["promtool", "check", "metrics"], input=self.shared.get(path).body, capture_output=True)
            self.assertEqual((check.returncode, check.stdout + check.stderr), (0, b""), path)
        values = dict(re.findall(r"^(\S+) (\S+)$", text.decode(), re.M))
        self.assertEqual(int(values["nodekeep_memory_capacity_bytes"]), meminfo()["MemTotal"])
        self.assertEqual(int(values["nodekeep_cpus"]), os.sysconf("SC_NPROCESSORS_ONLN"))
        self.assertEqual(values['nodekeep_node_condition{condition="Ready",status="true"}'], "1")
        self.assertEqual(values["nodekeep_web_denied_system_calls_total"], "0")
        resource = self.shared.get("/metrics/resource").body.decode()
        for name in ["node_cpu_usage_seconds_total", "node_memory_working_set_bytes", "node_swap_usage_bytes"]:
            sample = re.search(rf"^{name} (\S+) (\d+)$", resource, re.M)
            self.assertAlmostEqual(int(sample[2]) / 1000, time.time(), delta=5)

    def test_pages_on_the_local_listener(self):
        for path, kind in [("/", "text/html"), ("/status", "application/json"), ("/node", "application/json"),
                           ("/healthz", "text/plain"), ("/livez", "text/plain"), ("/readyz", "text/plain"),
                           ("/metrics", "text/plain"), ("/metrics/resource", "text/plain")]:
            response = self.shared.get(path)
            self.assertEqual(response.status, 200, path)
            self.assertTrue(response.headers["Content-Type"].startswith(kind), path)
            head = self.shared.get(path, method="HEAD")
            self.assertEqual((head.status, head.body), (200, b""), path)
            self.assertGreater(int(head.headers["Content-Length"]), 0)
            for method in ["POST", "PUT", "DELETE", "PATCH"]:
                refused = self.shared.get(path, method=method)
                self.assertEqual((refused.status, refused.headers["Allow"]), (405, "GET, HEAD"), path)
                self.assertEqual(json.loads(refused.body)["kind"], "Status")
        for path in ["/nope", "/status/", "//status", "/status%2f", "/metrics%2fresource", "/configz", "/../status",
                     "/checkpoint/a/b/c"]:
            self.assertEqual(self.shared.get(path).status, 404, path)
        self.assertEqual(self.shared.get("/statu%73").status, 200)

    def test_configz_is_for_the_socket_alone(self):
        document = self.shared.json("/configz", unix=True)["kubeletconfig"]
        self.assertEqual(document["maxPods"], 110)
        self.assertEqual(self.shared.get("/configz").status, 404)
        mode = os.stat(self.shared.socket)
        self.assertEqual((mode.st_mode & 0o777, mode.st_uid), (0o660, 0))

    def test_health_is_worded_as_the_kubelets(self):
        self.assertEqual(self.shared.get("/healthz").body, b"ok")
        self.assertEqual(
            self.shared.get("/livez?verbose").body,
            b"[+]ping ok\n[+]collector ok\n[+]gate ok\n[+]services ok\nlivez check passed\n")
        self.assertIn(b"[+]snapshot excluded: ok", self.shared.get("/readyz?verbose&exclude=snapshot").body)

    def test_gzip_and_entity_tags(self):
        # Once passed to the agent and once from web's memory: no difference may show.
        for _ in range(3):
            plain = self.shared.get("/node")
            packed = self.shared.get("/node", headers={"Accept-Encoding": "gzip"})
            self.assertEqual(packed.headers["Content-Encoding"], "gzip")
            self.assertEqual(gzip.decompress(packed.body), plain.body)
            self.assertNotEqual(packed.headers["ETag"], plain.headers["ETag"])
            self.assertEqual(plain.headers["Vary"], "Accept-Encoding")
            for tag in [plain.headers["ETag"], packed.headers["ETag"], "*", "W/" + plain.headers["ETag"]]:
                self.assertEqual(self.shared.get("/node", headers={"If-None-Match": tag}).status, 304)
            self.assertNotIn("Content-Encoding", self.shared.get("/node", headers={"Accept-Encoding": "gzip;q=0"}).headers)
            self.assertNotIn("Content-Encoding", self.shared.get("/healthz", headers={"Accept-Encoding": "gzip"}).headers)

    def test_every_web_thread_is_filtered(self):
        pid = self.shared.web_pid()
        tasks = os.listdir(f"/proc/{pid}/task")
        self.assertEqual(len(tasks), 1)
        status = dict(line.split(":\t", 1) for line in read(f"/proc/{pid}/task/{tasks[0]}/status").splitlines())
        self.assertEqual(status["Seccomp"], "2")
        self.assertEqual(status["NoNewPrivs"], "1")
        for name in ["CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"]:
            self.assertEqual(int(status[name], 16), 0, name)

    def test_status_command(self):
        from support import nodekeep
        base = ["status", "--run-dir", str(self.shared.run_directory), "--state-dir", str(self.shared.state_directory)]
        text = nodekeep(*base)
        self.assertEqual(text.returncode, 0, text.stderr)
        for word in ["Name:", "Conditions:", "Ready", "NodekeepReady", "Capacity:", "Allocatable:", "System Info:"]:
            self.assertIn(word, text.stdout)
        as_json = json.loads(nodekeep(*base, "-o", "json").stdout)
        self.assertEqual(as_json["node"]["name"], socket.gethostname().lower())
        as_yaml = nodekeep(*base, "-o", "yaml").stdout
        self.assertIn(f"  name: {socket.gethostname().lower()}", as_yaml)
        nowhere = nodekeep("status", "--server", "http://127.0.0.1:1")
        self.assertEqual(nowhere.returncode, 1)
        self.assertIn("no agent answers", nowhere.stderr)
        wait_for(lambda: (self.shared.state_directory / "node-status.json").exists(), 3, "the status file")
        self.assertEqual(
            json.loads((self.shared.state_directory / "node-status.json").read_text())["metadata"]["name"],
            socket.gethostname().lower())
