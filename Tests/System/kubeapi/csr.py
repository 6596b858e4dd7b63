# SPDX-License-Identifier: Apache-2.0
"""CertificateSigningRequests: what must be right with one, and a signer that does what it is told."""

import base64
import re
import subprocess

from . import noderestriction, values
from .refusal import Refusal, details

KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
API_CLIENT = "kubernetes.io/kube-apiserver-client"
USAGES = {
    "signing", "digital signature", "content commitment", "key encipherment", "key agreement", "data encipherment",
    "cert sign", "crl sign", "encipher only", "decipher only", "any", "server auth", "client auth", "code signing"}


def openssl(*words, data=None):
    done = subprocess.run(["openssl", *words], input=data, capture_output=True, timeout=30)
    return done.stdout if done.returncode == 0 else None


class CertificateRequests:
    def __init__(self, server):
        self.server = server

    def prepare_create(self, csr, user):
        spec = csr.setdefault("spec", {})
        # Whoever asks is written down by the server, whatever the request says.
        spec["username"], spec["groups"] = user.name, list(user.groups)
        if user.uid:
            spec["uid"] = user.uid
        csr["status"] = {}

    def prepare_update(self, csr, old, subresource):
        csr["spec"] = old["spec"]
        if not subresource:
            csr["status"] = old["status"]

    def validate(self, problems, csr, old):
        spec = csr["spec"]
        text = base64.b64decode(spec.get("request", ""))
        if b"-----BEGIN CERTIFICATE REQUEST-----" not in text:
            problems.invalid("spec.request", spec.get("request", ""), "PEM block type must be CERTIFICATE REQUEST")
        elif openssl("req", "-noout", "-verify", data=text) is None:
            problems.invalid("spec.request", spec["request"], "it cannot be parsed, or is not signed by its key")
        if not spec.get("usages"):
            problems.required("spec.usages")
        if len(set(spec.get("usages", []))) != len(spec.get("usages", [])):
            problems.duplicate("spec.usages", spec["usages"])
        for number, usage in enumerate(spec.get("usages", [])):
            if usage not in USAGES:
                problems.not_supported(f"spec.usages[{number}]", usage, sorted(USAGES))
        signer = spec.get("signerName", "")
        if not signer:
            problems.required("spec.signerName")
        elif not values.is_qualified_name(signer) or "/" not in signer:
            problems.invalid(
                "spec.signerName", signer, "must be a fully qualified domain and path such as example.com/signer")
        if spec.get("expirationSeconds", 600) < 600:
            problems.invalid(
                "spec.expirationSeconds", spec["expirationSeconds"],
                "may not specify a duration less than 600 seconds (10 minutes)")

    # Admission and the controllers

    @staticmethod
    def subject(csr):
        """(common name, organizations, has alternative names)"""
        text = base64.b64decode(csr["spec"]["request"])
        line = openssl("req", "-noout", "-subject", "-nameopt", "multiline,utf8", data=text).decode()
        names = re.findall(r"^\s+(commonName|organizationName)\s+= (.*)$", line, re.M)
        alternatives = b"Subject Alternative Name" in openssl("req", "-noout", "-text", data=text)
        return (next((value for key, value in names if key == "commonName"), ""),
                [value for key, value in names if key == "organizationName"], alternatives)

    def admit(self, resource, csr, user):
        """NodeRestriction and CertificateSubjectRestriction."""
        noderestriction.admit_request(user, resource, csr, self.subject(csr)[0])
        if csr["spec"].get("signerName") == API_CLIENT and "system:masters" in self.subject(csr)[1]:
            raise Refusal(
                403, "Forbidden",
                f'{resource.plural}.{resource.group} "{csr["metadata"]["name"]}" is forbidden: use of '
                f"{API_CLIENT} signer with system:masters group is not allowed",
                details(resource, csr["metadata"]["name"]))

    def kubelet_problem(self, csr):
        """Why the kubelet's signer would refuse it; None: it would not."""
        common, organizations, alternatives = self.subject(csr)
        usages = set(csr["spec"]["usages"]) - {"key encipherment"}
        if organizations != ["system:nodes"]:
            return "subject organization is not system:nodes"
        if not common.startswith("system:node:"):
            return "subject common name does not begin with system:node: "
        if alternatives:
            return "subjectAltNames are not allowed"
        if usages != {"digital signature", "client auth"}:
            return "usages did not match kubelet client"
        return None

    def decide(self, name, verdict, reason, message, certificate=None):
        """As `kubectl certificate approve`, and the signer after it."""
        with self.server.store.lock:
            csr = self.server.store.get("certificatesigningrequests", "", name)
            now = values.now()
            csr["status"].setdefault("conditions", []).append({
                "type": verdict, "status": "True", "reason": reason, "message": message, "lastUpdateTime": now,
                "lastTransitionTime": now})
            if certificate is not None:
                csr["status"]["certificate"] = base64.b64encode(certificate).decode()
            return self.server.store.put("certificatesigningrequests", "", name, csr)
