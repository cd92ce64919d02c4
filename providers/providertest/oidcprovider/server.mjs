// A real OpenID Provider for tests: npm oidc-provider with two accounts and one
// client. It listens on a free port of the loopback interface and prints its
// issuer as one line of JSON when it is ready.
//
//   node server.mjs <redirect_uri> [<post_logout_redirect_uri> <backchannel_logout_uri>]
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [redirect, afterLogout, logout] = process.argv.slice(2);
const people = {
  ada: { name: "Ada Example", preferred_username: "ada", email: "ada@example.org", email_verified: true },
  bob: { name: "Bob Example", preferred_username: "bob", email: "bob@example.org", email_verified: false },
};

let handler = (req, res) => res.writeHead(503).end();
const server = createServer((req, res) => handler(req, res));
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "my-broker",
        client_secret: "a-secret-of-the-test-0123456789",
        redirect_uris: [redirect],
        ...(logout && { post_logout_redirect_uris: [afterLogout], backchannel_logout_uri: logout, backchannel_logout_session_required: true }),
        response_types: ["code"],
        grant_types: ["authorization_code", "refresh_token"],
        token_endpoint_auth_method: "client_secret_basic",
      },
    ],
    claims: {
      openid: ["sub"],
      profile: ["name", "preferred_username"],
      email: ["email", "email_verified"],
    },
    cookies: { keys: ["test"] },
    pkce: { required: () => true },
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    features: {
      devInteractions: { enabled: true }, revocation: { enabled: true }, introspection: { enabled: true }, rpInitiatedLogout: { enabled: true },
      backchannelLogout: { enabled: true },
    },
    fetch: (url, { dispatcher, ...options }) => fetch(url, options), // the dispatcher keeps it from the loopback interface, where the broker is
    findAccount: (_ctx, sub) => people[sub] && { accountId: sub, claims: () => ({ sub, ...people[sub] }) },
  });
  handler = provider.callback();
  console.log(JSON.stringify({ issuer }));
});

// The test holds our standard input open; when it dies, so do we.
process.stdin.resume().on("end", () => process.exit(0));
