// A relying party on openid-client.
import * as client from "openid-client";
import { privateKey, refused, serve, visit } from "./talk.mjs";

// authentication is how the party proves who it is.
async function authentication(job) {
  switch (job.client.token_endpoint_auth_method) {
    case "none":
      return client.None();
    case "client_secret_post":
      return client.ClientSecretPost(job.client.client_secret);
    case "private_key_jwt":
      return client.PrivateKeyJwt(await privateKey(job));
  }
  return client.ClientSecretBasic(job.client.client_secret);
}

// The library leaves signatures from the token endpoint to TLS unless told otherwise.
const extensions = job => [client.enableNonRepudiationChecks, ...(job.hybrid ? [client.useCodeIdTokenResponseType] : [])];

async function configure(job) {
  return client.discovery(new URL(job.issuer), job.client.client_id, job.client, await authentication(job), { execute: extensions(job) });
}

// begin makes an authorization request and what must be kept for its answer.
async function begin(config, job) {
  const kept = {
    verifier: job.without_pkce ? undefined : client.randomPKCECodeVerifier(),
    state: client.randomState(),
    nonce: client.randomNonce(),
  };
  const parameters = { redirect_uri: job.redirect_uri, scope: "openid profile email offline_access", state: kept.state, nonce: kept.nonce };
  if (kept.verifier) {
    parameters.code_challenge = await client.calculatePKCECodeChallenge(kept.verifier);
    parameters.code_challenge_method = "S256";
  }
  if (job.response_mode) parameters.response_mode = job.response_mode;
  if (job.prompt) parameters.prompt = job.prompt;
  let address = client.buildAuthorizationUrl(config, parameters);
  if (job.signed_request) address = await client.buildAuthorizationUrlWithJAR(config, parameters, await privateKey(job));
  if (job.pushed_request) address = await client.buildAuthorizationUrlWithPAR(config, address.searchParams);
  return { address, kept };
}

// finish checks the answer and exchanges the code.
async function finish(config, back, { verifier, state, nonce }) {
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  const tokens = await client.authorizationCodeGrant(config, back, checks);
  return { tokens, claims: tokens.claims() };
}

async function signIn(config, job) {
  const { address, kept } = await begin(config, job);
  return finish(config, await visit(address), { ...kept, ...job.pretend });
}

const userInfo = (config, tokens, claims) => client.fetchUserInfo(config, tokens.access_token, claims.sub);

// life is everything from sign-in to sign-out.
async function life(job) {
  return live(await configure(job), job);
}

async function live(config, job) {
  const { tokens, claims } = await signIn(config, job);
  const got = { claims, userinfo: await userInfo(config, tokens, claims) };
  const next = await client.refreshTokenGrant(config, tokens.refresh_token);
  got.rotated = next.refresh_token !== tokens.refresh_token && next.access_token !== tokens.access_token;
  got.claims_again = next.claims();
  await userInfo(config, next, claims);
  const public_ = job.client.token_endpoint_auth_method === "none";
  if (!public_) got.before = await client.tokenIntrospection(config, next.access_token);
  await client.tokenRevocation(config, next.refresh_token);
  if (!public_) got.after = await client.tokenIntrospection(config, next.access_token);
  got.revoked = await refused(userInfo(config, next, claims));
  const state = client.randomState();
  const end = client.buildEndSessionUrl(config, { id_token_hint: next.id_token, post_logout_redirect_uri: job.post_logout_redirect_uri, state });
  const back = await visit(end);
  got.signed_out = back.origin + back.pathname === job.post_logout_redirect_uri && back.searchParams.get("state") === state;
  got.silently = await refused(signIn(config, { ...job, prompt: "none" }));
  return got;
}

// reuse uses a refresh token again: at once, which is a retry, and after its
// successor was used, which is a theft.
async function reuse(job) {
  const config = await configure(job);
  const { tokens } = await signIn(config, job);
  const [next, again] = await Promise.all([1, 2].map(() => client.refreshTokenGrant(config, tokens.refresh_token)));
  const last = await client.refreshTokenGrant(config, next.refresh_token);
  return {
    same: next.refresh_token === again.refresh_token,
    stolen: await refused(client.refreshTokenGrant(config, tokens.refresh_token)),
    last: await refused(client.refreshTokenGrant(config, last.refresh_token)),
  };
}

// inject brings the code of another person's browser to a sign-in of one's own.
async function inject(job) {
  const config = await configure(job);
  const theirs = await begin(config, job);
  const own = await begin(config, job);
  const stolen = await visit(theirs.address, "victim");
  const back = await visit(own.address, "attacker");
  back.searchParams.set("code", stolen.searchParams.get("code"));
  return {
    injected: await refused(finish(config, back, own.kept)),
    afterwards: await refused(finish(config, stolen, theirs.kept)),
  };
}

// machine has no person.
async function machine(job) {
  const config = await configure(job);
  const tokens = await client.clientCredentialsGrant(config, { scope: job.scope });
  return { tokens: { type: tokens.token_type, scope: tokens.scope }, before: await client.tokenIntrospection(config, tokens.access_token) };
}

// register registers an application, lives with it, and has it deleted.
async function register(job) {
  const enrol = () =>
    client.dynamicClientRegistration(new URL(job.issuer), job.metadata, undefined, { initialAccessToken: job.initial_access_token, execute: extensions(job) });
  const config = await enrol();
  const made = config.clientMetadata();
  const at = new URL(made.registration_client_uri);
  const manage = (method, body) =>
    client.fetchProtectedResource(config, made.registration_access_token, at, method, body && JSON.stringify(body), new Headers({ "content-type": "application/json" }));
  const got = await live(config, { ...job, client: made });
  got.read = await (await manage("GET")).json();
  got.changed = await (await manage("PUT", { ...job.metadata, client_id: made.client_id, client_name: "Another name" })).json();
  got.deleted = (await manage("DELETE")).status;
  got.gone = await refused(manage("GET"));
  got.unknown = await refused(client.clientCredentialsGrant(config));
  got.used_up = await refused(enrol());
  return got;
}

await serve({
  life, reuse, inject, machine, register,
  sign_in: async job => ({ claims: (await signIn(await configure(job), job)).claims }),
});
