# SPDX-License-Identifier: Apache-2.0
"""What must be right with an Event of core/v1."""

from . import values

LIMITS = {"action": 128, "reason": 128, "reportingInstance": 128, "message": 1024}


class Events:
    def __init__(self, server):
        self.server = server

    def prepare_create(self, event, user):
        event.setdefault("eventTime", None)
        event.setdefault("reportingComponent", "")
        event.setdefault("reportingInstance", "")

    def prepare_update(self, event, old, subresource):
        pass

    def validate(self, problems, event, old):
        involved = event.get("involvedObject", {})
        namespace, about = event["metadata"].get("namespace", ""), involved.get("namespace", "")
        if event.get("eventTime") is None:
            wrong = namespace not in ("", "default") if not about else namespace != about
        else:
            wrong = not about and namespace not in ("default", "kube-system")
            for field in ("reportingComponent", "reportingInstance", "action", "reason"):
                if not event.get(field):
                    problems.required(field.replace("Component", "Controller"))
            component = event.get("reportingComponent", "")
            if not values.is_qualified_name(component):
                problems.invalid(
                    "reportingController", component, "name part must consist of alphanumeric characters")
            for field, limit in LIMITS.items():
                if len(event.get(field, "").encode()) > limit:
                    problems.invalid(field, "", f"can have at most {limit} characters")
        if wrong:
            problems.invalid("involvedObject.namespace", about, "does not match event.namespace")
        if self.server.strict:
            self.validate_strictly(problems, event, old)

    def validate_strictly(self, problems, event, old):
        involved = event.get("involvedObject", {})
        for field in ("kind", "apiVersion", "name", "uid"):
            if not involved.get(field):
                problems.stricter(f"involvedObject.{field}", "", "without it `kubectl describe` does not find it")
        if involved.get("kind") == "Node":
            node = self.server.store.get("nodes", "", involved.get("name", ""))
            if (node or {}).get("metadata", {}).get("uid") != involved.get("uid"):
                problems.stricter("involvedObject.uid", involved.get("uid", ""), "there is no such Node")
        if event.get("type") not in ("Normal", "Warning"):
            problems.stricter("type", event.get("type", ""), "Normal or Warning is wanted")
        for field, limit in LIMITS.items():
            if len(event.get(field, "").encode()) > limit:
                problems.stricter(field, "", f"can have at most {limit} characters")
        for field in (
                "reason", "message", "reportingComponent", "reportingInstance", "firstTimestamp", "lastTimestamp"):
            if not event.get(field):
                problems.stricter(field, "", "an event has it")
        if not event.get("source", {}).get("component"):
            problems.stricter("source.component", "", "an event has it")
        if event.get("count", 0) < 1:
            problems.stricter("count", event.get("count", 0), "an event has happened at least once")
        if (event.get("lastTimestamp") or "") < (event.get("firstTimestamp") or ""):
            problems.stricter("lastTimestamp", event.get("lastTimestamp") or "", "earlier than the first time")
        if old is not None:
            for field in ("involvedObject", "reason", "type", "source", "firstTimestamp"):
                if event.get(field) != old.get(field):
                    problems.stricter(field, str(event.get(field)), "only count, lastTimestamp and message change")
            if event.get("count", 0) < old.get("count", 0):
                problems.stricter("count", event.get("count", 0), "less than before")
