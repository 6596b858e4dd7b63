# SPDX-License-Identifier: Apache-2.0
"""Starting, stopping, re-reading, and what happens when a part of the agent dies."""

import concurrent.futures
import ctypes
import os
import pathlib
import pwd
import shutil
import signal
import socket
import tempfile
import threading
import time

from support import BUILD, NODEKEEP, Agent, AgentTest, nodekeep, thread_files, wait_for


PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17


def has_ended(pid):
    """Gone, or a zombie that waits for whoever adopted it."""
    try:
        return "State:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


class StoppedThread:
    """Holds one thread of another process still, as a bug would; all the others go on."""

    def __init__(self, thread):
        self.thread = thread
        self.ptrace = ctypes.CDLL(None, use_errno=True).ptrace
        self.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self.ptrace.restype = ctypes.c_long

    def __enter__(self):
        for request in [PTRACE_SEIZE, PTRACE_INTERRUPT]:
            if self.ptrace(request, self.thread, None, None) != 0:
                raise OSError(ctypes.get_errno(), "ptrace")
        os.waitpid(self.thread, 0x40000000)  # __WALL
        return self

    def __exit__(self, *_):
        self.ptrace(PTRACE_DETACH, self.thread, None, None)


class LifecycleTest(AgentTest):
    def test_sigterm_ends_it_with_0_within_two_seconds(self):
        for number in [signal.SIGTERM, signal.SIGINT]:
            agent = self.agent()
            idle = agent.connection()
            idle.connect()
            started = time.monotonic()
            agent.signal(number)
            self.assertEqual(agent.process.wait(5), 0)
            self.assertLess(time.monotonic() - started, 2)
            self.assertFalse(agent.socket.exists())

    def test_answers_under_way_are_finished(self):
        agent = self.agent()
        stop = threading.Event()

        def ask():
            answered = 0
            connection = agent.connection()
            while not stop.is_set():
                try:
                    connection.request("GET", "/metrics")
                    response = connection.getresponse()
                except (ConnectionError, OSError):
                    break  # refused or closed between two answers: nothing was under way
                body = response.read()
                self.assertEqual(len(body), int(response.headers["Content-Length"]))
                answered += 1
            return answered

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            clients = [pool.submit(ask) for _ in range(8)]
            time.sleep(0.5)
            agent.signal(signal.SIGTERM)
            self.assertEqual(agent.process.wait(5), 0)
            stop.set()
            self.assertTrue(all(client.result() > 0 for client in clients))

    def test_a_dead_web_process_is_back_within_a_second_and_nobody_is_refused(self):
        agent = self.agent()
        agent_pid = agent.agent_pid()
        took = {}
        for number in [signal.SIGKILL, signal.SIGSEGV, signal.SIGILL, signal.SIGTRAP]:
            time.sleep(0.2)
            before = wait_for(agent.web_pid, 10, "a web process")
            killed = time.monotonic()
            os.kill(before, number)
            refused = 0
            while True:
                try:
                    connection = agent.connection(timeout=2)
                    connection.request("GET", "/livez")
                    if connection.getresponse().read() == b"ok" and agent.web_pid() not in (None, before):
                        break
                except ConnectionRefusedError:
                    refused += 1
                except OSError:
                    pass  # a connection to the process that was killed
                self.assertLess(time.monotonic() - killed, 3)
            took[number.name] = time.monotonic() - killed
            self.assertLess(took[number.name], 3, number.name)
            self.assertEqual(refused, 0)
        # Whatever else the machine has to do.
        self.assertLess(min(took.values()), 1.0, took)
        self.assertEqual(agent.agent_pid(), agent_pid)
        self.assertEqual(agent.process.poll(), None)
        self.assertIn("starting another, the listeners stay open", agent.output())

    def test_an_agent_that_is_killed_leaves_nothing_in_the_way_of_the_next(self):
        agent = self.agent()
        for _ in range(3):
            web = agent.web_pid()
            os.kill(agent.agent_pid(), signal.SIGKILL)
            agent.process.wait()
            wait_for(lambda: has_ended(web), 5, "the end of the web process")
            self.assertTrue(agent.socket.exists())
            agent.start()
            agent.wait_until_ready()
            self.assertEqual(agent.get("/livez", unix=True).body, b"ok")

    def test_a_hung_web_process_is_replaced(self):
        agent = self.agent()
        before = agent.web_pid()
        os.kill(before, signal.SIGSTOP)
        wait_for(lambda: agent.web_pid() not in (None, before), 9, "another web process")
        self.assertEqual(agent.get("/livez").body, b"ok")

    def test_a_web_process_that_cannot_start_is_tried_again_without_a_storm(self):
        with tempfile.TemporaryDirectory() as directory:
            shutil.copy(NODEKEEP, directory)
            web = pathlib.Path(directory) / "nodekeep-web"
            web.write_text("#!/bin/sh\necho started >> " + directory + "/starts\nexit 3\n")
            web.chmod(0o755)
            agent = self.agent(build=directory, wait=False)
            starts = pathlib.Path(directory) / "starts"
            wait_for(starts.exists, 5, "a first start")
            time.sleep(2)
            self.assertLess(len(starts.read_text().split()), 8)
            self.assertIn("exited with status 3", agent.output())
            # The same file mended is taken at the next try; another one would belong to another version of the agent.
            shutil.copy(BUILD / "nodekeep-web", web)
            agent.wait_until_ready()

    def test_a_web_process_is_of_the_version_of_its_agent(self):
        """Upgrades put another file in its place before they restart the agent."""
        with tempfile.TemporaryDirectory() as directory:
            for name in ["nodekeep", "nodekeep-web"]:
                shutil.copy(BUILD / name, directory)
            agent = self.agent(build=directory)
            newer = pathlib.Path(directory) / "new"
            newer.write_text("#!/bin/sh\nexit 3\n")
            newer.chmod(0o755)
            newer.rename(pathlib.Path(directory) / "nodekeep-web")
            before = agent.web_pid()
            os.kill(before, signal.SIGKILL)
            after = wait_for(lambda: agent.web_pid() not in (None, before) and agent.web_pid(), 10, "another web process")
            agent.wait_until_ready()
            self.assertEqual(pathlib.Path(f"/proc/{after}/comm").read_text(), "nodekeep-web\n")
            self.assertEqual(os.readlink(f"/proc/{after}/exe"), f"{directory}/nodekeep-web (deleted)")

    def test_sighup_reads_the_configuration_again(self):
        agent = self.agent("maxPods: 50\n")
        self.assertEqual(agent.json("/node")["status"]["capacity"]["pods"], "50")
        agent.config.write_text("maxPods: 60\nnodeLabels: {a: b}\n")
        agent.signal(signal.SIGHUP)
        wait_for(lambda: agent.json("/node")["status"]["capacity"]["pods"] == "60", 10, "the new value")
        self.assertEqual(agent.json("/node")["metadata"]["labels"]["a"], "b")
        agent.config.write_text("maxPods: many\n")
        agent.signal(signal.SIGHUP)
        wait_for(lambda: "the old one stays" in agent.output(), 10, "the refusal")
        self.assertIn("maxPods", agent.output())
        self.assertEqual(agent.json("/node")["status"]["capacity"]["pods"], "60")

    def test_the_service_manager_hears_everything(self):
        with tempfile.TemporaryDirectory() as directory:
            path = directory + "/notify"
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
                notify.bind(path)
                notify.settimeout(5)
                agent = self.agent(environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1000000"})
                messages = [notify.recv(4096).decode()]
                self.assertTrue(messages[0].startswith("READY=1\nSTATUS="), messages)
                started = time.monotonic()
                while sum("WATCHDOG=1" in message for message in messages) < 3:
                    messages.append(notify.recv(4096).decode())
                self.assertLess(time.monotonic() - started, 2.5)
                agent.signal(signal.SIGHUP)
                self.hear(notify, "RELOADING=1\nMONOTONIC_USEC=")
                self.hear(notify, "READY=1")
                agent.signal(signal.SIGTERM)
                self.hear(notify, "STOPPING=1")
                agent.process.wait(5)

    def test_a_stuck_loop_fails_liveness_and_stops_the_signs_of_life(self):
        for loop in ["gate", "collector"]:
            with self.subTest(loop), tempfile.TemporaryDirectory() as directory:
                path = directory + "/notify"
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
                    notify.bind(path)
                    notify.settimeout(3)
                    agent = self.agent(environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1000000"})
                    with StoppedThread(self.thread(agent, loop)):
                        # Within its limit of ten seconds nothing is said to be wrong.
                        self.hear(notify, "WATCHDOG=1")
                        # Read all the while: the socket holds ten messages, and the agent waits for room.
                        stopped = time.monotonic()
                        while time.monotonic() < stopped + 11:
                            self.drain(notify)
                            time.sleep(0.1)
                        notify.settimeout(2)
                        self.assertRaises(TimeoutError, self.hear, notify, "WATCHDOG=1")
                        answer = agent.get("/livez", timeout=8)
                        if loop == "collector":
                            self.assertEqual(answer.status, 500)
                            self.assertIn(b"[-]collector failed: reason withheld\n", answer.body)
                            # What was last known is still served, at once.
                            self.assertEqual(agent.get("/node", timeout=1).status, 200)
                        else:
                            # Web does not vouch for an agent that does not answer.
                            self.assertEqual(answer.status, 503)
                    notify.settimeout(3)
                    self.hear(notify, "WATCHDOG=1")
                    self.assertIn(f"the loop {loop} has not gone round for 10s", agent.output())
                    wait_for(lambda: self.lives(agent), 10, "liveness")

    @staticmethod
    def lives(agent):
        try:
            return agent.get("/livez").status == 200
        except OSError:
            return False

    @staticmethod
    def thread(agent, name):
        for thread, found in thread_files(agent.agent_pid(), "comm").items():
            if found.strip() == name:
                return thread
        raise AssertionError(f"no thread {name}")

    @staticmethod
    def drain(notify):
        notify.setblocking(False)
        try:
            while True:
                notify.recv(4096)
        except BlockingIOError:
            pass

    @staticmethod
    def hear(notify, start):
        while True:
            message = notify.recv(4096).decode()
            if message.startswith(start):
                return message

    def test_a_second_agent_is_told_of_the_first(self):
        agent = self.agent()
        second = nodekeep(
            "serve", "--run-dir", str(agent.run_directory), "--state-dir", str(agent.state_directory), "--local-port", "0")
        self.assertEqual(second.returncode, 1)
        self.assertIn("another nodekeep runs with", second.stderr)
        self.assertEqual(agent.get("/livez").status, 200)

    def test_a_port_in_use_and_a_directory_that_cannot_be_written_to(self):
        with tempfile.TemporaryDirectory() as directory, socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            base = ["serve", "--run-dir", directory + "/run", "--state-dir", directory + "/state"]
            result = nodekeep(*base, "--local-port", port)
            self.assertEqual(result.returncode, 1)
            self.assertIn(f"listen on 127.0.0.1:{port}: Address already in use", result.stderr)
            self.assertIn("--local-port", result.stderr)
            pathlib.Path(directory + "/file").write_text("")
            result = nodekeep("serve", "--run-dir", directory + "/file", "--state-dir", directory + "/state")
            self.assertEqual(result.returncode, 1)
            self.assertIn("--run-dir", result.stderr)
            os.chmod(directory, 0o755)
            result = nodekeep(
                "serve", "--run-dir", directory + "/run2", "--state-dir", directory + "/state2", user="nobody")
            self.assertEqual(result.returncode, 1)
            self.assertIn("Permission denied; set runDir or --run-dir", result.stderr)

    def test_malformed_configuration_ends_with_2_and_a_line_for_every_error(self):
        with tempfile.TemporaryDirectory() as directory:
            path = directory + "/bad.yaml"
            pathlib.Path(path).write_text(
                "maxPods: many\nevictionHard: {memory.available: 12x, nodefs.available: 120%}\nlocalPort: 70000\n"
                "evictionPressureTransitionPeriod: soon\n")
            for command in [["serve"], ["config", "check"], ["config", "show"]]:
                result = nodekeep(
                    *command, "--config", path, "--run-dir", directory + "/run", "--node-ip", "300.1.1.1")
                self.assertEqual(result.returncode, 2, result.stderr)
                for field in ["maxPods", "memory.available", "nodefs.available", "localPort",
                              "evictionPressureTransitionPeriod", "--node-ip"]:
                    self.assertEqual(sum(field in line for line in result.stderr.splitlines()), 1, (field, result.stderr))
            self.assertFalse(os.path.exists(directory + "/run"))
            missing = nodekeep("serve", "--config", directory + "/missing.yaml")
            self.assertEqual(missing.returncode, 2)
            self.assertIn("No such file", missing.stderr)

    def test_config_show_gives_what_it_was_given_back(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "a.yaml"
            path.write_text("maxPods: 77\nevictionHard: {memory.available: 1Gi}\n")
            shown = nodekeep("config", "show", "--config", str(path))
            self.assertEqual(shown.returncode, 0, shown.stderr)
            (pathlib.Path(directory) / "b.yaml").write_text(shown.stdout)
            again = nodekeep("config", "show", "--config", directory + "/b.yaml")
            self.assertEqual(again.stdout, shown.stdout)
            self.assertIn("maxPods: 77", shown.stdout)

    def test_an_ordinary_user_sees_what_that_user_may_see(self):
        user = pwd.getpwnam("nobody")
        agent = self.agent(user=user.pw_uid)
        node = agent.json("/node")
        self.assertEqual(node["metadata"]["name"], socket.gethostname().lower())
        self.assertEqual(agent.condition("Ready")["status"], "True")
        self.assertEqual(os.stat(agent.socket).st_uid, user.pw_uid)
        status = dict(
            line.split(":\t", 1)
            for line in pathlib.Path(f"/proc/{agent.web_pid()}/status").read_text().splitlines())
        self.assertEqual(status["Seccomp"], "2")
