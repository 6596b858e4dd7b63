# SPDX-License-Identifier: Apache-2.0
"""Lists and watches."""

import json
import time

from .refusal import bad_request, expired


def selected(target, resource):
    """A filter from the field selector: this server knows metadata.name."""
    text = target.query.get("fieldSelector", "")
    if not text:
        return lambda item: True
    field, _, value = text.partition("=")
    if field != "metadata.name":
        raise bad_request(f'field label not supported: {field}')
    return lambda item: item["metadata"]["name"] == value


def listing(store, target, resource):
    accept = selected(target, resource)
    with store.lock:
        items = [item for item in store.list(resource.plural, target.namespace) if accept(item)]
        for item in items:
            # Elements of a list do not say what they are.
            del item["kind"], item["apiVersion"]
        return {
            "kind": f"{resource.kind}List", "apiVersion": resource.api_version,
            "metadata": {"resourceVersion": str(store.revision)}, "items": items}


def watching(server, target, resource):
    """Lines of a watch, until its time is up or the server stops."""
    accept, store = selected(target, resource), server.store
    given = target.query.get("resourceVersion", "")
    if given and not given.isdigit():
        raise bad_request(f'invalid resource version "{given}"')
    deadline = time.monotonic() + int(target.query.get("timeoutSeconds") or 1800)
    with store.lock:
        seen, first = int(given or 0), []
        if seen and store.history and seen < store.history[0][0] - 1:
            raise expired(f"too old resource version: {seen} ({store.history[0][0] - 1})")
        if not seen:
            first = [("ADDED", item) for item in store.list(resource.plural, target.namespace) if accept(item)]
            seen = store.revision

    def lines(seen=seen):
        for kind, item in first:
            yield line(kind, item)
        while True:
            with store.lock:
                fresh = [entry for entry in store.history if entry[0] > seen]
                if not fresh:
                    left = deadline - time.monotonic()
                    if left <= 0 or not server.is_running:
                        return
                    store.changed.wait(min(left, 0.2))
                    continue
                seen = fresh[-1][0]
            for _, kind, plural, namespace, item in fresh:
                if plural == resource.plural and target.namespace in ("", namespace) and accept(item):
                    yield line(kind, item)
    return lines()


def line(kind, item):
    return json.dumps({"type": kind, "object": item}, separators=(",", ":")).encode() + b"\n"
