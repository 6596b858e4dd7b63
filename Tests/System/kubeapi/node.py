# SPDX-License-Identifier: Apache-2.0
"""What must be right with a Node, and what a server makes of one."""

import re

from . import values
from .refusal import stricter

NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
ADDRESS_TYPES = ("Hostname", "InternalIP", "ExternalIP", "InternalDNS", "ExternalDNS")
STANDARD_RESOURCES = ("cpu", "memory", "ephemeral-storage", "pods", "storage")
REASON = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?")
NODE_INFO = (
    "machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion", "kubeletVersion",
    "kubeProxyVersion", "operatingSystem", "architecture")


class Nodes:
    def __init__(self, server):
        self.server = server

    def prepare_create(self, node, user):
        # Admission: TaintNodesByCondition.
        taints = node.setdefault("spec", {}).setdefault("taints", [])
        if NOT_READY not in [{"key": taint.get("key"), "effect": taint.get("effect")} for taint in taints]:
            taints.append(dict(NOT_READY))
        node.setdefault("status", {})

    def prepare_update(self, node, old, subresource):
        """Each endpoint keeps its hands off the other's half."""
        kept = "spec" if subresource == "status" else "status"
        if self.server.strict and node.get(kept, {}) != old.get(kept, {}):
            raise stricter(f"a change of {kept} that this endpoint ignores")
        node[kept] = old.get(kept, {})

    def validate(self, problems, node, old):
        self.validate_taints(problems, node)
        self.validate_resources(problems, node)
        if old is not None:
            seen = []
            for number, address in enumerate(node["status"].get("addresses", [])):
                if address in seen:
                    problems.duplicate(f"status.addresses[{number}]", address)
                seen.append(address)
            before, after = old.get("spec", {}), node.get("spec", {})
            if before.get("providerID") and before["providerID"] != after.get("providerID"):
                problems.forbidden(
                    "spec.providerID", 'node updates may not change providerID except from "" to valid')
            if before.get("podCIDRs") and before["podCIDRs"] != after.get("podCIDRs"):
                problems.forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid')
        if self.server.strict:
            self.validate_strictly(problems, node, old)

    @staticmethod
    def validate_taints(problems, node):
        seen = set()
        for number, taint in enumerate(node.get("spec", {}).get("taints", [])):
            path = f"metadata.taints[{number}]"
            key, effect = taint.get("key", ""), taint.get("effect", "")
            if not values.is_qualified_name(key):
                problems.invalid(f"{path}.key", key, "name part must consist of alphanumeric characters")
            if not values.is_label_value(taint.get("value", "")):
                problems.invalid(f"{path}.value", taint["value"], "a valid label value is wanted")
            if not effect:
                problems.required(f"{path}.effect")
            elif effect not in EFFECTS:
                problems.not_supported(f"{path}.effect", effect, EFFECTS)
            if (key, effect) in seen:
                problems.duplicate(path, f"taints must be unique by key and effect pair: {key}:{effect}")
            seen.add((key, effect))

    @staticmethod
    def validate_resources(problems, node):
        for part in ("capacity", "allocatable"):
            for name, text in node["status"].get(part, {}).items():
                path = f"status.{part}.{name}"
                if not values.is_qualified_name(name):
                    problems.invalid(path, name, "name part must consist of alphanumeric characters")
                elif "/" not in name and name not in STANDARD_RESOURCES and not name.startswith("hugepages-"):
                    problems.invalid(path, name, "must be a standard resource type or fully qualified")
                value, _ = values.quantity(str(text))
                if value < 0:
                    problems.invalid(path, text, "must be greater than or equal to 0")
                whole = name == "pods" or ("/" in name and not name.split("/")[0].endswith("kubernetes.io"))
                if whole and value.denominator != 1:
                    problems.invalid(path, text, "must be an integer")

    def validate_strictly(self, problems, node, old):
        status = node["status"]
        self.validate_conditions(problems, status.get("conditions", []))
        for number, address in enumerate(status.get("addresses", [])):
            if address.get("type") not in ADDRESS_TYPES:
                problems.stricter(f"status.addresses[{number}].type", address.get("type", ""), "no known type")
            if not address.get("address"):
                problems.stricter(f"status.addresses[{number}].address", "", "an address is wanted")
        capacity, allocatable = status.get("capacity", {}), status.get("allocatable", {})
        for name, text in allocatable.items():
            if name not in capacity:
                problems.stricter(f"status.allocatable.{name}", text, "there is no capacity of it")
            elif values.quantity(str(text))[0] > values.quantity(str(capacity[name]))[0]:
                problems.stricter(f"status.allocatable.{name}", text, "more than there is")
        if old is None and "nodeInfo" in status:
            self.validate_info(problems, status["nodeInfo"])

    @staticmethod
    def validate_conditions(problems, conditions):
        seen = set()
        for number, condition in enumerate(conditions):
            path = f"status.conditions[{number}]"
            kind = condition.get("type", "")
            if not values.is_qualified_name(kind):
                problems.stricter(f"{path}.type", kind, "a qualified name is wanted")
            if kind in seen:
                problems.duplicate(f"{path}.type", kind)
            seen.add(kind)
            if condition.get("status") not in ("True", "False", "Unknown"):
                problems.stricter(f"{path}.status", condition.get("status", ""), "True, False or Unknown is wanted")
            if not REASON.fullmatch(condition.get("reason", "")) or len(condition["reason"]) > 1024:
                problems.stricter(f"{path}.reason", condition.get("reason", ""), "a reason in CamelCase is wanted")
            if "message" not in condition or len(condition["message"]) > 32_768:
                problems.stricter(f"{path}.message", "", "a message of at most 32768 bytes is wanted")
            for field in ("lastHeartbeatTime", "lastTransitionTime"):
                if not condition.get(field):
                    problems.stricter(f"{path}.{field}", "", "a condition has it")

    @staticmethod
    def validate_info(problems, info):
        for field in NODE_INFO:
            if field not in info:
                problems.stricter(f"status.nodeInfo.{field}", "", "a kubelet always sends it, be it empty")
        if not re.fullmatch(r"v\d+\.\d+\.\d+([-+].*)?", info.get("kubeletVersion", "")):
            problems.stricter(
                "status.nodeInfo.kubeletVersion", info.get("kubeletVersion", ""), "a version with a v is wanted")
        if not re.fullmatch(r"([a-z-]+://.+)?", info.get("containerRuntimeVersion", "")):
            problems.stricter(
                "status.nodeInfo.containerRuntimeVersion", info["containerRuntimeVersion"], "name://version is wanted")
