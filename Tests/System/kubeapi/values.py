# SPDX-License-Identifier: Apache-2.0
"""Texts with a syntax: times, quantities, names and labels."""

import datetime
import re
from fractions import Fraction

SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
NAME_PART = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
DURATION = re.compile(r"(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
QUANTITY = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?")
BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
DECIMAL = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}

SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')")


def is_subdomain(text):
    return len(text) <= 253 and SUBDOMAIN.fullmatch(text) is not None


def is_qualified_name(text):
    prefix, slash, name = text.rpartition("/")
    return (not slash or is_subdomain(prefix)) and len(name) <= 63 and NAME_PART.fullmatch(name) is not None


def is_label_value(text):
    return len(text) <= 63 and LABEL_VALUE.fullmatch(text) is not None


def is_duration(text):
    """Go's durations, as in ?timeout=10s."""
    return text == "0" or (text != "" and DURATION.sub("", text.removeprefix("+")) == "")


def time(text):
    """Checks a metav1.Time. Stricter than a real server: whole seconds, UTC written as Z, as servers print them."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text):
        raise ValueError(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse "{text}" as "2006"')
    parse_calendar(text, "2006-01-02T15:04:05Z07:00")
    if not re.fullmatch(r"[^.+]{19}Z", text):
        raise ValueError(f'stricter than a real API server: time "{text}" should have whole seconds and end with Z')


def micro_time(text):
    """Checks a metav1.MicroTime: exactly six digits; stricter than a real server: UTC written as Z."""
    layout = "2006-01-02T15:04:05.000000Z07:00"
    head = re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", text)
    if not head:
        raise ValueError(f'parsing time "{text}" as "{layout}": cannot parse "{text}" as "2006"')
    rest = text[head.end():]
    digits = re.match(r"\.\d{6}", rest)
    if not digits:
        raise ValueError(f'parsing time "{text}" as "{layout}": cannot parse "{rest}" as ".000000"')
    zone = rest[digits.end():]
    if not re.fullmatch(r"Z|[+-]\d\d:\d\d", zone):
        raise ValueError(f'parsing time "{text}" as "{layout}": cannot parse "{zone}" as "Z07:00"')
    parse_calendar(text, layout)
    if zone != "Z":
        raise ValueError(f'stricter than a real API server: time "{text}" should end with Z')


def parse_calendar(text, layout):
    try:
        datetime.datetime.fromisoformat(text[:19])
    except ValueError:
        raise ValueError(f'parsing time "{text}" as "{layout}": day, month or time of day out of range') from None


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def quantity(text):
    """(value, canonical text): what a server stores and gives back, whatever was sent."""
    match = QUANTITY.fullmatch(text)
    if not match:
        raise ValueError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    sign, number, suffix = match[1], Fraction(match[2].rstrip(".") or "0"), match[3] or ""
    value = -number if sign == "-" else number
    if suffix in BINARY:
        value *= 1024 ** BINARY[suffix]
        # Below 1024, and with fractions, a binary suffix is given up.
        if abs(value) >= 1024 and value.denominator == 1:
            return value, with_suffix(value, 1024, BINARY)
        return value, with_suffix(value, 1000, DECIMAL)
    if suffix[:1] in ("e", "E") and len(suffix) > 1:
        power = int(suffix[1:])
        value *= Fraction(10) ** power
        if value == 0:
            return value, "0"
        power = max(power for power in range(-9, 19, 3) if (value / Fraction(10) ** power).denominator == 1)
        return value, f"{value / Fraction(10) ** power}" + (f"e{power}" if power else "")
    value *= Fraction(1000) ** DECIMAL[suffix]
    return value, with_suffix(value, 1000, DECIMAL)


def with_suffix(value, base, suffixes):
    """The greatest suffix with which the number stays whole."""
    if value == 0:
        return "0"
    for suffix, power in sorted(suffixes.items(), key=lambda item: -item[1]):
        scaled = value / Fraction(base) ** power
        if scaled.denominator == 1:
            return f"{scaled}{suffix}"
    if base == 1024:
        return str(value)
    # Smaller than nano is rounded away from zero.
    nano = value * 10 ** 9
    whole = -(-nano.numerator // nano.denominator) if nano > 0 else nano.numerator // nano.denominator
    return f"{whole}n"
