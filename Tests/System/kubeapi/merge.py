# SPDX-License-Identifier: Apache-2.0
"""Patches: strategic merge and merge patch."""

import copy

from .refusal import bad_request
from .schema import List, Map, Struct

ORDER = "$setElementOrder/"
DELETE_FROM = "$deleteFromPrimitiveList/"


def merge_patch(original, patch):
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(original) if isinstance(original, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic(original, patch, schema):
    """Kubernetes' strategic merge patch of an object of `schema`; the arguments stay as they are."""
    return merge_map(copy.deepcopy(original), copy.deepcopy(patch), schema)


def merge_map(original, patch, schema):
    directive = patch.pop("$patch", None)
    if directive == "replace":
        return patch
    if directive == "delete":
        return {}
    if directive is not None:
        raise bad_request(f"unknown patch type found: {directive}")
    kept = patch.pop("$retainKeys", None)
    if kept is not None:
        original = {key: value for key, value in original.items() if key in kept}
    orders = {key.removeprefix(ORDER): patch.pop(key) for key in list(patch) if key.startswith(ORDER)}
    for key in [key for key in patch if key.startswith(DELETE_FROM)]:
        gone, name = patch.pop(key), key.removeprefix(DELETE_FROM)
        if isinstance(original.get(name), list):
            original[name] = [item for item in original[name] if item not in gone]
    for key, value in patch.items():
        field = field_of(schema, key)
        if value is None:
            original.pop(key, None)
        elif key not in original or type(original[key]) is not type(value):
            check_order(value, orders.get(key), field)
            original[key] = without_directives(value)
        elif isinstance(value, dict):
            original[key] = merge_map(original[key], value, field)
        elif isinstance(value, list) and is_merged(field):
            check_order(value, orders.get(key), field)
            original[key] = merge_list(original[key], value, field)
        else:
            original[key] = value
    for key, order in orders.items():
        field = field_of(schema, key)
        if not is_merged(field):
            raise bad_request(f"{ORDER}{key} for a list that is not merged")
        if isinstance(original.get(key), list):
            original[key] = in_order(original[key], order, field)
    return original


def field_of(schema, key):
    if isinstance(schema, Struct):
        return schema.fields.get(key)
    return schema.of if isinstance(schema, Map) else None


def is_merged(field):
    return isinstance(field, List) and (field.key is not None or field.merges)


def identity(item, field):
    """What tells one element from another."""
    if field.key is None:
        return item
    if not isinstance(item, dict) or field.key not in item:
        raise bad_request(f"map: {item} does not contain declared merge key: {field.key}")
    return item[field.key]


def merge_list(original, patch, field):
    if field.key is None:
        return original + [item for item in patch if item not in original]
    plain, replaces = [], False
    for item in patch:
        directive = item.get("$patch") if isinstance(item, dict) else None
        if directive is None:
            plain.append(item)
        elif directive == "replace":
            replaces = True
        elif directive == "delete":
            if field.key not in item:
                raise bad_request("delete patch type with no merge key defined")
            original = [other for other in original if other.get(field.key) != item[field.key]]
        elif directive == "merge":
            raise bad_request("merging lists cannot yet be specified in the patch")
        else:
            raise bad_request(f"unknown patch type found: {directive}")
    if replaces:
        return plain
    for item in plain:
        key = identity(item, field)
        # The first that has the key: with two addresses of one type that is the trap.
        place = next((number for number, other in enumerate(original) if other.get(field.key) == key), None)
        if place is None:
            original.append(without_directives(item))
        else:
            original[place] = merge_map(original[place], item, field.of)
    return original


def without_directives(value):
    """A value that there was nothing to merge into: its directives go, its nulls too."""
    if isinstance(value, dict):
        return {key: without_directives(item) for key, item in value.items()
                if not key.startswith("$") and item is not None}
    if isinstance(value, list):
        return [without_directives(item) for item in value
                if not (isinstance(item, dict) and item.get("$patch") in ("replace", "delete"))]
    return value


def check_order(items, order, field):
    """The patch's own elements must stand in the order that it asks for."""
    if order is None or not is_merged(field) or not isinstance(items, list):
        return
    wanted = [identity(item, field) for item in order]
    mine = [identity(item, field) for item in items if not (isinstance(item, dict) and "$patch" in item)]
    rest = iter(wanted)
    if not all(any(item == other for other in rest) for item in mine):
        raise bad_request(f"The order in patch list:\n{mine}\n doesn't match {ORDER} list:\n{wanted}\n")


def in_order(items, order, field):
    """What the patch names stands in its order, the others keep their place behind what stood before them."""
    wanted = [identity(item, field) for item in order]
    named = sorted((item for item in items if identity(item, field) in wanted),
                   key=lambda item: wanted.index(identity(item, field)))
    result = list(named)
    for number, item in enumerate(items):
        if item in named:
            continue
        before = items[number - 1] if number else None
        result.insert(result.index(before) + 1 if before in result else 0, item)
    return result
