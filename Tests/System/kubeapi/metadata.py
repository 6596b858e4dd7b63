# SPDX-License-Identifier: Apache-2.0
"""What must be right with the metadata of every object, at its creation and at a change."""

from . import values

IMMUTABLE = "field is immutable"
ANNOTATION_BYTES = 256 * 1024


def check(problems, resource, metadata):
    name = metadata.get("name", "")
    if not name:
        problems.required("metadata.name", "name or generateName is required")
    elif not resource.has_any_name and not values.is_subdomain(name):
        problems.invalid("metadata.name", name, values.SUBDOMAIN_RULE)
    if not resource.namespaced and metadata.get("namespace"):
        problems.forbidden("metadata.namespace", "not allowed on this type")
    check_labels(problems, metadata)
    check_owners(problems, metadata)
    for finalizer in metadata.get("finalizers", []):
        if not values.is_qualified_name(finalizer):
            problems.invalid("metadata.finalizers", finalizer, "name part must consist of alphanumeric characters")


def check_labels(problems, metadata):
    for key, value in metadata.get("labels", {}).items():
        if not values.is_qualified_name(key):
            problems.invalid(
                "metadata.labels", key, "name part must consist of alphanumeric characters, '-', '_' or '.'")
        if not values.is_label_value(value):
            problems.invalid(
                "metadata.labels", value,
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
                "must start and end with an alphanumeric character, at most 63 bytes")
    size = 0
    for key, value in metadata.get("annotations", {}).items():
        size += len(key.encode()) + len(value.encode())
        if not values.is_qualified_name(key.lower()):
            problems.invalid("metadata.annotations", key, "name part must consist of alphanumeric characters")
    if size > ANNOTATION_BYTES:
        problems.too_long("metadata.annotations", ANNOTATION_BYTES)


def check_owners(problems, metadata):
    controllers = 0
    for owner in metadata.get("ownerReferences", []):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                why = "version must not be empty" if field == "apiVersion" else "must not be empty"
                problems.invalid(f"metadata.ownerReferences.{field}", "", why)
        controllers += bool(owner.get("controller"))
    if controllers > 1:
        problems.invalid("metadata.ownerReferences", "", "Only one reference can have Controller set to true")


def check_update(problems, new, old):
    for field in ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"):
        if new.get(field) != old.get(field):
            problems.invalid(f"metadata.{field}", new.get(field, ""), IMMUTABLE)
    if new.get("generation", 0) < old.get("generation", 0):
        problems.invalid("metadata.generation", new.get("generation", 0), "must not be decremented")
    check_labels(problems, new)
    check_owners(problems, new)
