# SPDX-License-Identifier: Apache-2.0
"""Admission: what a node may do to objects that its authorizer lets it write (NodeRestriction)."""

from .refusal import forbidden

OWN_LABELS = {
    "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch", "node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type",
    "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region", "node.kubernetes.io/windows-build"}
SIGNERS = ("kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving")
OWN_PREFIXES = ("kubelet.kubernetes.io", "node.kubernetes.io")


def is_under(prefix, domain):
    return prefix == domain or prefix.endswith("." + domain)


def is_forbidden_label(key):
    prefix = key.partition("/")[0] if "/" in key else ""
    if not (is_under(prefix, "kubernetes.io") or is_under(prefix, "k8s.io")):
        return False
    return key not in OWN_LABELS and not any(is_under(prefix, own) for own in OWN_PREFIXES)


def forbidden_labels(new, old):
    changed = {key for key in new.keys() | old.keys() if new.get(key) != old.get(key)}
    return sorted(key for key in changed if is_forbidden_label(key))


def admit_request(user, resource, csr, common_name):
    """A node's requests to the kubelets' signers are for itself."""
    if user.is_node and csr["spec"].get("signerName") in SIGNERS and common_name != user.name:
        raise forbidden(resource, csr["metadata"].get("name", ""), f"can only create a node CSR with CN={user.name}")


def admit(user, resource, namespace, name, new, old):
    """Raises a 403 for what a node may not do; `old` is None at a creation."""
    if not user.is_node:
        return

    def refuse(why):
        raise forbidden(resource, name, why)

    node = user.node_name
    if not node:
        refuse(f'could not determine node from user "{user.name}"')
    if resource.plural == "leases":
        if namespace != "kube-node-lease":
            refuse('can only access leases in the "kube-node-lease" system namespace')
        if name != node:
            refuse("can only access node lease with the same name as the requesting node")
    elif resource.plural == "nodes":
        if name != node:
            refuse(f'node "{node}" is not allowed to modify node "{name}"')
        labels = new["metadata"].get("labels", {})
        if old is None:
            bad = forbidden_labels(labels, {})
            if bad:
                refuse(f"is not allowed to set the following labels: {', '.join(bad)}")
            return
        if new.get("spec", {}).get("taints", []) != old.get("spec", {}).get("taints", []):
            refuse(f'node "{node}" is not allowed to modify taints')
        bad = forbidden_labels(labels, old["metadata"].get("labels", {}))
        if bad:
            refuse(f"is not allowed to modify labels: {', '.join(bad)}")
        if new["metadata"].get("ownerReferences", []) != old["metadata"].get("ownerReferences", []):
            refuse(f'node "{node}" is not allowed to modify ownerReferences')
