# SPDX-License-Identifier: Apache-2.0
"""What callers get wrong: a clear answer, and nothing happens to anything."""

import json

import bed
from archives import Archive
from node import Node, NodeTest
from workloads import Pod


class BadInputTest(NodeTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        there = bed.shared()
        cls.one = Node(there)
        cls.addClassCleanup(cls.one.close)
        cls.only_pod = Pod(there)
        cls.addClassCleanup(cls.only_pod.remove)
        cls.container = cls.only_pod.container()

    def assert_untouched(self):
        self.assertEqual((self.one.archives(), self.one.records(), self.one.unfinished()), ([], {}, []))
        self.assertEqual(self.container.task_status(), "RUNNING")

    def test_names_that_cannot_be(self):
        long = "a" * 300
        for path in [
            "default/../count", "../default/pod/count", "default/pod/..", "default/%2e%2e/count",
            "default/pod%2fcount/x",
            "default/pod%00/count", "default%00/pod/count", "default/pod/count%00", f"default/{long}/count",
            f"{long}/pod/count", f"default/pod/{long}", "Default/pod/count", "default/Pod/count", "default/pod/Count",
            "default/pod_1/count", "default/-pod/count", "default/pod/co.unt", "default/p%C3%B6d/count",
            "default/pod%0A/count", "default/%20/count",
        ]:
            with self.subTest(path[:40]):
                answer = self.one.post(path)
                self.assertStatus(answer, 400, 404)
                self.assertIn("text/plain", answer.headers["Content-Type"])
                self.assertTrue(answer.body.strip())
                self.assertLess(len(answer.body), 1000)
                self.assertNotRegex(answer.body.rstrip("\n"), r"[\x00-\x08\x0a-\x1f]")
        self.assert_untouched()

    def test_wrong_numbers_of_segments(self):
        name = self.only_pod.name
        for path in ["", "default", f"default/{name}", f"default/{name}/", f"default//count", f"/{name}/count", "//",
                     f"default/{name}/count/more", f"default/{name}/count/"]:
            with self.subTest(path):
                answer = self.one.post(path)
                self.assertStatus(answer, 404)
        self.assertEqual(self.one.post(f"default/{name}").body.rstrip("\n"), "404: Page Not Found")
        self.assert_untouched()

    def test_nobody_of_that_name(self):
        name = self.only_pod.name
        for path, said in [
            ("default/nobody/count", "pod does not exist"), (f"other/{name}/count", "pod does not exist"),
            (f"default/{name}/nobody", "container nobody does not exist"),
            (f"default/{name}/POD".lower(), "container pod does not exist"),
        ]:
            with self.subTest(path):
                answer = self.one.post(path)
                self.assertStatus(answer, 404)
                self.assertEqual(answer.body.rstrip("\n"), said)
        self.assert_untouched()

    def test_timeouts_that_cannot_be_read(self):
        for query in ["timeout=abc", "timeout=-1", "timeout=-5", "timeout=1.5", "timeout=5s", "timeout=%00",
                      "timeout=99999999999999999999999999", "timeout=9223372036854775808", "timeout=1%202"]:
            with self.subTest(query):
                answer = self.one.post(self.container.path, query)
                self.assertStatus(answer, 400)
                what = "malformed escape" if "%00" in query else "cannot parse value of timeout parameter"
                self.assertIn(what, answer.body)
        self.assert_untouched()

    def test_timeouts_that_can_be_disputed(self):
        # Either is an answer; a 500 or a call without an end is none. One that is read is long enough for a checkpoint.
        for query in ["timeout=", "timeout", "timeout=60&timeout=abc", "timeout=abc&timeout=60",
                      "timeout=50&timeout=60", "timeout=9223372036854775807", "timeout=9223372037", "timeout=+60"]:
            with self.subTest(query):
                answer = self.one.post(self.container.path, query, timeout=90)
                self.assertStatus(answer, 200, 400)
        for query in ["timeout=0", "timeout=00", "", "other=1"]:
            with self.subTest(query):
                self.assertStatus(self.one.post(self.container.path, query, timeout=90), 200)
        self.container.counts_on()
        self.one.check()
        self.forget()

    def forget(self):
        """The class's agent is as at the beginning for the next test."""
        for archive in self.one.archives():
            archive.unlink()
        for job in self.one.records():
            (self.one.private / "records" / f"{job}.json").unlink()

    def test_names_of_requests_and_dry_runs(self):
        for query in ["request=", "request=" + "a" * 65, "request=a%20b", "request=a/b", "request=%00", "request=%0Ax",
                      "dryRun=Some", "dryRun=all"]:
            with self.subTest(query[:20]):
                self.assertStatus(self.one.post(self.container.path, query), 400)
        self.assert_untouched()

    def test_a_body(self):
        for body in [b"{}", b"x" * 100, b"x" * (1 << 20)]:
            with self.subTest(len(body)):
                try:
                    answer = self.one.post(self.container.path, body=body, timeout=20)
                except OSError:
                    continue  # closed on a caller who sends too much
                self.assertStatus(answer, 200, 400, 413)
        answer = self.one.raw(
            b"POST /checkpoint/%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx"
            % self.container.path.encode())
        self.assertNotRegex(answer, rb"^HTTP/1.1 500")
        self.one.wait_until_idle()
        self.container.counts_on()
        self.one.check()
        self.forget()

    def test_other_methods(self):
        for method in ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]:
            with self.subTest(method):
                answer = self.one.post(self.container.path, method=method)
                self.assertStatus(answer, 405)
                if method == "GET":
                    self.assertEqual(answer.body.rstrip("\n"), "405: Method Not Allowed")
        self.assert_untouched()

    def test_bytes_that_are_no_request(self):
        path = self.container.path.encode()
        for data in [
            b"POST /checkpoint/default/p\0d/count HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"POST /checkpoint/default/p\xff\xfe/count HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"POST /checkpoint/" + b"a/" * 50_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"POST /checkpoint/" + path + b"?timeout=" + b"9" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"POST /checkpoint/" + path,
        ]:
            with self.subTest(data[:40]):
                try:
                    answer = self.one.raw(data)
                except BrokenPipeError:
                    answer = b""
                self.assertNotRegex(answer, rb"^HTTP/1.1 [25]\d\d (?!Request|URI)")
        self.assert_untouched()
        self.assertEqual(self.one.get("/livez").status, 200)

    def test_not_on_the_tcp_listener(self):
        connection = self.one.connection()
        self.addCleanup(connection.close)
        connection.request("POST", f"/checkpoint/{self.container.path}")
        self.assertIn(connection.getresponse().status, (403, 404, 405))
        self.assert_untouched()

    def test_turned_off(self):
        node = self.node(config="featureGates: {ContainerCheckpoint: false}\n")
        answer = node.post(self.container.path)
        self.assertStatus(answer, 404)
        self.assertEqual(answer.body, "404 page not found\n")
        self.assertFalse(node.archives())
        done = node.cli("create", self.container.path)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.container.task_status(), "RUNNING")

    def test_the_answer_is_json_that_names_one_file(self):
        answer = self.one.post(self.container.path)
        self.assertStatus(answer, 200)
        self.assertEqual(list(json.loads(answer.body)), ["items"])
        Archive(answer.path)
        self.one.check()
        self.forget()
