# SPDX-License-Identifier: Apache-2.0
"""The objects, and one counter that every change moves on: what etcd is to a real server."""

import copy
import threading


class Store:
    def __init__(self):
        # Held over a whole request that writes: reading, judging and writing are one step.
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.revision = 100
        self.objects = {}
        # (revision, type, plural, namespace, object), for watches.
        self.history = []

    def get(self, plural, namespace, name):
        with self.lock:
            found = self.objects.get((plural, namespace, name))
            return copy.deepcopy(found)

    def list(self, plural, namespace=None):
        with self.lock:
            return [copy.deepcopy(value) for (kind, space, _), value in sorted(self.objects.items())
                    if kind == plural and namespace in (None, "", space)]

    def put(self, plural, namespace, name, value):
        """Stores it under the next revision, unless it is what is there already. Returns what is stored."""
        with self.lock:
            key = (plural, namespace, name)
            old = self.objects.get(key)
            value = copy.deepcopy(value)
            if old is not None and without_revision(old) == without_revision(value):
                return copy.deepcopy(old)
            self.revision += 1
            value["metadata"]["resourceVersion"] = str(self.revision)
            self.objects[key] = value
            self.note("ADDED" if old is None else "MODIFIED", plural, namespace, value)
            return copy.deepcopy(value)

    def remove(self, plural, namespace, name):
        with self.lock:
            value = self.objects.pop((plural, namespace, name), None)
            if value is not None:
                self.revision += 1
                value["metadata"]["resourceVersion"] = str(self.revision)
                self.note("DELETED", plural, namespace, value)
            return value

    def note(self, kind, plural, namespace, value):
        self.history.append((self.revision, kind, plural, namespace, copy.deepcopy(value)))
        del self.history[:-10_000]
        self.changed.notify_all()


def without_revision(value):
    metadata = {key: item for key, item in value["metadata"].items() if key != "resourceVersion"}
    return value | {"metadata": metadata}
