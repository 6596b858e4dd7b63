# SPDX-License-Identifier: Apache-2.0
"""The Status objects with which an API server refuses a request, in the words of a real one."""


class Refusal(Exception):
    """An answer that is no success: a status code and a Status object."""

    def __init__(self, code, reason, message, details=None, headers=()):
        super().__init__(f"{code} {reason}: {message}")
        self.code, self.reason, self.message, self.details, self.headers = code, reason, message, details, headers

    def status(self):
        body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message}
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        return body | {"code": self.code}


def qualified(resource):
    return f"{resource.plural}.{resource.group}" if resource.group else resource.plural


def details(resource, name, **more):
    found = {"name": name} if name else {}
    if resource.group:
        found["group"] = resource.group
    return found | {"kind": resource.plural} | more


def bad_request(message):
    return Refusal(400, "BadRequest", message)


def stricter(message):
    """What a real API server lets pass and a good client never sends."""
    return Refusal(400, "BadRequest", f"stricter than a real API server: {message}")


def unauthorized():
    return Refusal(401, "Unauthorized", "Unauthorized")


def forbidden(resource, name, why):
    return Refusal(403, "Forbidden", f'{qualified(resource)} "{name}" is forbidden: {why}', details(resource, name))


def not_found(resource, name):
    return Refusal(404, "NotFound", f'{qualified(resource)} "{name}" not found', details(resource, name))


def no_such_resource():
    return Refusal(404, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed():
    return Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def not_acceptable():
    return Refusal(
        406, "NotAcceptable", "only the following media types are accepted: application/json, application/yaml, "
        "application/vnd.kubernetes.protobuf, application/cbor")


def already_exists(resource, name):
    return Refusal(409, "AlreadyExists", f'{qualified(resource)} "{name}" already exists', details(resource, name))


def conflict(resource, name, why=None):
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    return Refusal(
        409, "Conflict", f'Operation cannot be fulfilled on {qualified(resource)} "{name}": {why}',
        details(resource, name))


def expired(message="too old resource version"):
    return Refusal(410, "Expired", message)


def too_large():
    return Refusal(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728")


def unsupported_media_type(accepted=None):
    if accepted is None:
        # The router's own words, for a PATCH.
        return Refusal(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    return Refusal(
        415, "UnsupportedMediaType",
        f"the body of the request was in an unknown format - accepted media types include: {accepted}")


def unusable_patch(patch, refusal):
    """A 422: what a patch makes of the object is none of its kind."""
    message = f'Invalid value: "{patch}": {refusal.message}'
    return Refusal(
        422, "Invalid", f' "" is invalid: patch: {message}',
        {"causes": [{"reason": "FieldValueInvalid", "message": message, "field": "patch"}]})


class Problems:
    """What is wrong with an object's fields: the causes of a 422."""

    def __init__(self):
        self.causes = []

    def add(self, reason, field, message):
        self.causes.append({"reason": reason, "message": message, "field": field})

    def invalid(self, field, value, why):
        shown = f'"{value}"' if isinstance(value, str) else value
        self.add("FieldValueInvalid", field, f"Invalid value: {shown}: {why}")

    def required(self, field, why=""):
        self.add("FieldValueRequired", field, "Required value" + (f": {why}" if why else ""))

    def forbidden(self, field, why):
        self.add("FieldValueForbidden", field, f"Forbidden: {why}")

    def duplicate(self, field, value):
        self.add("FieldValueDuplicate", field, f"Duplicate value: {value}")

    def not_supported(self, field, value, supported):
        words = ", ".join(f'"{word}"' for word in supported)
        self.add("FieldValueNotSupported", field, f'Unsupported value: "{value}": supported values: {words}')

    def too_long(self, field, limit):
        self.add("FieldValueTooLong", field, f"Too long: may not be more than {limit} bytes")

    def stricter(self, field, value, why):
        self.invalid(field, value, f"stricter than a real API server: {why}")

    def refuse(self, resource, name):
        """Raises the 422 if there is anything."""
        if not self.causes:
            return
        texts = [f"{cause['field']}: {cause['message']}" for cause in self.causes]
        text = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
        raise Refusal(
            422, "Invalid", f'{kind_of(resource)} "{name}" is invalid: {text}',
            details(resource, name, causes=self.causes) | {"kind": resource.kind})


def kind_of(resource):
    return f"{resource.kind}.{resource.group}" if resource.group else resource.kind


def must_have_resource_version(resource, name):
    """The one 422 whose kind is the resource's plural, as recorded."""
    message = "Invalid value: 0: must be specified for an update"
    cause = {"reason": "FieldValueInvalid", "message": message, "field": "metadata.resourceVersion"}
    return Refusal(
        422, "Invalid", f'{qualified(resource)} "{name}" is invalid: metadata.resourceVersion: {message}',
        details(resource, name, causes=[cause]))
