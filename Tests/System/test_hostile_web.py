# SPDX-License-Identifier: Apache-2.0
"""A web process in a stranger's hands: what it says wrongly costs it its life, lets nobody in, and the agent goes on.

Every case is the honest conversation of test_the_control with one thing changed.
"""

import os
import struct
import time

import gate
from hostile import TOKEN, Watch
from hostile_case import BEARER, HELLO, MAIN, MIB, MUTE, SECRET, HostileTest, asks, der, say
from pki import Authority, self_signed
from support import wait_for


class HostileWebTest(HostileTest):
    # The control

    def test_the_control(self):
        """The program speaks the gate well: what it passes on is answered, and its clients get the answers."""
        authority = self.stage.authority
        good = der(authority.issue("/CN=prometheus/O=monitoring")[0])
        self.stage.plan(network=[[
            HELLO, asks(), say(
                gate.request(2, **MAIN, path="/metrics", certificates=good),
                gate.request(3, **MAIN, path="/configz", headers=[BEARER]),
                gate.request(4, path="/healthz"),
                gate.request(5, **MAIN, path="/metrics"),
                gate.log(2, "the control says something"),
                gate.used([("/healthz", 0), ("/nothing", 1)]),
                gate.cancelled(77)),
            ["await_answers", 5]]])
        self.stage.replace()
        wait_for(lambda: self.stage.seen() and self.stage.seen()[0].all("serves"), 10, "the program serves")
        answers = self.stage.seen()[0].answers()
        self.assertEqual({number: status for number, (status, _) in answers.items()},
                         {1: 200, 2: 200, 3: 403, 4: 200, 5: 401}, answers)
        self.assertEqual(answers[4][1], "ok")
        self.assertEqual(self.stage.agent.get("/livez").body, b"ok")
        self.assertEqual(self.stage.agent.get("/nothing").status, 404)
        self.assertIn("web: the control says something", self.log())
        # It is not replaced as long as it behaves: three pings.
        time.sleep(6)
        self.assertEqual(self.stage.starts(), 1)
        self.assertEqual(self.stage.agent.get("/livez").body, b"ok")
        # As the socket's.
        self.stage.plan(socket=[[HELLO, say(gate.request(
            1, listener="socket", peer=("unix", 1, 0, 0), path="/configz")), ["await_answers", 1]]])
        self.stage.replace("socket")
        self.assertEqual(self.stage.agent.get("/configz", unix=True).status, 200)
        self.assertEqual(self.stage.seen("socket")[0].answers()[1][0], 200)
        self.stage.replace("socket")

    # Frames

    def test_bytes_that_are_no_frames(self):
        request = gate.request(1, path="/healthz")
        too_long = "a frame of {} bytes is longer than the maximum of 65536"
        cases = {
            "a length of 4 GiB": (say(struct.pack("<I", 0xFFFF_FFFF)), too_long.format(0xFFFF_FFFF)),
            "a length that is negative": (say(struct.pack("<i", -2**31)), too_long.format(2**31)),
            "a byte more than the limit": (say(struct.pack("<I", 65_537)), too_long.format(65_537)),
            "a mebibyte": (say(gate.log(2, "x" * MIB)), too_long.format(MIB + 6)),
            "HTTP": (say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), too_long.format(0x20544547)),
            "garbage": (say(b"\xfe" * 4_096), too_long.format(0xFEFE_FEFE)),
            "no type": (say(struct.pack("<I", 0)), "a frame without a type"),
            "an unknown type": (say(gate.frame(99)), "unknown message type 99"),
            "a type of 0": (say(gate.frame(0)), "unknown message type 0"),
            "a frame, then its end": (say(request[:20]), "it closed the gate"),
            "half a length, then its end": (say(b"\x05\0"), "it closed the gate"),
        }
        for number in gate.AGENT_MESSAGES:
            cases[f"the agent's own {gate.AGENT_MESSAGES[number]}"] = (
                say(gate.frame(number, bytes(64))), f"unknown message type {number}")
        ends = {"a frame, then its end", "half a length, then its end"}
        self.assertDropped({
            name: ([HELLO, MUTE, step, ["exit"]] if name in ends else [HELLO, step], words)
            for name, (step, words) in cases.items()})

    def test_frames_whose_fields_are_wrong(self):
        def part(data, offset, new):
            return data[:offset] + new + data[offset + len(new):]

        request = gate.request(1, path="/healthz", query="q", headers=[("host", "a")])
        # Type and four bytes of length, id, connection, listener, peer.
        cases = {
            "a hello of two bytes": (gate.frame(gate.READY, b"ab"), "the frame ends within process id"),
            "a hello of a byte too many": (gate.frame(gate.READY, b"abcde"), "1 bytes after the last field"),
            "an empty request": (gate.frame(gate.REQUEST), "the frame ends within id"),
            "a request cut short": (gate.frame(gate.REQUEST, request[5:-1]), "the frame ends within client certificates"),
            "a request with more": (gate.frame(gate.REQUEST, request[5:] + b"x"), "1 bytes after the last field"),
            "listener 9": (gate.request(1, listener=9), "listener cannot be 9"),
            "listener 0": (gate.request(1, listener=0), "listener cannot be 0"),
            "peer 7": (part(request, 22, b"\x07"), "peer cannot be 7"),
            "an address of 4 GiB": (part(request, 23, b"\xff\xff\xff\xff"), "the frame ends within address"),
            "4 Gi headers": (
                request.replace(gate.items([gate.text("host") + gate.text("a")]), b"\xff\xff\xff\xff" + bytes(13)),
                "the frame ends within headers"),
            "4 Gi certificates": (request[:-4] + b"\xff\xff\xff\xff", "the frame ends within client certificates"),
            "a path that is not UTF-8": (gate.request(1, path=b"/\xff\xfe"), "path is not UTF-8"),
            "a header that is not UTF-8": (
                gate.request(1, headers=[("user-agent", b"\xc0\x80")]), "header value is not UTF-8"),
            "level 0": (gate.log(0, "x"), "level cannot be 0"),
            "a line that is not UTF-8": (gate.log(2, b"\xf0\x28\x8c\x28"), "line is not UTF-8"),
            "4 Gi pages": (gate.frame(gate.USED, b"\xff\xff\xff\xff"), "the frame ends within pages"),
            "a flag of 2": (gate.used([("/", 2)]), "gzip cannot be 2"),
            "an answer to a ping that was never sent": (
                gate.pong(1 << 62), "it answered a ping that was never sent"),
            "counters cut short": (
                gate.frame(gate.PONG, gate.pong(0)[5:-1]), "the frame ends within last denied system call"),
        }
        self.assertDropped({name: ([HELLO, say(data)], words) for name, (data, words) in cases.items()})

    def test_messages_in_another_order(self):
        """Nothing depends on the order: each message is judged by itself."""
        seen = self.play({
            "a request before the hello": [
                say(gate.request(1, path="/healthz"), gate.request(2, **MAIN, path="/metrics")), ["await_answers", 2],
                HELLO, ["exit"]],
            "many hellos": [HELLO] * 500 + [["exit"]],
            "leaves before it has read anything": [["exit"]],
        })
        answers = seen["a request before the hello"].answers()
        self.assertEqual({number: status for number, (status, _) in answers.items()}, {1: 200, 2: 401})

    # Lies

    def test_requests_that_no_honest_web_process_passes_on(self):
        """What an honest one refuses before it comes to the gate."""
        bad = "invalid request: "
        value = bad + "{} has a byte that it cannot have"
        cases = {
            "the socket's root, from the network": (
                asks(listener="socket", peer=("unix", 1, 0, 0)),
                "it passes on a request from a listener that it does not have"),
            "root at the local listener": (
                asks(listener="local", peer=("unix", 1, 0, 0)), bad + "the peer does not fit the listener"),
            "root at the main listener": (asks(peer=("unix", 1, 0, 0)), bad + "the peer does not fit the listener"),
            "the socket over TCP": (asks(listener="socket"), bad + "the peer does not fit the listener"),
            "no address": (asks(peer=("tcp", "", 1)), bad + "the peer's address"),
            "an address with a line's end": (asks(peer=("tcp", "1.1.1.1\n", 1)), bad + "the peer's address"),
            "an address with NUL": (asks(peer=("tcp", "127.0.0.1\0x", 1)), bad + "the peer's address"),
            "an address of a book": (asks(peer=("tcp", "1" * 65, 1)), bad + "the peer's address"),
            "no method": (asks(method=""), bad + "the method is not a token"),
            "a method with a blank": (asks(method="GET /"), bad + "the method is not a token"),
            "a method with a line's end": (asks(method="GET\r\n"), bad + "the method is not a token"),
            "a method with NUL": (asks(method="GET\0"), bad + "the method is not a token"),
            "a long method": (asks(method="G" * 33), bad + "the method is not a token"),
            "no path": (asks(path=""), bad + "the path does not begin with a slash"),
            "a path of another host": (asks(path="http://a/"), bad + "the path does not begin with a slash"),
            "a path with NUL": (asks(path="/metrics\0"), value.format("path")),
            "a path with a line's end": (asks(path="/metrics\r\nX: y"), value.format("path")),
            "a path with a query": (asks(path="/metrics?x"), bad + "the path has a query"),
            "a path of 33 KB": (asks(path="/" + "a" * 33_000), bad + "path is too long"),
            "a query with a blank": (asks(query="a b"), value.format("query")),
            "a header that is not passed": (
                asks(headers=[("x-remote-user", "root")]), bad + "a header that is not passed"),
            "a header in capitals": (asks(headers=[("Authorization", BEARER[1])]), bad + "a header that is not passed"),
            "two authorizations": (
                asks(headers=[("authorization", f"Bearer {SECRET}"), BEARER]), bad + "authorization is repeated"),
            "an authorization with NUL": (
                asks(headers=[("authorization", f"Bearer {SECRET}\0")]), value.format("authorization")),
            "an authorization with a line's end": (
                asks(headers=[("authorization", f"Bearer {SECRET}\r\nX: y")]), value.format("authorization")),
            "an authorization of 9 KB": (
                asks(headers=[("authorization", "Bearer " + SECRET * 500)]), bad + "authorization is too long"),
            "an authorization of 1 MiB": (asks(headers=[("authorization", "Bearer " + "x" * MIB)]), None),
            "a chain of 1 MiB": (asks(headers=[], certificates=[b"\x30" * MIB]), None),
            "a certificate without TLS": (
                asks(listener="local", certificates=[b"\x30\x00"]), bad + "a certificate where there is no TLS"),
            "an empty certificate": (
                asks(certificates=[b""]), bad + "the certificate chain is too long or has an empty certificate"),
            "nine certificates": (
                asks(certificates=[b"\x30\x00"] * 9),
                bad + "the certificate chain is too long or has an empty certificate"),
            "a chain of 40 KB": (
                asks(certificates=[b"\x30" * 20_000] * 2),
                bad + "the certificate chain is too long or has an empty certificate"),
            "an id of 0": (
                say(gate.request(0, path="/healthz")), "it uses the number of a request again"),
        }
        for name, (step, words) in cases.items():
            if words is None:
                (length,) = struct.unpack_from("<I", bytes.fromhex(step[1]))
                cases[name] = (step, f"a frame of {length} bytes is longer than the maximum of 65536")
        self.assertDropped({name: ([HELLO, step], words) for name, (step, words) in cases.items()})

    def test_credentials_that_are_none(self):
        """Well-formed, and worth nothing: answered as anybody's bad credentials are, and nobody gets in."""
        authority, others = self.stage.authority, Authority(self.stage.directory, "others")
        admin = "/O=system:masters/CN=root"
        chains = {
            "not DER": [b"not a certificate"], "an empty sequence": [b"\x30\x00"],
            "an endless sequence": [b"\x30\x80" + b"\x30\x80" * 10_000],
            "a length of 4 GiB": [b"\x30\x84\xff\xff\xff\xff" + bytes(64)],
            "a deep one": [b"\x30\x82\x7f\x00" * 7_000], "NUL bytes": [bytes(32_768)],
            "of another authority": der(others.issue(admin)[0]),
            "self-signed": der(self_signed(self.stage.directory, admin)[0]),
            "the authority itself": der(authority.certificate),
            "for servers": der(authority.issue(admin, usage="serverAuth")[0]),
            "expired": der(authority.issue(admin.replace("/O=system:masters", ""), ends="20210101000000Z")[0]),
            "a name of the socket": der(authority.issue("/CN=uid:0")[0]),
            "a group of the socket": der(authority.issue("/CN=x/O=gid:0")[0]),
        }
        good = der(authority.issue(admin)[0])[0]
        for name, certificate in {
            "cut": good[:-1], "with a byte more": good + b"x", "another signature": good[:-1] + bytes([good[-1] ^ 1]),
            "another name": good.replace(b"root", b"toor"), "twice, the second cut": None,
        }.items():
            chains[name] = [certificate] if certificate else [good[:-1], good]
        tokens = ["Bearer", "Bearer ", f"Bearer {SECRET}", f"Bearer  {TOKEN}", f"Bearer\t{TOKEN}",
                  f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer nkt_bcdfghjklmnp_" + "0" * 64,
                  "Bearer " + "x" * 8_000, f"Bearer {TOKEN},Bearer {TOKEN}", "Bearer é", f"{TOKEN}"]
        frames, names = [], {}
        for chain_name, chain in chains.items():
            number = len(names) + 1
            names[number] = chain_name
            frames.append(gate.request(number, **MAIN, path="/metrics", certificates=chain))
        for token in tokens:
            number = len(names) + 1
            names[number] = token[:60]
            frames.append(gate.request(number, **MAIN, path="/metrics", headers=[("authorization", token)]))
        # Somebody, but nobody who may: such a name gives no right by itself.
        named = len(names) + 1
        frames.append(gate.request(named, **MAIN, path="/metrics", certificates=[good]))
        frames.append(gate.request(
            named + 1, **MAIN, method="POST", path="/checkpoint/kube-system/p/c", certificates=[good]))
        frames.append(gate.request(named + 2, **MAIN, path="/metrics", headers=[BEARER]))
        seen = self.play({"all": [HELLO, say(*frames), ["await_answers", named + 2], ["exit"]]}, seconds=20)["all"]
        answers = {number: status for number, (status, _) in seen.answers().items()}
        self.assertEqual({names[number]: answers.get(number) for number in names}, dict.fromkeys(names.values(), 401))
        self.assertEqual([answers[named], answers[named + 1], answers[named + 2]], [403, 403, 200])
        self.assertEqual(self.line_about(seen.pid).count("it closed the gate"), 1)

    def test_absurd_methods_and_paths(self):
        paths = ["//", "/.", "/..", "/../..", "/%2e%2e/%2e%2e/etc/passwd", "/%00", "/metrics%00", "/%", "/%zz", "/metrics/",
                 "/" + "a" * 32_000, "/" + "/" * 32_000, "/" + "%41" * 10_000, "/%ff%fe", "/metrics%2f", "/%6detrics%20",
                 "/checkpoint/a/b/c/d", "/checkpoint////", "/\\..\\", "/~", "/metrics;x", "/status/../configz"]
        methods = ["get", "CONNECT", "TRACE", "OPTIONS", "PRI", "!#$%&'*+-.^_`|~", "G" * 32, "PUT", "DELETE"]
        frames, expected = [], []
        for path in paths:
            frames.append(gate.request(len(frames) + 1, path=path))
            expected.append((path[:40], (400, 404)))
        for method in methods:
            frames.append(gate.request(len(frames) + 1, method=method, path="/healthz"))
            expected.append((method, (405,)))
        for method in methods:
            # What is no verb of Kubernetes counts as get, and is not served.
            frames.append(gate.request(len(frames) + 1, **MAIN, method=method, path="/metrics", headers=[BEARER]))
            expected.append((method + " by bob", (403,) if method in ("PUT", "DELETE") else (405,)))
        for query in ["&" * 30_000, "%00", "%", "exclude=" + "a" * 30_000, "verbose&verbose=%0a"]:
            frames.append(gate.request(len(frames) + 1, path="/healthz", query=query))
            expected.append(("?" + query[:20], (200, 400)))
        # Each by itself: some are nearly as long as a frame may be.
        steps = [HELLO, *[say(frame) for frame in frames], ["await_answers", len(frames)], ["exit"]]
        answers = self.play({"all": steps}, seconds=20)["all"].answers()
        self.assertEqual(len(answers), len(frames))
        for number, (name, statuses) in enumerate(expected, 1):
            self.assertIn(answers[number][0], statuses, name)

    def test_the_number_of_a_request_is_used_once(self):
        """Verdicts come back by number. Whoever could use one twice could have what another was allowed."""
        monitor = der(self.stage.authority.issue("/CN=prometheus/O=monitoring")[0])
        stranger = [b"not a certificate", monitor[0]]
        allowed = gate.request(7, **MAIN, path="/metrics", certificates=monitor)
        wanted = gate.request(
            7, **MAIN, method="POST", path="/checkpoint/kube-system/p/c", certificates=stranger)
        words = "it uses the number of a request again"
        seen = self.assertDroppedOrRefused({
            "while the first is looked at": [HELLO, say(allowed, wanted)],
            "after a cancellation": [HELLO, say(allowed, gate.cancelled(7), wanted)],
            "a smaller one": [HELLO, say(gate.request(8, **MAIN, path="/metrics", certificates=monitor), wanted)],
            "the largest, and around": [HELLO, say(
                gate.request(2**64 - 1, **MAIN, path="/metrics", certificates=monitor),
                gate.request(0, **MAIN, path="/metrics", certificates=monitor))],
            "the first twice, answered at once": [HELLO, say(gate.request(1)), ["await_answers", 1], say(gate.request(1))],
        }, words)
        self.assertNotIn("allowed by", self.log())
        self.assertEqual(len(seen), 5)

    def assertDroppedOrRefused(self, cases, words):
        seen = self.play(cases)
        for name in cases:
            with self.subTest(name):
                self.assertIn(f": {words}; starting another", self.line_about(seen[name].pid))
                for status, body in seen[name].answers().values():
                    self.assertIn(body if status == 200 else status, ("ok", 401), body)
        return seen

    def test_what_is_not_there_is_let_go(self):
        """Cancelled and used without ever having been; descriptors along with a frame; a listener that it closes."""
        before = self.stage.usage()[1]
        nothing = [gate.cancelled(number) for number in (0, 1, 2**63, 2**64 - 1)]
        pages = gate.used([(f"/{index}", 1) for index in range(4_000)])
        seen = self.play({
            "cancelled and used": [HELLO, say(*nothing, pages), asks(), ["await_answers", 1], ["exit"]],
            "descriptors": [HELLO, *[["rights", gate.log(1, "x").hex(), 200]] * 50, asks(), ["await_answers", 1],
                            ["exit"]],
            "a listener closed": [HELLO, asks(), ["await_answers", 1], ["close_listener", "local"], ["exit"]],
        })
        for name, one in seen.items():
            self.assertEqual(one.answers()[1][0], 200, name)
        self.assertLessEqual(abs(self.stage.usage()[1] - before), 3)

    def test_the_socket_has_a_process_of_its_own(self):
        seen = self.assertDropped({
            "a request of the main listener": (
                [HELLO, asks()], "it passes on a request from a listener that it does not have"),
            "a request of the local listener": (
                [HELLO, say(gate.request(1))], "it passes on a request from a listener that it does not have"),
            "a peer over TCP": (
                [HELLO, asks(listener="socket")], "invalid request: the peer does not fit the listener"),
            "a certificate": (
                [HELLO, asks(listener="socket", peer=("unix", 1, 0, 0), certificates=[b"x"])],
                "invalid request: a certificate where there is no TLS"),
            "garbage": ([HELLO, say(b"\xff" * 100)], "a frame of 4294967295 bytes is longer than the maximum of 65536"),
        }, slot="socket")
        self.assertEqual(len(seen), 5)
        # The true one, and the network's has not been touched.
        self.assertEqual(self.stage.agent.get("/configz", unix=True).status, 200)
        self.assertTrue(self.stage.is_real())

    # Silence

    def test_one_that_says_nothing(self):
        for name, steps, words in [
            ("hangs in its start", [["hang"]], "it has given no sign of life for 5.0 seconds"),
            ("hangs after it", [HELLO, ["hang"]], "it has given no sign of life for 5.0 seconds"),
            ("answers no ping", [HELLO, ["mute"], ["serve"]], "it has given no sign of life for 5.0 seconds"),
            ("has closed its half", [HELLO, ["half_close"], ["hang"]], "it closed the gate"),
        ]:
            with self.subTest(name):
                self.log_begins = len(self.stage.agent.output())
                begin = time.monotonic()
                seen = self.play({name: steps}, seconds=12)
                self.assertIn(words, self.line_about(seen[name].pid))
                self.assertLess(time.monotonic() - begin, 12)

    def test_one_that_ends_at_once_is_not_started_all_the_time(self):
        self.stage.agent.get("/livez", unix=True)
        self.stage.plan(network=[[["exit", 7]]])
        self.stage.replace()
        with Watch(self.stage) as watch:
            begin = time.monotonic()
            wait_for(lambda: self.stage.starts() >= 1, 5, "a first start")
            first = self.stage.starts()
            time.sleep(6)
            starts, took = self.stage.starts() - first, time.monotonic() - begin
        print(f"  {starts} starts in {took:.1f} s", flush=True)
        self.assertLessEqual(starts, took / 0.5 + 1)
        self.assertGreaterEqual(starts, 3)
        lines = [line for line in self.log().splitlines() if "exited with status 7: it closed the gate" in line]
        self.assertLessEqual(abs(len(lines) - self.stage.starts()), 1)
        self.assertLess(watch.processor, 2)
        self.assertQuiet(watch)

    def test_a_listener_that_it_shuts_is_opened_again(self):
        """shutdown(2) on a listening socket works on the agent's own too."""
        for slot, kinds in [("network", ["local", "main"]), ("socket", ["socket"])]:
            for kind in kinds:
                with self.subTest(kind):
                    self.play({kind: [HELLO, ["shut_listener", kind], ["exit"]]}, slot)
        self.assertEqual(self.stage.agent.get("/configz", unix=True).status, 200)
        self.assertEqual(os.stat(self.stage.agent.socket).st_mode & 0o7777, 0o660)
