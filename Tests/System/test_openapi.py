# SPDX-License-Identifier: Apache-2.0
"""/openapi.json held against the running agent with schemathesis: requests of every kind, made from the document.

Wanted: scripts/python-tools (make system calls it).
"""

import json
import os
import pathlib
import re
import subprocess
import tempfile

from pki import Authority
from support import ROOT, AgentTest, free_port

SCHEMATHESIS = ROOT / ".build" / "python-tools" / "bin" / "schemathesis"
ADMIN, NOBODY = "openapi-admin-secret", "openapi-nobody-secret"
# Beside these: what a document promises about answers. Each is one that schemathesis applies to every answer.
CONFORMANCE = ["status_code_conformance", "content_type_conformance", "response_headers_conformance",
               "response_schema_conformance", "unsupported_method"]
EXAMPLES = 30
# Methods that the document does not have. One that HTTP itself does not know, QUERY among them, is not one that is not
# allowed here: it gets 501 from the web process (RFC 9110, section 9.1), which would be taken for a failure.
CONFIGURATION = """
[phases.coverage]
unexpected-methods = ["DELETE", "PUT", "POST", "PATCH", "OPTIONS", "TRACE"]
"""
POLICY = """
apiVersion: nodekeep/v1
kind: Policy
rules:
  - name: admins
    subjects: {groups: [admins]}
    verbs: ["*"]
    endpoints: ["*"]
"""


class Run:
    """schemathesis from its start to its end."""

    def __init__(self, document, url, *, checks, ca=None, token=None, path=None):
        # From a file: the operation that a document was fetched with is left out.
        command = [
            SCHEMATHESIS, "run", document, "--url", url, "--checks", ",".join(checks), "--max-examples", EXAMPLES, "--seed", 1,
            "--request-timeout", 10, "--workers", 1, "--phases", "examples,coverage,fuzzing,stateful",
            "--mode", "all", "--suppress-health-check", "all", "--generation-database", "none",
            "--continue-on-failure", "--no-color"]
        if ca:
            command += ["--tls-verify", ca]
        if token:
            command += ["--header", f"Authorization: Bearer {token}"]
        if path:
            command += ["--include-path-regex", path]
        with tempfile.TemporaryDirectory() as directory:
            (pathlib.Path(directory) / "schemathesis.toml").write_text(CONFIGURATION)
            report = pathlib.Path(directory) / "events.ndjson"
            command += ["--report", "ndjson", "--report-ndjson-path", report]
            self.done = subprocess.run(
                list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
                cwd=directory, env={"PATH": os.environ["PATH"], "HOME": directory})
            self.statuses = self.count_statuses(report.read_text()) if report.exists() else {}
        self.output = self.done.stdout + self.done.stderr
        tested = re.search(r"^\s*Tested:\s*(\d+)", self.output, re.M)
        self.tested = int(tested[1]) if tested else 0
        cases = re.search(r"^\s*(\d+) generated", self.output, re.M)
        self.cases = int(cases[1]) if cases else 0

    @staticmethod
    def count_statuses(report):
        """How often each status was answered."""
        counts = {}
        for status in re.findall(r'"status_code":\s*(\d{3})', report):
            counts[int(status)] = counts.get(int(status), 0) + 1
        return counts


class OpenAPITest(AgentTest):
    @classmethod
    def setUpClass(cls):
        if not SCHEMATHESIS.exists():
            raise AssertionError(f"{SCHEMATHESIS} is missing: run scripts/python-tools")

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="nodekeep-openapi-"))
        self.addCleanup(subprocess.run, ["rm", "-rf", self.directory], check=True)
        self.port = free_port()
        servers = Authority(self.directory, "servers")
        certificate, key = servers.issue("/CN=node", usage="serverAuth", names="DNS:localhost,IP:127.0.0.1")
        self.ca = servers.certificate
        self.tokens = self.directory / "tokens.csv"
        self.tokens.write_text(f'{ADMIN},admin,u1,"admins"\n{NOBODY},nobody,u2\n')
        self.policy = self.directory / "policy.yaml"
        self.policy.write_text(POLICY)
        for secret in (self.tokens, key):
            os.chmod(secret, 0o600)
        self.config = (
            f"address: 127.0.0.1\nport: {self.port}\ntlsCertFile: {certificate}\ntlsPrivateKeyFile: {key}\n"
            f"authentication: {{tokenAuthFile: {self.tokens}}}\nauthorization: {{policyFile: {self.policy}}}\n")
        self.url = f"https://127.0.0.1:{self.port}"

    def run_schemathesis(self, agent, url, path="", **options):
        """Every operation on such a path is tested, and nothing found."""
        document = agent.json("/openapi.json")
        wanted = sum(len(methods) for name, methods in document["paths"].items() if re.search(path, name))
        file = self.directory / "openapi.json"
        file.write_text(json.dumps(document))
        run = Run(file, url, path=path, **options)
        print(f"  {run.tested} operations, {run.cases} cases, answers {dict(sorted(run.statuses.items()))}", flush=True)
        self.assertEqual(run.done.returncode, 0, run.output[-20_000:])
        self.assertGreater(wanted, 0)
        self.assertEqual(run.tested, wanted, run.output)
        self.assertGreaterEqual(run.cases, wanted * 5, run.output)
        return run

    def test_every_page_for_somebody_who_may(self):
        """Over TLS. Whatever can be asked for, nothing fails, and nothing is answered that the document does not have."""
        agent = self.agent(self.config)
        run = self.run_schemathesis(
            agent, self.url, "^/(?!checkpoint/)", checks=["not_a_server_error", *CONFORMANCE], ca=self.ca, token=ADMIN)
        self.assertGreater(run.statuses[200], 100)
        self.assertNotIn(ADMIN, agent.output())

    def test_checkpoints_without_a_runtime(self):
        """None can be taken here, so 500 is the truth; that and all the refusals are as the document has them."""
        agent = self.agent(self.config)
        run = self.run_schemathesis(
            agent, self.url, "^/checkpoint/", checks=[*CONFORMANCE, "negative_data_rejection"], ca=self.ca, token=ADMIN)
        self.assertIn(400, run.statuses)
        self.assertIn(500, run.statuses)

    def test_the_local_listener(self):
        agent = self.agent()
        url, elsewhere = f"http://127.0.0.1:{agent.port}", "configz|checkpoint"
        run = self.run_schemathesis(
            agent, url, f"^/(?!{elsewhere})", checks=["not_a_server_error", *CONFORMANCE])
        self.assertGreater(run.statuses[200], 100)
        run = self.run_schemathesis(
            agent, url, f"^/({elsewhere})", checks=["not_a_server_error", *CONFORMANCE[:-1]])
        self.assertLessEqual(set(run.statuses), {404, 400})

    def test_somebody_who_may_nothing_and_nobody(self):
        agent = self.agent(self.config)
        for token, status in [(NOBODY, 403), (None, 401)]:
            with self.subTest(token or "no token"):
                run = self.run_schemathesis(
                    agent, self.url, checks=["not_a_server_error", *CONFORMANCE[:-1]], ca=self.ca, token=token)
                # Web refuses by itself what is no request; nobody gets anything else.
                self.assertLessEqual(set(run.statuses), {status, 400, 413, 414, 431})
                self.assertGreater(run.statuses[status], 100)
        self.assertNotIn(NOBODY, agent.output())

    def test_a_document_that_is_not_true_is_noticed(self):
        """The checks bite: without a status or a type that comes, the same run fails."""
        agent = self.agent()
        url = f"http://127.0.0.1:{agent.port}"
        for what, change in {
            "status": lambda page: page["responses"].pop("200"),
            "type": lambda page: page["responses"]["200"].update(content={"image/png": {}}),
            "header": lambda page: page["responses"]["200"]["headers"].update(
                {"X-Missing": {"required": True, "schema": {"type": "string"}}}),
            "schema": lambda page: page["responses"]["200"]["content"].update(
                {"application/json": {"schema": {"type": "array"}}}),
        }.items():
            document = agent.json("/openapi.json")
            document["paths"] = {"/node": {"get": document["paths"]["/node"]["get"]}}
            change(document["paths"]["/node"]["get"])
            path = self.directory / "openapi.json"
            path.write_text(json.dumps(document))
            run = Run(path, url, checks=["not_a_server_error", *CONFORMANCE])
            self.assertEqual(run.done.returncode, 1, f"{what}: {run.output}")
            self.assertEqual(run.tested, 1, f"{what}: {run.output}")
