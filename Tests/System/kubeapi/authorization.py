# SPDX-License-Identifier: Apache-2.0
"""Who may do what: the Node authorizer, and RBAC out of manifests."""

import dataclasses

from .objects import BY_PLURAL
from .refusal import Refusal, details, qualified


@dataclasses.dataclass(frozen=True)
class Attributes:
    verb: str
    group: str = ""
    plural: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def what(self):
        return f"{self.plural}/{self.subresource}" if self.subresource else self.plural


def of_target(target):
    if target.is_resource:
        return Attributes(
            target.verb, target.group, target.plural, target.subresource, target.namespace, target.name)
    return Attributes(target.verb, path=target.path)


READERS = "get", "list", "watch"
# What a real server has from the start, as far as it is asked for here.
BUILT_IN = {
    "system:discovery": [{"nonResourceURLs": [
        "/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version",
        "/version/"], "verbs": ["get"]}],
    "system:public-info-viewer": [{"nonResourceURLs": [
        "/healthz", "/livez", "/readyz", "/version", "/version/"], "verbs": ["get"]}],
    "system:auth-delegator": [
        {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
        {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]}],
    "system:node-bootstrapper": [{
        "apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests"],
        "verbs": ["create", "get", "list", "watch"]}],
    "system:certificates.k8s.io:certificatesigningrequests:nodeclient": [{
        "apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests/nodeclient"],
        "verbs": ["create"]}],
    "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient": [{
        "apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests/selfnodeclient"],
        "verbs": ["create"]}],
    "cluster-admin": [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, {"nonResourceURLs": ["*"], "verbs": ["*"]}],
}
BINDINGS = [
    ("cluster-admin", "Group", "system:masters"), ("system:discovery", "Group", "system:authenticated"),
    ("system:public-info-viewer", "Group", "system:authenticated"),
    ("system:public-info-viewer", "Group", "system:unauthenticated")]


class Authorizer:
    def __init__(self):
        self.roles = {("ClusterRole", "", name): rules for name, rules in BUILT_IN.items()}
        # (binding's kind, its namespace, its name, (role's kind, namespace, name), subjects)
        self.bindings = [
            ("ClusterRoleBinding", "", role, ("ClusterRole", "", role), [{"kind": kind, "name": name}])
            for role, kind, name in BINDINGS]
        # Of roles that were added: what has been used, and all there is.
        self.granted, self.used = set(), set()

    def add(self, manifests):
        """Roles and bindings among the objects of manifests; the others are somebody else's business."""
        for item in manifests:
            kind, metadata = item["kind"], item["metadata"]
            namespace, name = metadata.get("namespace", ""), metadata["name"]
            if kind in ("ClusterRole", "Role"):
                rules = item.get("rules") or []
                self.roles[(kind, namespace, name)] = rules
                self.granted |= {
                    (name, what, verb)
                    for rule in rules for what in rule.get("resources", []) for verb in rule["verbs"]}
            elif kind in ("ClusterRoleBinding", "RoleBinding"):
                role = item["roleRef"]
                space = namespace if role["kind"] == "Role" else ""
                self.bindings.append((kind, namespace, name, (role["kind"], space, role["name"]), item["subjects"]))

    def unused(self):
        """(role, resource, verb) that were granted and never needed."""
        return self.granted - self.used

    def decide(self, user, attributes):
        """(is it allowed, why)"""
        reasons = []
        for allowed, reason in (by_node(user, attributes), self.by_roles(user, attributes)):
            if allowed:
                return True, reason
            if reason:
                reasons.append(reason)
        return False, "\n".join(reasons)

    def by_roles(self, user, attributes):
        for kind, namespace, name, role, subjects in self.bindings:
            if kind == "RoleBinding" and namespace != attributes.namespace:
                continue
            subject = next((subject for subject in subjects if is_subject(user, subject)), None)
            if subject is None:
                continue
            for rule in self.roles.get(role, []):
                if covers(rule, attributes):
                    self.used.add((role[2], attributes.what, attributes.verb))
                    who = f'{subject["kind"]} "{"/".join(filter(None, (subject["name"], subject.get("namespace"))))}"'
                    what = f'"{name}"' if kind == "ClusterRoleBinding" else f'"{name}/{namespace}"'
                    return True, f'RBAC: allowed by {kind} {what} of {role[0]} "{role[2]}" to {who}'
        return False, ""


def is_subject(user, subject):
    if subject["kind"] == "User":
        return subject["name"] == user.name
    if subject["kind"] == "Group":
        return subject["name"] in user.groups
    return user.name == f"system:serviceaccount:{subject['namespace']}:{subject['name']}"


def covers(rule, attributes):
    if not {"*", attributes.verb} & set(rule["verbs"]):
        return False
    if not attributes.plural:
        return any(attributes.path == url or url == "*" or (url.endswith("*") and attributes.path.startswith(url[:-1]))
                   for url in rule.get("nonResourceURLs", []))
    if not {"*", attributes.group} & set(rule.get("apiGroups", [])):
        return False
    if not {"*", attributes.what, f"*/{attributes.subresource}"} & set(rule.get("resources", [])):
        return False
    # A creation has no name yet, so a rule with names never allows one.
    return not rule.get("resourceNames") or attributes.name in rule["resourceNames"]


def by_node(user, attributes):
    """plugin/pkg/auth/authorizer/node, as far as this agent comes into question."""
    if not user.is_node:
        return False, ""
    node, verb, what, name = user.node_name, attributes.verb, attributes.what, attributes.name
    if attributes.plural == "leases":
        if verb not in ("get", "create", "update", "patch", "delete"):
            return False, "can only get, create, update, patch, or delete a node lease"
        if attributes.namespace != "kube-node-lease":
            return False, 'can only access leases in the "kube-node-lease" system namespace'
        if verb != "create" and name != node:
            return False, "can only access node lease with the same name as the requesting node"
        return True, ""
    if what == "nodes" and verb in READERS:
        if name == node:
            return True, ""
        if not name:
            return False, f"node '{node}' cannot read all nodes, only its own Node object"
        return False, f"node '{node}' cannot read '{name}', only its own Node object"
    rules = {
        "nodes": ("create", "update", "patch"), "nodes/status": ("update", "patch"),
        "events": ("create", "update", "patch"), "tokenreviews": ("create",), "subjectaccessreviews": ("create",),
        "certificatesigningrequests": ("create", "get", "list", "watch")}
    return verb in rules.get(what, ()), ""


def refusal(user, attributes, reason):
    """The 403 of a request that is not allowed."""
    who = f'User "{user.name}" cannot {attributes.verb}'
    why = f": {reason}" if reason else ""
    if not attributes.plural:
        return Refusal(
            403, "Forbidden", f'forbidden: {who} path "{attributes.path}"{why}', {})
    where = f'in the namespace "{attributes.namespace}"' if attributes.namespace else "at the cluster scope"
    asked = attributes.group, attributes.plural
    resource = next((found for (group, _, plural), found in BY_PLURAL.items() if (group, plural) == asked), None)
    shown = qualified(resource) if resource else attributes.plural
    name = f' "{attributes.name}"' if attributes.name else ""
    return Refusal(
        403, "Forbidden",
        f'{shown}{name} is forbidden: {who} resource "{attributes.what}" in API group "{attributes.group}" '
        f"{where}{why}",
        details(resource, attributes.name) if resource else {})
