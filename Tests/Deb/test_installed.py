# SPDX-License-Identifier: Apache-2.0
"""The service as the package installs it."""

import pathlib
import re
import subprocess
import time

import bus_case
import machine
from deb_case import DebTest
from support import listening, thread_files, wait_for

FILES = """
/etc/nodekeep
/etc/nodekeep/nodekeep.yaml
/etc/nodekeep/policy.yaml
/lib/systemd/system/nodekeep-dump-.service.d
/lib/systemd/system/nodekeep-dump-.service.d/nodekeep-job.conf
/lib/systemd/system/nodekeep-recover-.service.d
/lib/systemd/system/nodekeep-recover-.service.d/nodekeep-job.conf
/lib/systemd/system/nodekeep.service
/usr/bin/nodekeep
/usr/lib/systemd/catalog/nodekeep.catalog
/usr/lib/tmpfiles.d/nodekeep.conf
/usr/libexec/nodekeep
/usr/libexec/nodekeep/nodekeep-web
/usr/share/bash-completion/completions/nodekeep
/usr/share/doc/nodekeep
/usr/share/doc/nodekeep/NOTICE.gz
/usr/share/doc/nodekeep/README.md.gz
/usr/share/doc/nodekeep/changelog.gz
/usr/share/doc/nodekeep/copyright
/usr/share/doc/nodekeep/examples
/usr/share/doc/nodekeep/examples/beside-a-kubelet.yaml
/usr/share/doc/nodekeep/examples/checkpoint-directory.conf
/usr/share/doc/nodekeep/examples/containerd.yaml
/usr/share/doc/nodekeep/examples/crio.yaml
/usr/share/doc/nodekeep/examples/grafana
/usr/share/doc/nodekeep/examples/grafana/nodekeep.json
/usr/share/doc/nodekeep/examples/kubernetes
/usr/share/doc/nodekeep/examples/kubernetes/access.yaml
/usr/share/doc/nodekeep/examples/kubernetes/companion-node.yaml
/usr/share/doc/nodekeep/examples/kubernetes/companion.yaml
/usr/share/doc/nodekeep/examples/kubernetes/node.yaml
/usr/share/doc/nodekeep/examples/nodekeep.rules.yaml
/usr/share/doc/nodekeep/examples/prometheus.yml
/usr/share/doc/nodekeep/examples/standalone.yaml
/usr/share/fish/vendor_completions.d/nodekeep.fish
/usr/share/man/man1/nodekeep.1.gz
/usr/share/man/man5/nodekeep-policy.5.gz
/usr/share/man/man5/nodekeep.yaml.5.gz
/usr/share/man/man8/nodekeep.service.8.gz
/usr/share/zsh/vendor-completions/_nodekeep
""".split()


class InstalledTest(DebTest):
    def test_the_service_is_ready_and_starts_with_the_machine(self):
        self.assertEqual(self.machine.property("ActiveState"), "active")
        self.assertEqual(self.machine.property("SubState"), "running")
        self.assertEqual(self.machine.property("NRestarts"), "0")
        self.assertNotEqual(self.machine.property("StatusText"), "", "READY brings a status line")
        self.assertEqual(self.machine.output("systemctl", "is-enabled", "nodekeep").strip(), "enabled")
        self.assertEqual(self.machine.output("systemctl", "--failed", "--plain", "--no-legend", check=False).strip(), "")

    def test_the_limits_are_in_force(self):
        expected = {"MemoryMax": str(256 << 20), "TasksMax": "256", "OOMScoreAdjust": "-900", "WatchdogUSec": "30s",
                    "LimitNOFILE": "4096", "LimitCORE": "0"}
        self.assertEqual({name: self.machine.property(name) for name in expected}, expected)
        limits = pathlib.Path(f"/proc/{self.agent()}/limits").read_text()
        self.assertRegex(limits, r"Max open files +4096 +4096")
        self.assertRegex(limits, r"Max core file size +0 +0")

    def test_every_page_answers(self):
        for path, word in {"/": b"<html", "/status": b'"system"', "/node": b'"kind"', "/metrics": b"# TYPE nodekeep_",
                           "/readyz": b"ok", "/livez": b"ok", "/metrics/resource": b"# TYPE"}.items():
            with self.subTest(path):
                code, body = self.machine.get(path)
                self.assertEqual(code, 200)
                self.assertIn(word, body)

    def test_nothing_that_is_confined_cannot_be_read(self):
        """Of what the machine has: it has no runtime, and no network to resolve its name in."""
        def problems():
            sources = self.machine.status()["collectors"]
            return {source["name"]: source for source in sources
                    if source["state"] not in ("ok", "absent") and source["name"] not in ("dns", "runtime")}
        wait_for(lambda: not problems(), 15, f"nothing fails: {problems()}")
        clock = self.machine.status()["system"]["clock"]
        self.assertEqual(set(clock), {"synchronized", "source"}, clock)

    def test_the_commands_find_the_service(self):
        self.assertIn("Conditions", self.machine.output("nodekeep", "status"))
        self.assertEqual(self.machine.output("nodekeep", "config", "check"), "the configuration is good\n")
        self.assertEqual(self.machine.output("nodekeep", "policy", "check").strip(), "the policy is good: 0 rules")

    def test_it_is_closed(self):
        """Nobody but root on this machine may do anything but look."""
        addresses = {fields[1].rsplit(":", 1)[0] for fields in listening(self.machine.leader)}
        self.assertEqual(addresses, {"0100007F"}, "only on 127.0.0.1")
        self.assertEqual(self.machine.get("/checkpoint/a/b/c")[0], 404, "not a page of the local listener")
        self.assertIn("Served on this machine only", self.machine.status()["agent"]["notice"])
        socket = self.machine.path("/run/nodekeep/nodekeep.sock").stat()
        self.assertEqual((socket.st_uid, socket.st_gid, socket.st_mode & 0o777), (0, 0, 0o660))

    def test_directories_and_files_have_their_modes(self):
        found = {}
        for path in ["/etc/nodekeep", "/etc/nodekeep/nodekeep.yaml", "/run/nodekeep", "/var/lib/nodekeep",
                     "/var/lib/kubelet", "/var/lib/kubelet/checkpoints", "/var/lib/kubelet/checkpoints/.nodekeep",
                     "/usr/bin/nodekeep", "/usr/libexec/nodekeep/nodekeep-web"]:
            status = self.machine.path(path).stat()
            found[path] = (status.st_uid, status.st_gid, oct(status.st_mode & 0o7777))
        self.assertEqual(found, {
            "/etc/nodekeep": (0, 0, "0o755"), "/etc/nodekeep/nodekeep.yaml": (0, 0, "0o644"),
            "/run/nodekeep": (0, 0, "0o755"), "/var/lib/nodekeep": (0, 0, "0o700"),
            "/var/lib/kubelet": (0, 0, "0o750"), "/var/lib/kubelet/checkpoints": (0, 0, "0o700"),
            "/var/lib/kubelet/checkpoints/.nodekeep": (0, 0, "0o700"),
            "/usr/bin/nodekeep": (0, 0, "0o755"), "/usr/libexec/nodekeep/nodekeep-web": (0, 0, "0o755")})
        self.assertIsNone(self.machine.status()["checkpoints"].get("problem"))

    def test_the_package_is_these_files(self):
        directories = {"/.", "/etc", "/lib", "/lib/systemd", "/lib/systemd/system", "/usr"}
        found = set()
        for path in self.machine.output("dpkg", "-L", "nodekeep").split():
            shared = path in directories or path.startswith("/usr/share/doc/nodekeep/docs")
            if not shared and (not self.machine.path(path).is_dir() or "nodekeep" in path):
                found.add(path)
        self.assertEqual(found, set(FILES))
        conffiles = self.machine.output("dpkg-query", "--show", "--showformat=${Conffiles}", "nodekeep")
        self.assertEqual(set(re.findall(r"^ (\S+)", conffiles, re.M)),
                         {"/etc/nodekeep/nodekeep.yaml", "/etc/nodekeep/policy.yaml"})

    def agent(self):
        return self.machine.outside(self.machine.main_pid())

    def test_no_thread_has_a_capability(self):
        processes = self.machine.service_processes()
        self.assertEqual(sorted(machine.comm(pid) for pid in processes), ["nodekeep", "nodekeep-web"])
        for pid in processes:
            statuses = thread_files(pid, "status")
            self.assertIn(pid, statuses)
            for thread, status in statuses.items():
                fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
                for kind in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]:
                    self.assertEqual(int(fields[kind], 16), 0, f"{kind} of {machine.comm(pid)}, thread {thread}")
                self.assertEqual(fields["NoNewPrivs"], "1")
                self.assertEqual(fields["Uid"].split(), ["0"] * 4)

    def test_every_thread_is_filtered_and_web_once_more(self):
        def filters(pid):
            found = {int(re.search(r"^Seccomp_filters:\t(\d+)$", status, re.M)[1])
                     for status in thread_files(pid, "status").values()}
            self.assertEqual(len(found), 1, "every thread has the same")
            return found.pop()

        processes = {machine.comm(pid): pid for pid in self.machine.service_processes()}
        machines = filters(self.machine.leader)
        agent = filters(processes["nodekeep"])
        self.assertGreater(agent, machines + 1, "the unit's filters on top of the machine's own")
        self.assertEqual(filters(processes["nodekeep-web"]), agent + 1, "and one of its own")
        denied = re.findall(rb"^nodekeep_web_denied_system_calls_total (\S+)$", self.machine.get("/metrics")[1], re.M)
        self.assertEqual(denied, [b"0"])

    def test_systemd_rates_it_as_well_confined(self):
        out = self.machine.output("systemd-analyze", "security", "--no-pager", "nodekeep.service")
        score = float(re.search(r"Overall exposure level for nodekeep.service: ([0-9.]+)", out)[1])
        self.assertLessEqual(score, 2.0, out)

    def test_nothing_is_writable_but_what_is_named(self):
        """In the agent's own mount namespace, with more rights than it has itself."""
        def writable(path):
            return subprocess.run(
                ["nsenter", f"--target={self.agent()}", "--mount", "--", "/bin/sh", "-c",
                 f'f={path}/.probe; : >"$f" && rm "$f"'], capture_output=True).returncode == 0

        found = {path: writable(path) for path in [
            "/var/lib/nodekeep", "/run/nodekeep", "/var/lib/kubelet/checkpoints", "/", "/etc", "/etc/nodekeep", "/usr/bin",
            "/var", "/var/lib", "/var/lib/kubelet", "/run", "/boot", "/root", "/home", "/tmp", "/var/tmp", "/dev", "/dev/shm", "/dev/mqueue", "/proc/sys/kernel",
            "/sys", "/sys/fs/cgroup", "/srv"]}
        self.assertEqual({path for path, is_writable in found.items() if is_writable},
                         {"/var/lib/nodekeep", "/run/nodekeep", "/var/lib/kubelet/checkpoints"})

    def test_what_the_bus_says_is_there(self):
        system = self.machine.status()["system"]
        self.assertEqual(system["hostname"]["value"] if isinstance(system["hostname"], dict) else system["hostname"],
                         self.machine.output("hostname").strip())
        self.machine.write("/etc/systemd/system/bad.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n")
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "start", "bad.service", check=False)
        self.addCleanup(self.machine.run, "systemctl", "reset-failed")

        def failed():
            systemd = self.machine.status()["system"]["systemd"]
            return "bad.service" in str(systemd) and "degraded" in str(systemd)
        wait_for(failed, 15, "the failed unit is shown")

    def test_the_journal_has_fields(self):
        def ready():
            return self.machine.journal("_SYSTEMD_UNIT=nodekeep.service", "NODEKEEP_CONDITION=Ready")
        record = wait_for(ready, 15, "a record of Ready")[0]
        self.assertEqual(record["SYSLOG_IDENTIFIER"], "nodekeep")
        self.assertEqual(record["_TRANSPORT"], "journal")
        self.assertEqual(record["NODEKEEP_STATUS"], "True")
        self.assertEqual(record["PRIORITY"], "6")
        self.assertIn("CODE_FILE", record)

    def test_the_journal_has_records_and_no_loose_lines(self):
        """What a library writes to standard error would have neither a priority nor fields."""
        loose = [record["MESSAGE"] for record in self.machine.journal("_SYSTEMD_UNIT=nodekeep.service")
                 if record["_TRANSPORT"] != "journal"]
        self.assertEqual(loose, [])

    def test_the_journal_explains_its_records(self):
        def explained():
            return "The node has been read for the first time" in self.machine.output(
                "journalctl", "--no-pager", "--catalog", "--unit=nodekeep", "NODEKEEP_EVENT=agent-ready")
        wait_for(explained, 15, "the catalog's entry")

    def within(self, seconds, what, condition):
        began = time.monotonic()
        wait_for(condition, 10, what)
        self.assertLess(time.monotonic() - began, seconds, what)

    def test_a_changed_name_and_address_show_at_once(self):
        within = self.within
        before = self.machine.output("hostname").strip()
        self.machine.run("hostname", "renamed")
        self.addCleanup(self.machine.run, "hostname", before)
        within(5, "the new name", lambda: "renamed" in str(self.machine.status()["system"]["hostname"]))
        net = ["nsenter", f"--net=/proc/{self.machine.leader}/ns/net", "ip"]
        subprocess.run([*net, "address", "add", "203.0.113.7/32", "dev", "lo"], check=True)
        within(5, "the new address", lambda: "203.0.113.7" in str(self.machine.status()["network"]))
        subprocess.run([*net, "address", "delete", "203.0.113.7/32", "dev", "lo"], check=True)
        within(5, "the address is gone", lambda: "203.0.113.7" not in str(self.machine.status()["network"]))

    def test_a_clock_that_is_no_longer_synchronised_shows_at_once(self):
        self.machine.run("systemctl", "stop", "systemd-timedated")
        services = bus_case.Services(
            self.machine.path("/run/dbus/system_bus_socket"), without=["systemd1", "hostname1", "login1"])
        self.addCleanup(services.close)
        for is_synchronised in [True, False, True]:
            services.tell(set=["org.freedesktop.timedate1", "/org/freedesktop/timedate1",
                               {"NTPSynchronized": is_synchronised}])
            expected = {"synchronized": is_synchronised, "source": "timedate1"}
            self.within(5, f"timedate1 says {is_synchronised}",
                        lambda: self.machine.status()["system"]["clock"] == expected)

    def test_the_examples_are_good(self):
        for path in sorted(self.machine.path("/usr/share/doc/nodekeep/examples").glob("*.yaml")):
            if path.name != "nodekeep.rules.yaml":
                with self.subTest(path.name):
                    # Their certificates and kubeconfigs are not here.
                    said = self.machine.output("nodekeep", "config", "check", "--without-files", "--config",
                                               f"/usr/share/doc/nodekeep/examples/{path.name}")
                    self.assertEqual(said, "the configuration is good\n", "it works as it is, without a drop-in")
