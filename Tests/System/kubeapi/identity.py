# SPDX-License-Identifier: Apache-2.0
"""Who asks: a client certificate, a bearer token, or nobody."""

import dataclasses
import datetime
import ssl

from .refusal import unauthorized

AUTHENTICATED = "system:authenticated"


@dataclasses.dataclass(frozen=True)
class User:
    name: str
    groups: tuple = ()
    uid: str = ""

    @property
    def is_node(self):
        return self.name.startswith("system:node:") and "system:nodes" in self.groups

    @property
    def node_name(self):
        return self.name.removeprefix("system:node:")


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


def authenticated(name, groups, uid=""):
    groups = tuple(groups)
    return User(name, groups if AUTHENTICATED in groups else (*groups, AUTHENTICATED), uid)


def service_account(namespace, name):
    return authenticated(
        f"system:serviceaccount:{namespace}:{name}", ("system:serviceaccounts", f"system:serviceaccounts:{namespace}"))


def bootstrap_user(token_id, *groups):
    """Whom a bootstrap token stands for."""
    return authenticated(f"system:bootstrap:{token_id}", ("system:bootstrappers", *groups))


def certificate_user(certificate, issuer):
    """Of `ssl`'s getpeercert(); None: no certificate. The handshake has checked the chain, but not the time.

    A real server takes any certificate in the handshake and answers 401 to one that is no good; so does this one to
    an expired one, and to one of an authority that it only pretends to trust.
    """
    if not certificate:
        return None
    now = datetime.datetime.now(datetime.timezone.utc).timestamp()
    begins, ends = (ssl.cert_time_to_seconds(certificate[field]) for field in ("notBefore", "notAfter"))
    if not begins <= now <= ends or name_of(certificate["issuer"], "commonName") != [issuer]:
        raise unauthorized()
    common = name_of(certificate["subject"], "commonName")
    return authenticated(common[0], name_of(certificate["subject"], "organizationName")) if common else None


def name_of(name, attribute):
    return [value for parts in name for key, value in parts if key == attribute]


def token_user(header, tokens):
    """Of an Authorization header; None: there is no token in it."""
    words = (header or "").strip().split(" ")
    if len(words) < 2 or words[0].lower() != "bearer" or not words[1]:
        return None
    if words[1] not in tokens:
        raise unauthorized()
    return tokens[words[1]]


def authenticate(certificate, issuer, header, tokens):
    """The first that succeeds; a bad credential is a 401 even where another one would be nobody's."""
    problem = None
    for look in (lambda: certificate_user(certificate, issuer), lambda: token_user(header, tokens)):
        try:
            user = look()
        except Exception as error:
            problem = problem or error
            continue
        if user is not None:
            return user
    if problem is not None:
        raise problem
    return ANONYMOUS
