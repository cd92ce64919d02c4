"""A relying party on Authlib, in Flask, as its guide has it. It talks with the
test that runs it as talk.mjs does."""

import json
import re
import secrets
import sys
import time
from urllib.parse import urlsplit

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from flask import Flask, request
from joserfc.jwk import import_key
from requests import HTTPError

SCOPE = "openid profile email offline_access"


def say(message):
    print(json.dumps(message), flush=True)


def visit(address, browser=""):
    say({"visit": address, "browser": browser})
    return json.loads(sys.stdin.readline())


def refusal(err):
    """Who refused: "error" is the broker's word, "why" says more."""
    why = {"why": f"{type(err).__name__}: {err}"}
    if isinstance(err, HTTPError):
        challenge = re.search(r'error="(\w+)"', err.response.headers.get("WWW-Authenticate", ""))
        return why | {"status": err.response.status_code, "error": challenge[1] if challenge else ""}
    # The library has words of its own for what it refuses itself.
    broker = isinstance(err, OAuthError) and type(err) is OAuthError
    return why | {"error": err.error if broker else ""}


def refused(act, *args):
    try:
        act(*args)
    except Exception as err:
        return refusal(err)
    return None


class Party:
    """One application, and a browser that keeps its cookies."""

    def __init__(self, job):
        self.job, self.client = job, job["client"]
        self.app = Flask(__name__)
        self.app.secret_key, self.app.testing = secrets.token_hex(), True
        method = self.client["token_endpoint_auth_method"]
        self.kwargs = {
            "scope": SCOPE,
            "token_endpoint_auth_method": method,
            "revocation_endpoint_auth_method": method,
            "code_challenge_method": None if job.get("without_pkce") else "S256",
        }
        self.secret, self.methods = self.client.get("client_secret"), []
        if method == "private_key_jwt":
            self.secret, self.methods = import_key(job["key"]), [(method, self.prove)]
        self.broker = OAuth(self.app).register(
            "broker",
            client_id=self.client["client_id"],
            client_secret=self.secret,
            server_metadata_url=job["issuer"] + "/.well-known/openid-configuration",
            client_kwargs=self.kwargs,
            client_auth_methods=self.methods,
        )
        extra = {name: job[name] for name in ("response_mode", "prompt") if job.get(name)}
        self.app.add_url_rule("/login", "login", lambda: self.broker.authorize_redirect(job["redirect_uri"], **extra))
        self.app.add_url_rule("/callback", "callback", lambda: dict(self.broker.authorize_access_token()), methods=["GET", "POST"])
        self.app.add_url_rule("/sign-out", "sign_out", lambda: self.broker.logout_redirect(job["post_logout_redirect_uri"], request.args["id_token"]))
        self.app.add_url_rule("/signed-out", "signed_out", lambda: self.broker.validate_logout_response())
        self.browser = self.app.test_client()
        self.base = "https://" + urlsplit(job["redirect_uri"]).netloc

    def prove(self, *call):
        """The library's own assertions are for the token endpoint and good for
        an hour; the broker takes its issuer and five minutes. The claims are
        new each time, since the library would send the same jti again."""
        alg = self.job["key"]["alg"]
        return PrivateKeyJWT(self.job["issuer"], claims={"exp": int(time.time()) + 60}, alg=alg)(*call)

    def session(self):
        """What the application uses when nobody is there."""
        session = OAuth2Session(self.client["client_id"], self.secret, **self.kwargs, **self.broker.load_server_metadata())
        for method in self.methods:
            session.register_client_auth_method(method)
        return session

    def begin(self):
        return self.browser.get("/login", base_url=self.base).location

    def finish(self, back):
        for name, value in self.job.get("pretend", {}).items():
            with self.browser.session_transaction(base_url=self.base) as session:
                for key in [k for k in session if k.startswith("_state_")]:
                    session[key]["data"][{"verifier": "code_verifier"}.get(name, name)] = value
                    session.modified = True
        path = urlsplit(back["url"])
        if "form" in back:
            kind = "application/x-www-form-urlencoded"
            return self.browser.post(path.path, base_url=self.base, data=back["form"], content_type=kind).json
        return self.browser.get(f"{path.path}?{path.query}", base_url=self.base).json

    def sign_in(self):
        return self.finish(visit(self.begin()))

    def user_info(self, token):
        with self.app.app_context():
            return self.broker.userinfo(token=token)

    def sign_out(self, token):
        out = self.browser.get("/sign-out", base_url=self.base, query_string={"id_token": token["id_token"]})
        back = urlsplit(visit(out.location)["url"])
        state = self.browser.get(f"{back.path}?{back.query}", base_url=self.base).json
        return state["post_logout_redirect_uri"] == f"{self.base}{back.path}"


def life(job):
    """Everything from sign-in to sign-out."""
    p = Party(job)
    token = p.sign_in()
    got = {"claims": token["userinfo"], "userinfo": p.user_info(token)}
    session, metadata = p.session(), p.broker.load_server_metadata()
    after = session.refresh_token(refresh_token=token["refresh_token"])
    got["rotated"] = all(after[name] != token[name] for name in ("refresh_token", "access_token"))
    with p.app.app_context():
        # An ID token of a refresh need not have the nonce (OpenID Connect Core 1.0, section 12.2).
        got["claims_again"] = p.broker.parse_id_token(after, nonce=None)
    p.user_info(after)
    public = p.client["token_endpoint_auth_method"] == "none"
    inspect = lambda: session.introspect_token(metadata["introspection_endpoint"], token=after["access_token"]).json()
    if not public:
        got["before"] = inspect()
    session.revoke_token(metadata["revocation_endpoint"], token=after["refresh_token"]).raise_for_status()
    if not public:
        got["after"] = inspect()
    got["revoked"] = refused(p.user_info, after)
    got["signed_out"] = p.sign_out(after)
    # The library reads errors in queries alone.
    got["silently"] = refused(Party(job | {"prompt": "none", "response_mode": None}).sign_in)
    return got


def reuse(job):
    """A refresh token again: at once, and after its successor was used."""
    p = Party(job)
    token = p.sign_in()
    refresh = lambda t: p.session().refresh_token(refresh_token=t["refresh_token"])
    after, again = refresh(token), refresh(token)
    last = refresh(after)
    return {
        "same": after["refresh_token"] == again["refresh_token"],
        "stolen": refused(refresh, token),
        "last": refused(refresh, last),
    }


def inject(job):
    """The code of another person's browser, brought to a sign-in of one's own."""
    theirs, own = Party(job), Party(job)
    stolen, back = visit(theirs.begin(), "victim"), visit(own.begin(), "attacker")
    code = re.compile(r"\bcode=([^&]*)")
    mixed = {"url": code.sub("code=" + code.search(stolen["url"])[1], back["url"])}
    return {"injected": refused(own.finish, mixed), "afterwards": refused(theirs.finish, stolen)}


def machine(job):
    """No person is there."""
    p = Party(job)
    session = p.session()
    token = session.fetch_token(grant_type="client_credentials", scope=job["scope"])
    told = session.introspect_token(p.broker.load_server_metadata()["introspection_endpoint"], token=token["access_token"])
    return {"tokens": {"type": token["token_type"], "scope": token["scope"]}, "before": told.json()}


flows = {
    "life": life, "reuse": reuse, "inject": inject, "machine": machine,
    "sign_in": lambda job: {"claims": Party(job).sign_in()["userinfo"]},
}
for line in sys.stdin:
    job = json.loads(line)
    try:
        say({"got": flows[job["flow"]](job)})
    except Exception as err:
        say({"refused": refusal(err)})
