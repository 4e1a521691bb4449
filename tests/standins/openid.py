"""An OpenID provider: discovery, keys, authorization with PKCE, tokens. It keeps state, and can be told to do wrong.

What is wrong with the next token is named in `wrong`: `signature`, `expired`, `early`, `audience`, `issuer`, `nonce`,
`unsigned`, `shared` (signed by the client's secret), `foreign_key`, `azp`. Faults of HTTP are in `faults`, by path.
"""

import base64
import hashlib
import json
import secrets
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.standins.faults import Faults


class OpenId:
    """One provider with one client, on a port of its own."""

    def __init__(self, now, client="board", secret="a secret of the client & its own"):
        self.client, self.secret, self.now = client, secret, now
        self.faults, self.wrong, self.codes, self.asked = Faults(), "", {}, []
        self.person = {"sub": "ada-1", "preferred_username": "ada@shop.example", "roles": ["operator"]}
        self.redirects = {"http://localhost:7171/auth/back"}
        self.kid, self.key = "first", _key("first")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.issuer = f"http://127.0.0.1:{self._server.server_port}/tenant"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def rotate(self, kid):
        """Sign with another key from now on."""
        self.kid, self.key = kid, _key(kid)

    def authorize(self, address):
        """Sign in as the person, as a browser that follows `address` would; give where it is sent back to."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert address.startswith(f"{self.issuer}/authorize?")
        assert (asked["client_id"], asked["response_type"]) == (self.client, "code")
        assert asked["redirect_uri"] in self.redirects
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.issuer})}"

    def metadata(self):
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/leave",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    def keys(self):
        public = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "ES256"}]}

    def token(self, form, authorization):
        """Exchange a code, once, for whoever has its verifier and the client's secret."""
        told = base64.b64decode(authorization.partition(" ")[2]).decode()
        if [unquote(part) for part in told.split(":")] != [self.client, self.secret]:
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code"), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        fits = asked and asked["code_challenge"] == challenge.rstrip(b"=").decode()
        if not fits or asked["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        return 200, {"token_type": "Bearer", "access_token": "opaque", "id_token": self.id_token(asked["nonce"])}

    def id_token(self, nonce):
        now, key, algorithm, kid = int(self.now().timestamp()), self.key, "ES256", self.kid
        claims = {"iss": self.issuer, "aud": self.client, "iat": now, "exp": now + 300, "nonce": nonce, **self.person}
        claims |= {
            "expired": {"exp": now - 120}, "early": {"iat": now + 600}, "audience": {"aud": "another"},
            "issuer": {"iss": f"{self.issuer}/other"}, "nonce": {"nonce": "of another try"},
            "azp": {"aud": [self.client, "another"], "azp": "another"},
        }.get(self.wrong, {})  # fmt: skip
        match self.wrong:
            case "unsigned":
                key, algorithm = None, "none"
            case "shared":
                key, algorithm = self.secret.ljust(32), "HS256"
            case "foreign_key":
                key, kid = _key("foreign"), "foreign"
            case "signature":
                key = _key("foreign")
        return jwt.encode(claims, key, algorithm, headers={"kid": kid})


@cache
def _key(_name):
    return ec.generate_private_key(ec.SECP256R1())


def _handler(provider):
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            self._answer("GET", "")

        def do_POST(self):
            self._answer("POST", self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _answer(self, method, body):
            path = urlsplit(self.path).path.removeprefix("/tenant")
            provider.asked.append(path)
            fault = provider.faults.take(method, path)
            if path == "/authorize" and not fault:  # a browser: signed in there already, so it is sent back at once
                self.send_response(302)
                self.send_header("Location", provider.authorize(provider.issuer + self.path.removeprefix("/tenant")))
                self.end_headers()
                return
            if fault:
                status, answer = fault.status, fault.message
            elif path == "/.well-known/openid-configuration":
                status, answer = 200, provider.metadata()
            elif path == "/keys":
                status, answer = 200, provider.keys()
            elif path == "/token":
                form = {name: values[-1] for name, values in parse_qs(body).items()}
                status, answer = provider.token(form, self.headers.get("Authorization", ""))
            else:
                status, answer = 404, {}
            text = answer if isinstance(answer, str) else json.dumps(answer)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

    return Handler
