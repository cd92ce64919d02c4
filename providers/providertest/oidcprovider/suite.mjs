// npm oidc-provider as an OpenID Provider for our conformance suite: every
// response type, open registration, four clients. It listens on a free port of
// the loopback interface, over TLS, and prints its issuer as one line of JSON
// when it is ready.
//
//   node suite.mjs <redirect_uri> <post_logout_redirect_uri> <certificate> <key>
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { Provider } from "oidc-provider";
import MemoryAdapter, { setStorage } from "oidc-provider/lib/adapters/memory_adapter.js";

setStorage(new Map()); // its own forgets clients after a thousand entries, and all plans together are more

const [redirect, afterLogout, cert, key] = process.argv.slice(2);
const ada = {
  name: "Ada Example", given_name: "Ada", family_name: "Example", preferred_username: "ada", updated_at: 1700000000,
  email: "ada@example.org", email_verified: true, phone_number: "+41 22 000 00 00", phone_number_verified: true,
  address: { locality: "Geneva", country: "CH" },
};
const client = (id, method, more) => ({
  client_id: id, client_secret: "a-secret-of-the-test-0123456789-" + id, redirect_uris: [redirect], post_logout_redirect_uris: [afterLogout],
  response_types: ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"],
  grant_types: ["authorization_code", "implicit", "refresh_token"], token_endpoint_auth_method: method, ...more,
});

let handler = (req, res) => res.writeHead(503).end();
const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (req, res) => handler(req, res));
server.listen(0, "127.0.0.1", () => {
  const issuer = `https://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    adapter: (model) => new MemoryAdapter(model),
    clients: [
      client("first", "client_secret_basic"), client("second", "client_secret_basic"), client("post", "client_secret_post"),
      client("told", "client_secret_basic", { backchannel_logout_uri: redirect.replace(/callback$/, "backchannel_logout") }),
    ],
    claims: {
      acr: null, auth_time: null, openid: ["sub"],
      profile: ["name", "given_name", "family_name", "preferred_username", "updated_at"],
      email: ["email", "email_verified"], phone: ["phone_number", "phone_number_verified"], address: ["address"],
    },
    cookies: { keys: ["test"], long: { signed: true, httpOnly: true, overwrite: true, sameSite: "none" } },
    enableHttpPostMethods: true,
    clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
    subjectTypes: ["public", "pairwise"],
    pairwiseIdentifier: (_ctx, sub, { sectorIdentifier }) => createHash("sha256").update(sectorIdentifier + " " + sub).digest("hex"),
    pkce: { required: () => false },
    responseTypes: ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token", "none"],
    rotateRefreshToken: true,
    features: {
      devInteractions: { enabled: true }, claimsParameter: { enabled: true }, registration: { enabled: true }, registrationManagement: { enabled: true },
      requestObjects: { enabled: true }, revocation: { enabled: true }, introspection: { enabled: true }, backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true }, jwtUserinfo: { enabled: true },
    },
    fetch: (url, { dispatcher, ...options }) => fetch(url, options), // the dispatcher keeps it from the loopback interface, where the suite is
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...ada }) }),
  });
  handler = provider.callback();
  console.log(JSON.stringify({ issuer }));
});

// The test holds our standard input open; when it dies, so do we.
process.stdin.resume().on("end", () => process.exit(0));
