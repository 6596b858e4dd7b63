# SPDX-License-Identifier: Apache-2.0
"""A client for tests of the server itself: it sends what it is told, right or wrong."""

import http.client
import json
import ssl

STRATEGIC, MERGE, JSON = (
    "application/strategic-merge-patch+json", "application/merge-patch+json", "application/json")


class Answer:
    def __init__(self, response, data):
        self.code, self.headers, self.data = response.status, response.headers, data

    @property
    def json(self):
        return json.loads(self.data)

    def __repr__(self):
        return f"<{self.code} {self.data[:2000]!r}>"


class Client:
    def __init__(self, server, certificate=None, key=None, token=None, timeout=10):
        self.server, self.token, self.timeout = server, token, timeout
        self.context = ssl.create_default_context(cafile=server.servers.certificate)
        if certificate is not None:
            self.context.load_cert_chain(certificate, key)

    def send(self, method, path, body=None, kind=None, headers=None, data=None):
        """One request on a connection of its own. `body` is sent as JSON, `data` as it is."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.server.port, timeout=self.timeout, context=self.context)
        try:
            head = {"User-Agent": "test", "Accept": "application/json"}
            if self.token is not None:
                head["Authorization"] = f"Bearer {self.token}"
            if body is not None:
                data = json.dumps(body).encode()
            if data is not None:
                head["Content-Type"] = kind or (STRATEGIC if method == "PATCH" else JSON)
            head |= headers or {}
            connection.request(method, path, data, {name: value for name, value in head.items() if value is not None})
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def get(self, path, **options):
        return self.send("GET", path, **options)

    def post(self, path, body, **options):
        return self.send("POST", path, body, **options)

    def put(self, path, body, **options):
        return self.send("PUT", path, body, **options)

    def patch(self, path, body, **options):
        return self.send("PATCH", path, body, **options)
