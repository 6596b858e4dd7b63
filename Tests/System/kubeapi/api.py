# SPDX-License-Identifier: Apache-2.0
"""What becomes of one request of one user: authorization, decoding, admission, validation, storage."""

import uuid

from . import authorization, merge, metadata, noderestriction, objects, reviews, schema, values
from .csr import CertificateRequests
from .event import Events
from .faults import Reply
from .lease import Leases
from .node import Nodes
from .refusal import (
    Problems, Refusal, already_exists, bad_request, conflict, method_not_allowed, must_have_resource_version,
    no_such_resource, not_acceptable, not_found, stricter, too_large, unsupported_media_type, unusable_patch)
from .request import check_query
from .watch import listing, watching

BODY_LIMIT = 3 * 1024 * 1024
PATCHES = {
    "application/strategic-merge-patch+json": merge.strategic,
    "application/merge-patch+json": lambda original, patch, _: merge.merge_patch(original, patch)}


class Namespaces:
    def prepare_create(self, namespace, user):
        namespace["status"] = {"phase": "Active"}

    def prepare_update(self, namespace, old, subresource):
        pass

    def validate(self, problems, namespace, old):
        pass


class API:
    def __init__(self, server):
        self.server, self.store = server, server.store
        self.requests = CertificateRequests(server)
        self.rules = {
            objects.LEASE: Leases(server), objects.NODE: Nodes(server), objects.EVENT: Events(server),
            objects.CSR: self.requests, objects.NAMESPACE: Namespaces()}

    def answer(self, target, user, headers, body):
        attributes = authorization.of_target(target)
        is_allowed, reason = self.server.authorizer.decide(user, attributes)
        if not is_allowed:
            raise authorization.refusal(user, attributes, reason)
        if not target.is_resource:
            return self.page(target)
        resource = target.resource
        if resource is None or (target.subresource and target.subresource not in resource.subresources):
            raise no_such_resource()
        if target.verb not in resource.verbs or (target.verb == "create" and target.name):
            raise method_not_allowed()
        if target.subresource and target.verb not in ("get", "update", "patch"):
            raise method_not_allowed()
        if resource.namespaced and not target.namespace and target.verb not in ("list", "watch"):
            raise no_such_resource()
        if not resource.namespaced:
            # A request for a namespace is one in it, for authorizers; it is not kept there.
            target.namespace = ""
        self.check_head(target, headers)
        if len(body) > BODY_LIMIT:
            raise too_large()
        if target.verb in ("get", "list", "watch"):
            return self.read(target, resource)
        if target.verb == "delete":
            return self.delete(target, resource)
        with self.store.lock:
            return getattr(self, target.verb)(target, resource, user, headers, body)

    def check_head(self, target, headers):
        accept = headers.get("accept", "*/*")
        ranges = [word.split(";")[0].strip() for word in accept.split(",")]
        if not {"*/*", "application/*", "application/json"} & set(ranges):
            raise not_acceptable()
        check_query(target, self.server.strict)
        if self.server.strict and not headers.get("user-agent"):
            raise stricter("a request without a User-Agent")
        kind = headers.get("content-type", "").split(";")[0].strip().lower()
        if target.verb == "patch" and kind not in PATCHES:
            raise unsupported_media_type()
        if target.verb in ("create", "update") and kind != "application/json":
            raise unsupported_media_type("application/json")

    # Reading

    def page(self, target):
        if target.path.rstrip("/") in ("/healthz", "/livez", "/readyz"):
            return Reply(200, "ok", (), "text/plain; charset=utf-8")
        if target.path == "/version":
            return Reply(200, {"major": "1", "minor": "36", "gitVersion": "v1.36.1", "platform": "linux/amd64"})
        return Reply(404, "404 page not found\n", (), "text/plain; charset=utf-8")

    def read(self, target, resource):
        if target.verb == "get":
            found = self.store.get(resource.plural, target.namespace, target.name)
            if found is None:
                raise not_found(resource, target.name)
            return Reply(200, found)
        if target.verb == "list":
            return Reply(200, listing(self.store, target, resource))
        return Reply(200, stream=watching(self.server, target, resource))

    def delete(self, target, resource):
        gone = self.store.remove(resource.plural, target.namespace, target.name)
        if gone is None:
            raise not_found(resource, target.name)
        return Reply(200, {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": {"name": target.name, "kind": resource.plural, "uid": gone["metadata"]["uid"]}})

    # Writing

    def decoded(self, target, resource, value, warnings):
        """The object of a body, with what it must say about itself checked."""
        if not isinstance(value, dict):
            raise bad_request(f"the body is no {resource.kind}")
        api_version, kind = value.get("apiVersion", ""), value.get("kind", "")
        if self.server.strict and not (api_version and kind):
            raise stricter("an object without kind and apiVersion")
        if api_version not in ("", resource.api_version):
            raise bad_request(
                f"the API version in the data ({api_version}) does not match the expected API version "
                f"({resource.api_version})")
        if kind not in ("", resource.kind):
            raise bad_request(
                f'{kind} in version "{resource.version}" cannot be handled as a {resource.kind}: no kind "{kind}" is '
                f'registered for version "{resource.api_version}" in scheme "pkg/api/legacyscheme/scheme.go:30"')
        found, unknown = schema.decode(value, resource)
        if unknown:
            text = ", ".join(f'unknown field "{field}"' for field in unknown)
            asked = target.query.get("fieldValidation") or ("Strict" if self.server.strict else "Warn")
            if asked == "Strict":
                raise bad_request(
                    f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
                    f"strict decoding error: {text}")
            if asked == "Warn":
                warnings.extend(("Warning", f'299 - "unknown field \\"{field}\\""') for field in unknown)
        own = found.setdefault("metadata", {})
        if resource.namespaced:
            if own.get("namespace", target.namespace) != target.namespace:
                raise bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request")
            own["namespace"] = target.namespace
        found["kind"], found["apiVersion"] = resource.kind, resource.api_version
        return found

    def create(self, target, resource, user, headers, body):
        warnings = []
        value = self.decoded(target, resource, schema.parse(body), warnings)
        if not resource.is_kept:
            return Reply(201, reviews.answer(self.server, resource, value), tuple(warnings))
        own = value["metadata"]
        if not own.get("name") and own.get("generateName"):
            own["name"] = own["generateName"] + uuid.uuid4().hex[:5]
        if resource.namespaced and self.store.get("namespaces", "", target.namespace) is None:
            raise not_found(objects.NAMESPACE, target.namespace)
        stored = self.insert(resource, target.namespace, value, user)
        return Reply(201, stored, tuple(warnings))

    def insert(self, resource, namespace, value, user):
        own = value["metadata"]
        if own.get("resourceVersion"):
            raise Refusal(500, "", "resourceVersion should not be set on objects to be created")
        name = own.get("name", "")
        own["uid"], own["creationTimestamp"] = str(uuid.uuid4()), values.now()
        rules = self.rules[resource]
        rules.prepare_create(value, user)
        noderestriction.admit(user, resource, namespace, name, value, None)
        problems = Problems()
        metadata.check(problems, resource, own)
        rules.validate(problems, value, None)
        problems.refuse(resource, name)
        if resource is objects.CSR:
            self.requests.admit(resource, value, user)
        if self.store.get(resource.plural, namespace, name) is not None:
            raise already_exists(resource, name)
        return self.store.put(resource.plural, namespace, name, value)

    def update(self, target, resource, user, headers, body):
        warnings = []
        value = self.decoded(target, resource, schema.parse(body), warnings)
        own = value["metadata"]
        if own.get("name", "") != target.name:
            raise bad_request(
                f"the name of the object ({own.get('name', '')}) does not match the name on the URL ({target.name})")
        old = self.store.get(resource.plural, target.namespace, target.name)
        if own.get("uid") and own["uid"] != (old or {"metadata": {}})["metadata"].get("uid", ""):
            raise conflict(
                resource, target.name, f"Precondition failed: UID in precondition: {own['uid']}, UID in object meta: "
                f"{(old or {'metadata': {}})['metadata'].get('uid', '')}")
        if old is None:
            if not resource.creates_on_update:
                raise not_found(resource, target.name)
            attributes = authorization.Attributes(
                "create", resource.group, resource.plural, "", target.namespace, target.name)
            is_allowed, reason = self.server.authorizer.decide(user, attributes)
            if not is_allowed:
                raise authorization.refusal(user, attributes, reason)
            own.pop("resourceVersion", None)
            return Reply(201, self.insert(resource, target.namespace, value, user), tuple(warnings))
        given = own.get("resourceVersion", "")
        if given in ("", "0"):
            if not resource.unconditional_update:
                raise must_have_resource_version(resource, target.name)
            if self.server.strict:
                raise stricter("an update without a resourceVersion")
            own["resourceVersion"] = old["metadata"]["resourceVersion"]
        return Reply(200, self.change(target, resource, user, value, old), tuple(warnings))

    def patch(self, target, resource, user, headers, body):
        kind = headers["content-type"].split(";")[0].strip().lower()
        change = schema.parse(body)
        if not isinstance(change, dict):
            raise bad_request("a patch is a JSON object")
        old = self.store.get(resource.plural, target.namespace, target.name)
        if old is None:
            raise not_found(resource, target.name)
        warnings = []
        patched = PATCHES[kind](old, change, resource.schema)
        try:
            value = self.decoded(target, resource, patched, warnings)
        except Refusal as refusal:
            raise unusable_patch(change, refusal) from None
        value["metadata"].setdefault("resourceVersion", old["metadata"]["resourceVersion"])
        return Reply(200, self.change(target, resource, user, value, old), tuple(warnings))

    def change(self, target, resource, user, value, old):
        own = value["metadata"]
        if own["resourceVersion"] != old["metadata"]["resourceVersion"]:
            raise conflict(resource, target.name)
        own.setdefault("uid", old["metadata"]["uid"])
        own["creationTimestamp"] = old["metadata"]["creationTimestamp"]
        rules = self.rules[resource]
        rules.prepare_update(value, old, target.subresource)
        noderestriction.admit(user, resource, target.namespace, target.name, value, old)
        problems = Problems()
        metadata.check_update(problems, own, old["metadata"])
        rules.validate(problems, value, old)
        problems.refuse(resource, target.name)
        return self.store.put(resource.plural, target.namespace, target.name, value)
