# SPDX-License-Identifier: Apache-2.0
"""What must be right with the objects of our manifests, as far as it shows without a cluster."""

import pathlib
import re

import yaml
from kubeapi import values
from kubeapi.authorization import BUILT_IN

DIRECTORY = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "kubernetes"
RBAC = "rbac.authorization.k8s.io"
API_VERSIONS = {
    "Namespace": "v1", "ServiceAccount": "v1", "Role": f"{RBAC}/v1", "ClusterRole": f"{RBAC}/v1",
    "RoleBinding": f"{RBAC}/v1", "ClusterRoleBinding": f"{RBAC}/v1"}
FIELDS = {
    "Namespace": set(), "ServiceAccount": set(), "Role": {"rules"}, "ClusterRole": {"rules"},
    "RoleBinding": {"roleRef", "subjects"}, "ClusterRoleBinding": {"roleRef", "subjects"}}
NAMESPACED = {"ServiceAccount", "Role", "RoleBinding"}
VERBS = {"get", "list", "watch", "create", "update", "patch", "delete"}
# By API group: what our roles are about. A node's subresources of authorization are names, not endpoints.
RESOURCES = {
    "": {"nodes", "nodes/status", "nodes/checkpoint", "nodes/stats", "nodes/metrics", "nodes/healthz", "events"},
    "coordination.k8s.io": {"leases"}, "certificates.k8s.io": {"certificatesigningrequests"}}
# A segment of a path: RBAC's names may have colons.
SEGMENT = re.compile(r"[^/%]+")
STANDARD_NAMESPACES = {"default", "kube-system"}


def load(name, node="worker-1"):
    """The objects of a manifest; NODE is this node."""
    text = (DIRECTORY / name).read_text().replace("NODE", node)
    return [document for document in yaml.safe_load_all(text) if document]


def problems(items, others=()):
    """What is wrong with these objects; `others` are there already."""
    found = []
    known = [*others, *items]
    for item in items:
        label = f"{item.get('kind')} {item.get('metadata', {}).get('name')}"
        found += [f"{label}: {problem}" for problem in problems_of(item, known)]
    names = [key_of(item) for item in known]
    found += [f"twice: {name}" for name in sorted(set(names)) if names.count(name) > 1]
    return found


def key_of(item):
    return item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


def scalars(value):
    """Every key and value in it. All of ours are texts: `on`, `10` and `2026-01-01` are none without quotes."""
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in (key, *scalars(item))]
    return [found for item in value for found in scalars(item)] if isinstance(value, list) else [value]


def problems_of(item, known):
    kind = item.get("kind")
    if kind not in API_VERSIONS:
        return [f"kind {kind}"]
    found = [f"{value!r} is no text" for value in scalars(item) if not isinstance(value, str)]
    metadata = item.get("metadata", {})
    if found:
        return found
    if item.get("apiVersion") != API_VERSIONS[kind]:
        found.append(f"apiVersion {item.get('apiVersion')}")
    unknown = set(item) - FIELDS[kind] - {"apiVersion", "kind", "metadata"}
    if unknown or FIELDS[kind] - set(item):
        found.append(f"fields {sorted(unknown | FIELDS[kind] - set(item))}")
    if set(metadata) - {"name", "namespace", "labels", "annotations"}:
        found.append(f"metadata {sorted(metadata)}")
    pattern = values.SUBDOMAIN if kind in ("Namespace", "ServiceAccount") else SEGMENT
    if not pattern.fullmatch(metadata.get("name", "")):
        found.append("its name")
    if ("namespace" in metadata) != (kind in NAMESPACED):
        found.append("namespace")
    spaces = STANDARD_NAMESPACES | {other["metadata"]["name"] for other in known if other["kind"] == "Namespace"}
    if metadata.get("namespace") not in {None} | spaces:
        found.append(f"there is no namespace {metadata['namespace']}")
    if "rules" in FIELDS[kind]:
        for rule in item.get("rules", []):
            found += problems_of_rule(rule)
    if "roleRef" in FIELDS[kind]:
        found += problems_of_binding(item, known)
    return found


def problems_of_rule(rule):
    found = []
    if set(rule) - {"apiGroups", "resources", "resourceNames", "verbs"}:
        found.append(f"rule {sorted(rule)}")
    for group in rule.get("apiGroups") or [None]:
        for resource in rule.get("resources") or [None]:
            if resource not in RESOURCES.get(group, ()):
                found.append(f"there is no {resource} in the group {group!r}")
    verbs = rule.get("verbs", [])
    if not verbs or set(verbs) - VERBS or len(set(verbs)) != len(verbs):
        found.append(f"verbs {verbs}")
    if "resourceNames" in rule and {"create", "list", "watch"} & set(verbs):
        found.append(f"resourceNames never allow {verbs}")
    return found


def problems_of_binding(item, known):
    found, role, subjects = [], item.get("roleRef", {}), item.get("subjects", [])
    if set(role) != {"apiGroup", "kind", "name"} or role["apiGroup"] != RBAC:
        found.append(f"roleRef {role}")
        return found
    space = item["metadata"].get("namespace", "") if role["kind"] == "Role" else ""
    is_built_in = role["kind"] == "ClusterRole" and role["name"] in BUILT_IN
    if not is_built_in and (role["kind"], space, role["name"]) not in [key_of(other) for other in known]:
        found.append(f"there is no {role['kind']} {role['name']}")
    if item["kind"] == "ClusterRoleBinding" and role["kind"] != "ClusterRole":
        found.append(f"a cluster's binding of a {role['kind']}")
    if not subjects:
        found.append("no subjects")
    for subject in subjects:
        if subject.get("kind") == "ServiceAccount":
            is_right = set(subject) == {"kind", "name", "namespace"}
        else:
            is_right = (subject.get("kind") in ("User", "Group") and set(subject) == {"apiGroup", "kind", "name"}
                        and subject["apiGroup"] == RBAC)
        if not is_right:
            found.append(f"subject {subject}")
    return found
