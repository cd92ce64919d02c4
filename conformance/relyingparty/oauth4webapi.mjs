// A relying party on oauth4webapi, which leaves the order of the steps to us.
import * as oauth from "oauth4webapi";
import { privateKey, refused, serve, visit } from "./talk.mjs";

// authentication is how the party proves who it is.
async function authentication(job) {
  switch (job.client.token_endpoint_auth_method) {
    case "none":
      return oauth.None();
    case "client_secret_post":
      return oauth.ClientSecretPost(job.client.client_secret);
    case "private_key_jwt":
      return oauth.PrivateKeyJwt(await privateKey(job));
  }
  return oauth.ClientSecretBasic(job.client.client_secret);
}

async function discover(job) {
  const issuer = new URL(job.issuer);
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: job.algorithm ?? "oidc" }));
}

// party is the server, the client and its authentication, as all calls want them.
const party = async job => [await discover(job), job.client, await authentication(job)];

// begin makes an authorization request and what must be kept for its answer.
async function begin([as, client, auth], job) {
  const kept = {
    verifier: job.without_pkce ? oauth.nopkce : oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
  };
  let parameters = new URLSearchParams({
    client_id: client.client_id, response_type: job.hybrid ? "code id_token" : "code", redirect_uri: job.redirect_uri,
    scope: "openid profile email offline_access", state: kept.state, nonce: kept.nonce,
  });
  if (!job.without_pkce) {
    parameters.set("code_challenge", await oauth.calculatePKCECodeChallenge(kept.verifier));
    parameters.set("code_challenge_method", "S256");
  }
  if (job.response_mode) parameters.set("response_mode", job.response_mode);
  if (job.prompt) parameters.set("prompt", job.prompt);
  if (job.signed_request) {
    parameters = new URLSearchParams({ client_id: client.client_id, request: await oauth.issueRequestObject(as, client, parameters, await privateKey(job)) });
  }
  if (job.pushed_request) {
    const pushed = await oauth.processPushedAuthorizationResponse(as, client, await oauth.pushedAuthorizationRequest(as, client, auth, parameters));
    parameters = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri });
  }
  const address = new URL(as.authorization_endpoint);
  address.search = parameters.toString();
  return { address, kept };
}

// finish checks the answer and exchanges the code; the signature of the ID token, too.
async function finish([as, client, auth], job, back, kept) {
  let answer;
  if (job.hybrid) {
    answer = await oauth.validateCodeIdTokenResponse(as, client, back, kept.nonce, kept.state);
  } else {
    const parameters = back instanceof Request ? new URLSearchParams(await oauth.formPostResponse(back)) : back.searchParams;
    answer = oauth.validateAuthResponse(as, client, parameters, kept.state);
  }
  const response = await oauth.authorizationCodeGrantRequest(as, client, auth, answer, job.redirect_uri, kept.verifier);
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: kept.nonce, requireIdToken: true });
  await oauth.validateApplicationLevelSignature(as, response);
  return { tokens, claims: oauth.getValidatedIdTokenClaims(tokens) };
}

async function signIn(p, job) {
  const { address, kept } = await begin(p, job);
  return finish(p, job, await visit(address), { ...kept, ...job.pretend });
}

async function userInfo([as, client], tokens, claims) {
  const response = await oauth.userInfoRequest(as, client, tokens.access_token);
  const info = await oauth.processUserInfoResponse(as, client, claims.sub, response);
  if (client.userinfo_signed_response_alg) await oauth.validateApplicationLevelSignature(as, response);
  return info;
}

async function refresh([as, client, auth], token) {
  const response = await oauth.refreshTokenGrantRequest(as, client, auth, token);
  const tokens = await oauth.processRefreshTokenResponse(as, client, response);
  await oauth.validateApplicationLevelSignature(as, response);
  return tokens;
}

async function introspect([as, client, auth], token) {
  return oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, token));
}

// life is everything from sign-in to sign-out.
async function life(job) {
  const p = await party(job);
  const [as, client, auth] = p;
  const { tokens, claims } = await signIn(p, job);
  const got = { claims, userinfo: await userInfo(p, tokens, claims) };
  const next = await refresh(p, tokens.refresh_token);
  got.rotated = next.refresh_token !== tokens.refresh_token && next.access_token !== tokens.access_token;
  got.claims_again = oauth.getValidatedIdTokenClaims(next);
  await userInfo(p, next, claims);
  const public_ = client.token_endpoint_auth_method === "none";
  if (!public_) got.before = await introspect(p, next.access_token);
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, next.refresh_token));
  if (!public_) got.after = await introspect(p, next.access_token);
  got.revoked = await refused(userInfo(p, next, claims));
  const state = oauth.generateRandomState();
  const end = new URL(as.end_session_endpoint);
  end.search = new URLSearchParams({ id_token_hint: next.id_token, post_logout_redirect_uri: job.post_logout_redirect_uri, state }).toString();
  const back = await visit(end);
  got.signed_out = back.origin + back.pathname === job.post_logout_redirect_uri && back.searchParams.get("state") === state;
  got.silently = await refused(signIn(p, { ...job, prompt: "none" }));
  return got;
}

// reuse uses a refresh token again: at once, which is a retry, and after its
// successor was used, which is a theft.
async function reuse(job) {
  const p = await party(job);
  const { tokens } = await signIn(p, job);
  const [next, again] = await Promise.all([1, 2].map(() => refresh(p, tokens.refresh_token)));
  const last = await refresh(p, next.refresh_token);
  return {
    same: next.refresh_token === again.refresh_token,
    stolen: await refused(refresh(p, tokens.refresh_token)),
    last: await refused(refresh(p, last.refresh_token)),
  };
}

// inject brings the code of another person's browser to a sign-in of one's own.
async function inject(job) {
  const p = await party(job);
  const theirs = await begin(p, job);
  const own = await begin(p, job);
  const stolen = await visit(theirs.address, "victim");
  const back = await visit(own.address, "attacker");
  back.searchParams.set("code", stolen.searchParams.get("code"));
  return {
    injected: await refused(finish(p, job, back, own.kept)),
    afterwards: await refused(finish(p, job, stolen, theirs.kept)),
  };
}

async function credentials([as, client, auth], scope) {
  const response = await oauth.clientCredentialsGrantRequest(as, client, auth, new URLSearchParams({ scope }));
  return oauth.processClientCredentialsResponse(as, client, response);
}

// machine has no person.
async function machine(job) {
  const p = await party(job);
  const tokens = await credentials(p, job.scope);
  return { tokens: { type: tokens.token_type, scope: tokens.scope }, before: await introspect(p, tokens.access_token) };
}

// register registers an application, lives with it, and has it deleted.
async function register(job) {
  const as = await discover({ ...job, algorithm: "oauth2" });
  const enrol = async () =>
    oauth.processDynamicClientRegistrationResponse(await oauth.dynamicClientRegistrationRequest(as, job.metadata, { initialAccessToken: job.initial_access_token }));
  const made = await enrol();
  const at = new URL(made.registration_client_uri);
  const manage = (method, body) =>
    oauth.protectedResourceRequest(made.registration_access_token, method, at, new Headers({ "content-type": "application/json" }), body && JSON.stringify(body));
  const got = await life({ ...job, client: made });
  got.read = await (await manage("GET")).json();
  got.changed = await (await manage("PUT", { ...job.metadata, client_id: made.client_id, client_name: "Another name" })).json();
  got.deleted = (await manage("DELETE")).status;
  got.gone = await refused(manage("GET"));
  got.unknown = await refused(credentials([as, made, await authentication({ client: made })], "openid"));
  got.used_up = await refused(enrol());
  return got;
}

await serve({
  life, reuse, inject, machine, register,
  sign_in: async job => ({ claims: (await signIn(await party(job), job)).claims }),
});
