# SPDX-License-Identifier: Apache-2.0
"""What must be right with a Lease."""


class Leases:
    def __init__(self, server):
        self.server = server

    def prepare_create(self, lease, user):
        pass

    def prepare_update(self, lease, old, subresource):
        pass

    def validate(self, problems, lease, old):
        spec = lease.get("spec", {})
        if spec.get("leaseDurationSeconds", 1) <= 0:
            problems.invalid("spec.leaseDurationSeconds", spec["leaseDurationSeconds"], "must be greater than 0")
        if spec.get("leaseTransitions", 0) < 0:
            problems.invalid("spec.leaseTransitions", spec["leaseTransitions"], "must be greater than or equal to 0")
        if spec.get("strategy") not in (None, "OldestEmulationVersion"):
            problems.not_supported("spec.strategy.strategy", spec["strategy"], ["OldestEmulationVersion"])
        if spec.get("preferredHolder") and not spec.get("strategy"):
            problems.forbidden("spec.preferredHolder", "may only be specified if `strategy` is defined")
        if self.server.strict:
            self.validate_strictly(problems, lease, old)

    def validate_strictly(self, problems, lease, old):
        spec = lease.get("spec", {})
        for field in ("holderIdentity", "leaseDurationSeconds", "renewTime"):
            if not spec.get(field):
                problems.stricter(f"spec.{field}", "", "a heartbeat has it")
        for owner in lease["metadata"].get("ownerReferences", []):
            if owner.get("kind") != "Node":
                continue
            if owner.get("controller") or owner.get("blockOwnerDeletion"):
                problems.stricter(
                    "metadata.ownerReferences", owner.get("name", ""),
                    "a kubelet sets neither controller nor blockOwnerDeletion")
            node = self.server.store.get("nodes", "", owner.get("name", ""))
            if (node or {}).get("metadata", {}).get("uid") != owner.get("uid"):
                problems.stricter(
                    "metadata.ownerReferences.uid", owner.get("uid", ""),
                    "there is no such Node, so the garbage collector would delete this lease")
