# SPDX-License-Identifier: Apache-2.0
"""What a request asks for: verb, resource and name of a URL, as kube-apiserver's RequestInfo has them."""

import dataclasses
import urllib.parse

from . import values
from .objects import BY_PLURAL
from .refusal import bad_request, stricter

VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
PARAMETERS = {
    "timeout", "fieldManager", "fieldValidation", "dryRun", "pretty", "watch", "fieldSelector", "labelSelector",
    "resourceVersion", "resourceVersionMatch", "timeoutSeconds", "limit", "allowWatchBookmarks", "sendInitialEvents",
    "verbose", "exclude"}


@dataclasses.dataclass
class Target:
    method: str
    path: str
    query: dict
    verb: str
    group: str = ""
    version: str = ""
    plural: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def is_resource(self):
        return self.plural != ""

    @property
    def resource(self):
        """What is known of it; None for one that this server does not have."""
        return BY_PLURAL.get((self.group, self.version, self.plural))

    @property
    def what(self):
        return "/".join(word for word in (self.plural, self.subresource) if word) or self.path

    def __str__(self):
        where = "/".join(word for word in (self.namespace, self.name) if word)
        return " ".join(word for word in (self.verb, self.what, where) if word)


def parse_target(method, raw):
    path, _, text = raw.partition("?")
    query = {}
    for key, value in urllib.parse.parse_qsl(text, keep_blank_values=True):
        query.setdefault(key, value)
    target = Target(method, path, query, VERBS.get(method, method.lower()))
    words = [urllib.parse.unquote(word) for word in path.strip("/").split("/")]
    if words[0] == "api" and len(words) >= 3:
        target.version, words = words[1], words[2:]
    elif words[0] == "apis" and len(words) >= 4:
        target.group, target.version, words = words[1], words[2], words[3:]
    else:
        return target
    if words[0] == "namespaces" and len(words) > 1:
        target.namespace = words[1]
        if len(words) > 2 and words[2] not in ("status", "finalize"):
            words = words[2:]
        # Else it is the namespace itself, and that its own one.
    target.plural, *rest = words
    target.name = rest[0] if rest else ""
    target.subresource = rest[1] if len(rest) > 1 else ""
    if target.verb == "get" and not target.name:
        target.verb = "watch" if query.get("watch") in ("1", "true") else "list"
    if target.verb in ("list", "watch") and target.query.get("fieldSelector", "").startswith("metadata.name="):
        # A list of one: authorizers see its name.
        target.name = target.query["fieldSelector"].removeprefix("metadata.name=")
    if target.verb == "delete" and not target.name:
        target.verb = "deletecollection"
    return target


def check_query(target, strict):
    query = target.query
    if "timeout" in query and not values.is_duration(query["timeout"]):
        raise bad_request(f'invalid timeout specified in the request URL: time: invalid duration "{query["timeout"]}"')
    if query.get("fieldValidation", "") not in ("", "Ignore", "Warn", "Strict"):
        raise bad_request(f'fieldValidation: Unsupported value: "{query["fieldValidation"]}"')
    if len(query.get("fieldManager", "")) > 128:
        raise bad_request("fieldManager: Too long: may not be more than 128 bytes")
    unknown = sorted(set(query) - PARAMETERS)
    if strict and unknown:
        raise stricter(f"unknown query parameter {unknown[0]}")
    if strict and "dryRun" in query:
        raise stricter("a dry run that nobody asked for")
