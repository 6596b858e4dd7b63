# SPDX-License-Identifier: Apache-2.0
"""TokenReview and SubjectAccessReview, answered from the server's own users and roles."""

from . import objects
from .authorization import Attributes
from .identity import User
from .refusal import Problems, bad_request


def answer(server, resource, review):
    review["metadata"] = {}
    judge = token if resource is objects.TOKEN_REVIEW else access
    review["status"] = judge(server, resource, review.get("spec", {}))
    return review


def token(server, resource, spec):
    if not spec.get("token"):
        raise bad_request("token is required for TokenReview in authentication")
    user = server.tokens.get(spec["token"])
    if user is None:
        return {"user": {}, "error": "invalid bearer token"}
    found = {"username": user.name, "groups": list(user.groups)}
    if user.uid:
        found["uid"] = user.uid
    return {"authenticated": True, "user": found, "audiences": ["https://kubernetes.default.svc"]}


def access(server, resource, spec):
    problems = Problems()
    attributes, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (attributes is None) == (path is None):
        problems.invalid(
            "spec.resourceAttributes", "",
            "exactly one of nonResourceAttributes or resourceAttributes must be specified")
    if not spec.get("user") and not spec.get("groups"):
        problems.invalid("spec.user", "", "at least one of user or group must be specified")
    problems.refuse(resource, "")
    user = User(spec.get("user", ""), tuple(spec.get("groups", [])), spec.get("uid", ""))
    if attributes is not None:
        asked = Attributes(
            attributes.get("verb", ""), attributes.get("group", ""), attributes.get("resource", ""),
            attributes.get("subresource", ""), attributes.get("namespace", ""), attributes.get("name", ""))
    else:
        asked = Attributes(path.get("verb", ""), path=path.get("path", ""))
    is_allowed, reason = server.authorizer.decide(user, asked)
    status = {"allowed": is_allowed}
    return status | {"reason": reason} if reason else status
