# SPDX-License-Identifier: Apache-2.0
"""What we give to Prometheus and Grafana: alert rules, their tests, the dashboard."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml
from support import ROOT

PROMETHEUS, GRAFANA = ROOT / "packaging" / "prometheus", ROOT / "packaging" / "grafana"
RULES = PROMETHEUS / "nodekeep.rules.yaml"


def promtool(*words):
    return subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, timeout=120)


def known_metrics():
    text = "\n".join(path.read_text() for path in (ROOT / "Sources" / "API").rglob("*.swift"))
    return set(re.findall(r'"(nodekeep_[a-z0-9_]+)"', text))


def metrics_of(expression):
    """The names of nodekeep's own metrics in it, without what a histogram adds."""
    found = re.findall(r"\bnodekeep_[a-z0-9_]+", re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression))
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in found}


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


class RulesTest(unittest.TestCase):
    def test_prometheus_takes_them(self):
        done = promtool("check", "rules", RULES)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(f"{len(rules())} rules found", done.stdout)

    def test_they_fire_when_they_should_and_not_else(self):
        tests = sorted(PROMETHEUS.glob("*.test.yaml"))
        self.assertEqual(len(tests), 2)
        for path in tests:
            done = promtool("test", "rules", path)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("SUCCESS", done.stdout)

    def test_every_alert_is_seen_firing(self):
        fired, is_quiet = set(), False
        for path in PROMETHEUS.glob("*.test.yaml"):
            for test in yaml.safe_load(path.read_text())["tests"]:
                for check in test["promql_expr_test"]:
                    for sample in check["exp_samples"]:
                        fired.add(re.search(r'alertname="(\w+)"', sample["labels"])[1])
                    is_quiet |= check["expr"] == "ALERTS" and check["exp_samples"] == []
        self.assertEqual(fired, {rule["alert"] for rule in rules()})
        self.assertTrue(is_quiet, "no test of a node at rest")

    def test_a_rule_that_is_wrong_is_seen(self):
        text = RULES.read_text()
        with tempfile.TemporaryDirectory() as directory:
            directory = pathlib.Path(directory)
            for path in PROMETHEUS.glob("*.test.yaml"):
                (directory / path.name).write_text(path.read_text())
            for right, wrong in (
                    ("nodekeep_checkpoint_frozen_containers > 0", "nodekeep_checkpoint_frozen_containers > 1"),
                    ("> nodekeep_lease_duration_seconds", "> 2 * nodekeep_lease_duration_seconds"),
                    ("for: 30s", "for: 90s")):
                self.assertEqual(text.count(right), 1, right)
                (directory / RULES.name).write_text(text.replace(right, wrong))
                codes = [promtool("test", "rules", path).returncode for path in directory.glob("*.test.yaml")]
                self.assertIn(1, codes, right)

    def test_they_ask_for_what_there_is(self):
        known = known_metrics()
        for rule in rules():
            self.assertLessEqual(metrics_of(rule["expr"]), known, rule["alert"])
            self.assertLessEqual(set(rule), {"alert", "expr", "for", "labels", "annotations"})
            self.assertIn(rule["labels"]["severity"], ("critical", "warning"))
            self.assertEqual(set(rule["annotations"]), {"summary", "description"})
            for text in rule["annotations"].values():
                # An annotation that names a metric must name one that exists.
                self.assertLessEqual(metrics_of(text.replace('"', "")), known, rule["alert"])


class DashboardTest(unittest.TestCase):
    def setUp(self):
        (path,) = GRAFANA.iterdir()
        self.dashboard = json.loads(path.read_text())
        self.panels = self.dashboard["panels"]

    def expressions(self):
        found = [target["expr"] for panel in self.panels for target in panel.get("targets", [])]
        return found + [item["expr"] for item in self.dashboard["annotations"]["list"]]

    def test_its_form(self):
        for key in ("title", "uid", "schemaVersion", "templating", "time", "panels"):
            self.assertIn(key, self.dashboard)
        numbers = [panel["id"] for panel in self.panels]
        self.assertEqual(len(set(numbers)), len(numbers))
        taken = set()
        for panel in self.panels:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(taken & cells, f"{panel['title']} lies on another panel")
            taken |= cells
            if panel["type"] != "row":
                self.assertEqual(panel["datasource"], {"type": "prometheus", "uid": "${datasource}"}, panel["title"])
                self.assertTrue(panel["targets"], panel["title"])
                letters = [target["refId"] for target in panel["targets"]]
                self.assertEqual(len(set(letters)), len(letters), panel["title"])

    def test_prometheus_takes_its_queries(self):
        lines = ["groups:", "  - name: dashboard", "    rules:"]
        for number, expression in enumerate(self.expressions()):
            expression = expression.replace("$__rate_interval", "5m").replace("$instance", "a")
            self.assertNotIn("$", expression)
            lines += [f"      - record: panel:{number}", f"        expr: {json.dumps(expression)}"]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            done = promtool("check", "rules", file.name)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_it_asks_for_what_there_is(self):
        known = known_metrics()
        for expression in self.expressions():
            self.assertIn('instance=~"$instance"', expression)
            self.assertLessEqual(metrics_of(expression), known, expression)
        self.assertEqual(metrics_of("rate(nodekeep_x_bucket[5m])"), {"nodekeep_x"})
