# SPDX-License-Identifier: Apache-2.0
"""What is said of a configuration before it is used, and what is still done after one that cannot be."""

import json
import os
import pathlib
import tempfile

from pki import Authority
from support import AgentTest, forgotten_job, nodekeep, wait_for

POLICY = "apiVersion: nodekeep/v1\nkind: Policy\nrules: []\n"
JOB = "20261121t061233-00000001"


class CheckTest(AgentTest):
    """`config check` says what `serve` would end with."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.policy = self.directory / "policy.yaml"
        self.policy.write_text(POLICY)
        self.authority = Authority(self.directory)

    def check(self, text, *words):
        file = self.directory / "nodekeep.yaml"
        file.write_text(text)
        return nodekeep("config", "check", "--config", str(file), *words)

    def text(self, authority=None, policy=None, more=""):
        return (f"authentication: {{x509: {{clientCAFile: {authority or self.authority.certificate}}}}}\n"
                f"authorization: {{mode: Policy, policyFile: {policy or self.policy}}}\n{more}")

    def assertRefused(self, text, *words):
        done = self.check(text)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertNotIn("good", done.stdout)
        for word in words:
            self.assertIn(word, done.stderr)
        # It is right: the agent does not start with it. That these files are another machine's can be said.
        run = self.directory / "run"
        served = nodekeep("serve", "--config", str(self.directory / "nodekeep.yaml"), "--run-dir", str(run),
                          "--state-dir", str(self.directory / "state"), "--local-port", "0")
        self.assertEqual(served.returncode, 1, served.stderr)
        self.assertEqual(self.check(text, "--without-files").returncode, 0)

    def test_files_that_are_in_order(self):
        done = self.check(self.text())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("the configuration is good", done.stdout)

    def test_a_missing_authority(self):
        self.assertRefused(self.text(authority="/nonexistent/ca.crt"), "/nonexistent/ca.crt", "No such file")

    def test_a_missing_and_a_broken_policy(self):
        self.assertRefused(self.text(policy="/nonexistent/policy.yaml"), "/nonexistent/policy.yaml")
        self.policy.write_text("rules: many\n")
        self.assertRefused(self.text(), str(self.policy))

    def test_tokens_that_others_can_read(self):
        tokens = self.directory / "tokens"
        tokens.write_text("")
        os.chmod(tokens, 0o644)
        self.assertRefused(f"authentication: {{tokenFile: {tokens}}}\nauthorization: {{policyFile: {self.policy}}}\n",
                           str(tokens))

    def test_a_serving_certificate_of_another_key(self):
        (certificate, _), (_, key) = (self.authority.issue("/CN=a", "serverAuth") for _ in range(2))
        self.assertRefused(self.text(more=f"tlsCertFile: {certificate}\ntlsPrivateKeyFile: {key}\n"), str(certificate))

    def test_a_missing_kubeconfig(self):
        missing = "kubeconfig: /nonexistent/kubeconfig\n"
        self.assertRefused(f"cluster: {{role: companion}}\n{missing}", "/nonexistent/kubeconfig")
        self.assertRefused(self.text(more=missing).replace("Policy", "Webhook"), "/nonexistent/kubeconfig")

    def test_checkpoints_where_something_else_is_taken_away(self):
        places = ["--state-dir", "/srv/state", "--run-dir", "/srv/run"]
        for directory in ["/srv/state", "/srv/state/checkpoints", "/srv/run/a", "/dev/shm/checkpoints", "/proc/1"]:
            with self.subTest(directory):
                done = self.check(f"checkpointDirectory: {directory}\n", *places)
                self.assertEqual(done.returncode, 2)
                self.assertIn(f'"{directory}"', done.stderr)
        self.assertEqual(self.check("checkpointDirectory: /srv/state2\n", *places).returncode, 0)


class SpoiledTest(AgentTest):
    def test_what_was_left_is_recovered_all_the_same(self):
        """By the directory that the agent worked in last."""
        checkpoints = pathlib.Path(tempfile.mkdtemp(prefix="nodekeep-test-"))
        self.addCleanup(os.system, f"rm -rf {checkpoints}")
        agent = self.agent(config=f"checkpointDirectory: {checkpoints}\n")
        work = checkpoints / ".nodekeep"
        wait_for(lambda: (agent.state_directory / "checkpoint-directory").exists(), 10, "the directory is noted")
        agent.process.kill()
        agent.process.wait()
        (work / JOB).mkdir(mode=0o700)
        (work / JOB / "request.json").write_text(forgotten_job(JOB, "unix:///nonexistent.sock"))
        os.chmod(work / JOB / "request.json", 0o600)
        agent.config.write_text("checkpointDirectory: [\n")
        # Records have no place any more: the job is not forgotten for that.
        (work / "records").rmdir()
        done = nodekeep("recover", "--once", "--config", str(agent.config), "--state-dir", str(agent.state_directory))
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(str(agent.config), done.stderr)
        record = json.loads((work / "records" / f"{JOB}.json").read_text())
        self.assertEqual((record["request"]["id"], record["outcome"]), (JOB, "interrupted"))
        self.assertFalse((work / JOB).exists())
