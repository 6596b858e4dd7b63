# SPDX-License-Identifier: Apache-2.0
"""Certificates of every kind that a client can come with, made with openssl."""

import pathlib
import subprocess


def openssl(*words, stdin=None):
    done = subprocess.run(["openssl", *map(str, words)], input=stdin, capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise AssertionError(f"openssl {words}: {done.stderr}")
    return done.stdout


class Authority:
    """A CA with its key in a directory."""

    def __init__(self, directory, name="clients"):
        self.directory = pathlib.Path(directory)
        self.name = name
        self.certificate, self.key = self.directory / f"{name}.crt", self.directory / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate)
        self.number = 0

    def subordinate(self, name):
        """Another authority, signed by this one."""
        other = object.__new__(Authority)
        other.directory, other.name, other.number = self.directory, name, 0
        other.certificate, other.key = self.directory / f"{name}.crt", self.directory / f"{name}.key"
        request, extra = self.directory / f"{name}.csr", self.directory / f"{name}.ext"
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", other.key, "-out", request)
        extra.write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", "2", "-extfile", extra, "-out", other.certificate)
        return other

    def issue(self, subject, usage="clientAuth", names="", begins=None, ends=None, kind="ec"):
        """(certificate, key) files. `begins` and `ends` are openssl's UTC times, otherwise now and two days."""
        self.number += 1
        stem = self.directory / f"{self.name}-{self.number}"
        certificate, key, request = stem.with_suffix(".crt"), stem.with_suffix(".key"), stem.with_suffix(".csr")
        options = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["rsa:2048"]
        openssl("req", "-newkey", *options, "-nodes", "-subj", subject, "-keyout", key, "-out", request)
        extensions = f"extendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n"
        if names:
            extensions += f"subjectAltName={names}\n"
        self.certify(stem, extensions, begins, ends)
        return certificate, key

    def sign(self, request, begins=None, ends=None):
        """A client's certificate for somebody else's request; both are PEM."""
        self.number += 1
        stem = self.directory / f"{self.name}-{self.number}"
        stem.with_suffix(".csr").write_bytes(request)
        self.certify(stem, "extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n", begins, ends)
        return stem.with_suffix(".crt").read_bytes()

    def certify(self, stem, extensions, begins, ends):
        """STEM.crt from STEM.csr."""
        request, certificate, extra = stem.with_suffix(".csr"), stem.with_suffix(".crt"), stem.with_suffix(".ext")
        extra.write_text(extensions)
        if begins or ends:
            # x509 cannot date a certificate, ca can.
            index = stem.with_suffix(".index")
            index.write_text("")
            serial = stem.with_suffix(".serial")
            serial.write_text(f"{self.number:04x}\n")
            config = stem.with_suffix(".cnf")
            config.write_text(
                f"[ca]\ndefault_ca=d\n[d]\ndatabase={index}\nserial={serial}\nnew_certs_dir={self.directory}\n"
                "default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\norganizationName=optional\n")
            openssl("ca", "-batch", "-config", config, "-cert", self.certificate, "-keyfile", self.key, "-in", request,
                    "-out", certificate, "-notext", "-extfile", extra, "-startdate", begins or "20200101000000Z",
                    "-enddate", ends or "20400101000000Z")
        else:
            openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                    "-days", "2", "-extfile", extra, "-out", certificate)


def self_signed(directory, subject, name="stranger"):
    directory = pathlib.Path(directory)
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            subject, "-keyout", key, "-out", certificate, "-addext", "extendedKeyUsage=clientAuth")
    return certificate, key
