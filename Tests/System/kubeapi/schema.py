# SPDX-License-Identifier: Apache-2.0
"""What an object's fields are: types, which lists a strategic merge merges and by which key, and the decoder."""

import base64
import binascii
import json

from . import values
from .refusal import bad_request


class Undecodable(Exception):
    """A value that is none of its field's type."""


def misfit(value, path, go_name):
    return Undecodable(f"json: cannot unmarshal {json_kind(value)} into Go struct field {path} of type {go_name}")


class Scalar:
    def __init__(self, go_name, kinds, check=None, null_is_kept=False):
        self.go_name, self.kinds, self.check, self.null_is_kept = go_name, kinds, check, null_is_kept

    def decode(self, value, path, unknown):
        # A Python bool is an int, a JSON one is not.
        if type(value) not in self.kinds:
            raise misfit(value, path, self.go_name)
        return self.check(value) if self.check else value


def checked(check):
    def run(text):
        try:
            return check(text) or text
        except ValueError as error:
            raise Undecodable(str(error)) from None
    return run


def whole(bits):
    def check(value):
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            raise Undecodable(f"json: cannot unmarshal number {value} into Go value of type int{bits}")
        return value
    return check


def binary(text):
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Undecodable(f"illegal base64 data: {error}") from None
    return text


class Map:
    """A map of strings to one type."""

    def __init__(self, of):
        self.of = of

    def decode(self, value, path, unknown):
        if not isinstance(value, dict):
            raise misfit(value, path, f"map[string]{self.of.go_name}")
        return {key: self.of.decode(item, f"{path}.{key}", unknown) for key, item in value.items() if item is not None}


class List:
    def __init__(self, of, key=None, merges=False):
        """`key`: the merge key of objects; `merges`: a list of texts that is merged. Neither: replaced as a whole."""
        self.of, self.key, self.merges = of, key, merges

    def decode(self, value, path, unknown):
        if not isinstance(value, list):
            raise misfit(value, path, "[]")
        return [self.of.decode(item, f"{path}[{number}]", unknown) for number, item in enumerate(value)]


class Struct:
    go_name = "struct"

    def __init__(self, **fields):
        self.fields = fields

    def decode(self, value, path, unknown):
        if not isinstance(value, dict):
            raise misfit(value, path, "struct")
        result = {}
        for key, item in value.items():
            inner = f"{path}.{key}" if path else key
            if key not in self.fields:
                unknown.append(inner)
                continue
            field = self.fields[key]
            if item is None:
                if getattr(field, "null_is_kept", False):
                    result[key] = None
                continue
            result[key] = field.decode(item, inner, unknown)
        return result


class Anything:
    """What this server does not look into."""

    go_name = "any"

    def decode(self, value, path, unknown):
        return value


TEXT = Scalar("string", (str,))
BOOL = Scalar("bool", (bool,))
INT32 = Scalar("int32", (int,), whole(32))
INT64 = Scalar("int64", (int,), whole(64))
TIME = Scalar("v1.Time", (str,), checked(values.time))
TIME_OR_NULL = Scalar("v1.Time", (str,), checked(values.time), null_is_kept=True)
MICRO_TIME = Scalar("v1.MicroTime", (str,), checked(values.micro_time))
MICRO_TIME_OR_NULL = Scalar("v1.MicroTime", (str,), checked(values.micro_time), null_is_kept=True)
QUANTITY = Scalar("resource.Quantity", (str, int), checked(lambda value: values.quantity(str(value))[1]))
BYTES = Scalar("[]uint8", (str,), binary)
TEXTS = Map(TEXT)

METADATA = Struct(
    name=TEXT, generateName=TEXT, namespace=TEXT, selfLink=TEXT, uid=TEXT, resourceVersion=TEXT, generation=INT64,
    creationTimestamp=TIME_OR_NULL, deletionTimestamp=TIME, deletionGracePeriodSeconds=INT64, labels=TEXTS,
    annotations=TEXTS,
    ownerReferences=List(
        Struct(apiVersion=TEXT, kind=TEXT, name=TEXT, uid=TEXT, controller=BOOL, blockOwnerDeletion=BOOL), key="uid"),
    finalizers=List(TEXT, merges=True), managedFields=List(Anything()))


def top(**fields):
    return Struct(kind=TEXT, apiVersion=TEXT, metadata=METADATA, **fields)


def json_kind(value):
    if isinstance(value, bool):
        return "bool"
    return {str: "string", dict: "object", list: "array"}.get(type(value), "number")


def parse(data):
    """JSON, each key once in its object."""
    duplicates = []

    def pairs(found):
        names = [name for name, _ in found]
        duplicates.extend(sorted({name for name in names if names.count(name) > 1}))
        return dict(found)

    def constant(text):
        raise ValueError(f"invalid character '{text[0]}' looking for beginning of value")

    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"error decoding the body: {error}") from None
    if duplicates:
        raise bad_request(f'strict decoding error: duplicate field "{duplicates[0]}"')
    return value


def decode(value, resource):
    """(the object with unknown fields gone and quantities as they are stored, the unknown fields)"""
    unknown = []
    try:
        return resource.schema.decode(value, "", unknown), unknown
    except Undecodable as error:
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {error}'
        ) from None
