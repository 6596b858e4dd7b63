# SPDX-License-Identifier: Apache-2.0
"""A server that answers TokenReview and SubjectAccessReview as a kube-apiserver does, or as a bad one would.

It does what a real one cannot be made to do on demand: be slow, lie, fail, answer megabytes. It keeps nothing and checks
little, so that it is quick enough to be measured against; kubeapi is the one that is strict.
"""

import copy
import http.server
import json
import ssl
import threading
import time


class ReviewServer:
    TOKEN = "/apis/authentication.k8s.io/v1/tokenreviews"
    ACCESS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

    def __init__(self, certificate, key, client_ca, users, allowed):
        """`users`: token -> (name, groups); `allowed`: set of (user, verb, subresource)."""
        self.users, self.allowed = users, allowed
        self.mode = "good"
        self.requests = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                owner.answer(self, body)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def count(self, path):
        return sum(request[0] == path for request in self.requests)

    def answer(self, handler, body):
        review = json.loads(body)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.requests.append((handler.path, copy.deepcopy(review), headers))
        if self.mode == "slow":
            time.sleep(3)
        if self.mode == "megabytes":
            return self.send(handler, 200, b'{"x":"' + b"a" * (8 << 20) + b'"}')
        if self.mode == "garbage":
            return self.send(handler, 200, b"<html>hello</html>", "text/html")
        if self.mode == "error":
            return self.send(handler, 500, b'{"kind":"Status","status":"Failure","message":"etcd is away","code":500}')
        if self.mode == "cut":
            handler.connection.close()
            return None
        if handler.path == self.TOKEN:
            review["status"] = self.token_status(review["spec"]["token"])
        elif handler.path == self.ACCESS:
            spec = review["spec"]
            asked = spec["resourceAttributes"]
            is_allowed = (spec.get("user"), asked["verb"], asked["subresource"]) in self.allowed
            review["status"] = {"allowed": is_allowed, "reason": "RBAC: allowed" if is_allowed else ""}
            if self.mode == "lying":
                review["status"] = {"allowed": True, "denied": True}
        else:
            return self.send(handler, 404, b"{}")
        return self.send(handler, 201, json.dumps(review).encode())

    def token_status(self, token):
        if self.mode == "lying":
            return {"authenticated": True, "user": {}}
        if token not in self.users:
            return {"user": {}, "error": "[invalid bearer token, token lookup failed]"}
        name, groups = self.users[token]
        return {"authenticated": True, "user": {"username": name, "uid": "u-1", "groups": groups}}

    @staticmethod
    def send(handler, status, body, kind="application/json"):
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        try:
            handler.wfile.write(body)
        except OSError:
            pass

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def kubeconfig(self, path, ca, certificate, key):
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "k", "cluster": {
                "server": f"https://127.0.0.1:{self.port}", "certificate-authority": str(ca)}}],
            "users": [{"name": "u", "user": {"client-certificate": str(certificate), "client-key": str(key)}}],
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}]}))
        return path
