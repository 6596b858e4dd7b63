# SPDX-License-Identifier: Apache-2.0
"""The checkpoint itself: one, many at once, and one that takes longer than its caller waits."""

import concurrent.futures
import json
import os
import stat
import subprocess

from archives import Archive
from node import NodeTest
from support import wait_for
from workloads import filling


class CheckpointTest(NodeTest):
    def test_one_checkpoint_of_a_counting_container(self):
        # curl does not ask again where CRIU gave up.
        node, container = self.node(), self.pod().container(command=filling(20))
        before = container.count()
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--max-time", "30", "--unix-socket", node.socket, "--request", "POST",
             "--dump-header", "-", f"http://localhost/checkpoint/{container.path}?timeout=20"],
            capture_output=True, text=True, timeout=40)
        head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
        lines = head.lower().splitlines()
        self.assertRegex(lines[0], "^http/1.1 200 ", done)
        self.assertTrue(any(line.startswith("content-type: application/json") for line in lines), head)
        job = next(line.split(": ")[1] for line in lines if line.startswith("nodekeep-job: "))
        (path,) = json.loads(body)["items"]
        archive = Archive(path)
        self.assertEqual(archive.path.parent, node.checkpoints)
        directory = os.lstat(node.checkpoints)
        self.assertEqual((stat.S_IMODE(directory.st_mode), directory.st_uid), (0o700, 0))
        self.assertTrue(archive.path.name.startswith(f"checkpoint-{container.pod.name}_default-count-"))
        self.assertEqual(archive.container_id(), container.id)
        container.counts_on()
        self.assertGreater(container.count(), before)

        shown = self.bed.command("checkpointctl", "show", path).stdout
        self.assertIn("count", shown)
        self.assertIn("containerd", shown)
        inspected = self.bed.command("checkpointctl", "inspect", path, "--all", "--format", "json").stdout
        self.assertIn(container.id[:12], inspected)

        record = node.record(job)
        self.assertEqual(record["outcome"], "published")
        self.assertEqual(record["archive"], archive.path.name)
        self.assertEqual((record["size"], record["sha256"]), (archive.size, archive.sha256))
        self.assertRegex(record["runtime"], "^containerd")
        for phase in ["dump", "verify", "publish"]:
            self.assertGreater(record["times"][phase], 0, phase)
        self.assertGreater(record["times"]["frozen"], 0)
        self.assertLessEqual(record["times"]["frozen"], record["times"]["dump"])
        asked = record["request"]
        self.assertEqual(asked["container"]["containerID"], container.id)
        self.assertEqual(asked["container"]["podUID"], container.pod.uid)
        self.assertEqual(asked["requester"]["user"], "root")
        checkpoints = node.status()["checkpoints"]
        self.assertEqual((checkpoints["archives"], checkpoints["running"], checkpoints["queued"]), (1, 0, 0))
        self.assertEqual(checkpoints["bytes"], archive.size)
        node.check()

    def test_from_the_command_line(self):
        node, container = self.node(), self.pod().container()
        done = node.cli("create", container.path)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(len(done.stdout.splitlines()), 1, done)
        first = Archive(done.stdout.strip())
        self.assertEqual(first.container_id(), container.id)

        done = node.cli("create", container.path, "--timeout", "30", "-o", "json")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(str(node.checkpoints), json.dumps(json.loads(done.stdout)))

        done = node.cli("create", container.path, "--dry-run")
        self.assertEqual(done.returncode, 0, done)
        self.assertTrue(done.stdout.strip())
        self.assertEqual(len(node.archives()), 2)
        outcomes = [record["outcome"] for record in node.records().values()]
        self.assertEqual(outcomes.count("published"), 2, outcomes)

        done = node.cli("jobs", "-o", "json")
        self.assertEqual((done.returncode, json.loads(done.stdout)["items"]), (0, []), done)
        done = node.cli("create", container.pod.path("nobody"))
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("container nobody does not exist", done.stderr)
        done = node.cli("create", "only/two")
        self.assertEqual(done.returncode, 2, done)
        node.check()

    def test_a_dry_run_touches_nothing(self):
        node, container = self.node(), self.pod().container(command=filling(50))
        answer = node.post(container.path, "dryRun=All")
        self.assertStatus(answer, 200)
        report = json.loads(answer.body)
        self.assertIsInstance(report, dict)
        self.assertEqual((node.archives(), node.records(), node.unfinished()), ([], {}, []))
        self.assertEqual(container.task_status(), "RUNNING")
        container.pause()
        answer = node.post(container.path, "dryRun=All")
        self.assertStatus(answer, 200, 409)
        self.assertIn("paused", answer.body.lower())
        self.assertEqual(container.task_status(), "PAUSED")

    def test_a_running_job_is_listed_and_has_the_callers_name(self):
        node, container = self.node(), self.pod().container(command=filling(300))
        later = node.post_later(container.path, "request=nightly.7")
        job = node.wait_for_phase("dumping")
        item = wait_for(
            lambda: next((item for item in node.jobs() if item["phase"] == "dumping"), None), 10, "the job dumping")
        self.assertEqual(len(node.jobs()), 1)
        self.assertEqual((item["id"], item["phase"], item["request"]), (job, "dumping", "nightly.7"))
        self.assertEqual(
            (item["namespace"], item["pod"], item["container"], item["containerID"]),
            ("default", container.pod.name, "count", container.id))
        self.assertGreater(item["estimateBytes"], 300 << 20)
        shown = node.cli("jobs")
        self.assertEqual(shown.returncode, 0)
        self.assertIn(container.pod.name, shown.stdout)
        self.assertEqual(node.status()["checkpoints"]["running"], 1)
        self.assertStatus(later.get(), 200)
        self.assertEqual(later.get().job, job)
        self.assertEqual(node.record(job)["request"]["requester"]["request"], "nightly.7")
        self.assertIn("nightly.7", node.output())
        self.assertEqual(node.jobs(), [])

    def test_ten_calls_for_one_container_and_calls_for_four_others(self):
        node = self.node()
        pods = [self.pod() for _ in range(5)]
        containers = [pod.container() for pod in pods]
        calls = [containers[0]] * 10 + containers[1:]
        with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
            answers = list(pool.map(lambda container: (container, node.post(container.path)), calls))
        for container, answer in answers:
            self.assertStatus(answer, 200)
            self.assertEqual(Archive(answer.path).container_id(), container.id)
        self.assertEqual(len({answer.path for _, answer in answers}), 14)
        self.assertEqual(len({answer.job for _, answer in answers}), 14)
        self.assertEqual(len(node.check()), 14)
        for container in containers:
            container.counts_on()

    def test_a_caller_who_waits_a_second_for_a_long_dump(self):
        node, container = self.node(), self.pod().container(command=filling(500))
        answer = node.post(container.path, "timeout=1")
        self.assertStatus(answer, 504)
        self.assertTrue(0.9 <= answer.seconds < 10, answer)
        self.assertIn(answer.job, answer.body)
        self.assertEqual(node.archives(), [])
        record = node.record(answer.job, seconds=60)
        self.assertEqual(record["outcome"], "published")
        node.wait_until_idle()
        ((name, archive),) = node.check().items()
        self.assertEqual(name, record["archive"])
        self.assertGreater(archive.size, 500 << 20)
        container.counts_on()
        self.assertEqual(node.cli("create", container.path, "--timeout", "1").returncode, 5)
        node.wait_until_idle()

    def test_init_and_ephemeral_containers_are_found_like_any_other(self):
        node, pod = self.node(), self.pod()
        main, other = pod.container(), pod.container("debugger")
        for container in [main, other]:
            answer = node.post(container.path)
            self.assertStatus(answer, 200)
            self.assertEqual(Archive(answer.path).container_id(), container.id)
        node.check()

    def test_long_names(self):
        node = self.node()
        pod = self.pod(name="p" * 100, namespace="n" * 63)
        container = pod.container("c" * 40)
        answer = node.post(container.path)
        self.assertStatus(answer, 200)
        # The file's name would be longer than a file's name can be.
        longer = self.pod(name="p" * 200, namespace="n" * 63).container()
        answer = node.post(longer.path)
        self.assertStatus(answer, 400, 500)
        self.assertIn("255", answer.body)
        longer.counts_on()
        node.check()
