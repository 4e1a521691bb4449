"""Supabase's keys: JWTs signed with the project's secret, and the new opaque ones."""

import base64
import hashlib
import hmac
import json
import time


class Refusal(Exception):
    """An answer that is an error, in PostgREST's form."""

    def __init__(self, status, code, message, details=None, hint=None):
        self.status = status
        self.body = {"code": code, "details": details, "hint": hint, "message": message}


class Keys:
    """The keys of one project."""

    def __init__(self):
        self._secret = b"super-secret-jwt-token-with-at-least-32-characters"
        self.publishable = "sb_publishable_" + "a" * 22
        self.secret = "sb_secret_" + "b" * 22

    def mint(self, role, seconds=3600, **claims):
        """Make a JWT for a role."""
        body = json.dumps({"role": role, "exp": int(time.time()) + seconds, **claims}).encode()
        head = _b64(b'{"alg":"HS256","typ":"JWT"}') + "." + _b64(body)
        return f"{head}.{self._signature(head)}"

    def unsigned(self, role):
        """Make a JWT that says nobody signed it."""
        body = json.dumps({"role": role, "exp": int(time.time()) + 3600}).encode()
        return _b64(b'{"alg":"none","typ":"JWT"}') + "." + _b64(body) + "."

    def claims(self, token):
        """Read a key, or raise what PostgREST answers."""
        opaque = {self.publishable: "anon", self.secret: "service_role"}
        if token in opaque:
            return {"role": opaque[token]}
        try:
            head, body, signature = token.split(".")
            claims, algorithm = json.loads(_unb64(body)), json.loads(_unb64(head)).get("alg")
        except ValueError as error:
            raise Refusal(401, "PGRST301", "JWSError (CompactDecodeError Invalid number of parts)") from error
        if algorithm != "HS256" or not hmac.compare_digest(signature, self._signature(f"{head}.{body}")):
            raise Refusal(401, "PGRST301", "No suitable key or wrong key type")
        if claims.get("exp", 0) < time.time() - 30:
            raise Refusal(401, "PGRST303", "JWT expired")
        # Whether this role may be taken at all is the database's to say.
        return {**claims, "role": claims.get("role") or "anon"}

    def _signature(self, text):
        return _b64(hmac.new(self._secret, text.encode(), hashlib.sha256).digest())


def _b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
