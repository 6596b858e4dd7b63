# SPDX-License-Identifier: Apache-2.0
"""The controllers that approve CertificateSigningRequests and sign them."""

import base64
import datetime
import threading

from . import objects
from .authorization import Attributes
from .csr import KUBELET_CLIENT
from .identity import User

PLURAL = objects.CSR.plural


class Approver:
    def __init__(self, server, authority):
        self.server, self.authority, self.rules = server, authority, server.api.requests
        # Kubelets' requests are approved at once, where the roles allow it, unless this is off.
        self.is_on = True
        # Of the certificates it issues, in seconds; None: two days.
        self.lifetime = None

    def approve(self, name, reason="AutoApproved"):
        """Approves it, and issues the certificate as the signer does."""
        request = self.server.get(PLURAL, name)
        if request["spec"]["signerName"] == KUBELET_CLIENT:
            problem = self.rules.kubelet_problem(request)
            if problem:
                return self.rules.decide(name, "Failed", "SignerValidationFailure", problem)
        begins = ends = None
        if self.lifetime is not None:
            now = datetime.datetime.now(datetime.timezone.utc)
            begins, ends = ((now + datetime.timedelta(seconds=seconds)).strftime("%Y%m%d%H%M%SZ")
                            for seconds in (-1, self.lifetime))
        certificate = self.authority.sign(base64.b64decode(request["spec"]["request"]), begins, ends)
        return self.rules.decide(name, "Approved", reason, "This CSR was approved.", certificate)

    def deny(self, name, message="not this one"):
        return self.rules.decide(name, "Denied", "KubectlDeny", message)

    def start(self, stopped):
        threading.Thread(target=self.run, args=(stopped,), daemon=True).start()

    def run(self, stopped):
        while not stopped.is_set():
            with self.server.store.lock:
                waiting = [item for item in self.server.store.list(PLURAL) if not item["status"]]
                if not (waiting and self.is_on):
                    self.server.store.changed.wait(0.2)
                    continue
            if not any([self.consider(item) for item in waiting]):
                stopped.wait(0.2)

    def consider(self, item):
        """Approves a kubelet's client certificate for whom the roles say so, and nothing else."""
        spec = item["spec"]
        if spec["signerName"] != KUBELET_CLIENT or self.rules.kubelet_problem(item):
            return False
        user = User(spec["username"], tuple(spec["groups"]))
        kinds = ["nodeclient"]
        if self.rules.subject(item)[0] == user.name:
            kinds.insert(0, "selfnodeclient")
        for kind in kinds:
            asked = Attributes("create", objects.CSR.group, PLURAL, kind)
            if self.server.authorizer.decide(user, asked)[0]:
                self.approve(item["metadata"]["name"])
                return True
        return False
