// How a relying party talks with the test that runs it: a line of JSON each way
// on standard input and output. The test gives a job; meanwhile the party may
// send somebody's browser somewhere, and hears what came back; in the end it
// says what it got, or what refused.
import { createInterface } from "node:readline";
import { webcrypto } from "node:crypto";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const say = message => process.stdout.write(JSON.stringify(message) + "\n");

async function hear() {
  const { value, done } = await lines.next();
  if (done) process.exit(0); // the test is over, or dead
  return JSON.parse(value);
}

// visit sends a browser to an address. What it brings to the redirect URI is a
// URL, or a Request where it is posted.
export async function visit(address, browser = "") {
  say({ visit: String(address), browser });
  const back = await hear();
  if (back.form === undefined) return new URL(back.url);
  return new Request(back.url, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: back.form });
}

// serve does jobs until there are no more.
export async function serve(flows) {
  for (;;) {
    const job = await hear();
    try {
      say({ got: await flows[job.flow](job) });
    } catch (err) {
      say({ refused: await refusal(err) });
    }
  }
}

// refusal says who refused: "error" is the broker's word (RFC 6749, section
// 5.2; RFC 6750, section 3.1), "code" the library's, "why" both in sentences.
// The libraries stop reading at a challenge that says less than the body.
async function refusal(err) {
  const challenged = Array.isArray(err.cause) ? err.cause[0].parameters : {};
  const body = challenged.error === undefined && err.response?.bodyUsed === false ? await err.response.json().catch(() => ({})) : {};
  const inner = err.cause instanceof Error ? err.cause.message : "";
  return { error: err.error ?? challenged.error ?? body.error, code: err.code, status: err.status, why: `${err.name}: ${err.message} ${inner}` };
}

// refused is the refusal of what must not succeed.
export async function refused(promise) {
  try {
    await promise;
  } catch (err) {
    return await refusal(err);
  }
  return null;
}

const algorithms = {
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  EdDSA: { name: "Ed25519" },
  PS256: { name: "RSA-PSS", hash: "SHA-256" },
};

// privateKey is the key that a job brings for what the party signs.
export async function privateKey({ key }) {
  const { alg, use, ...jwk } = key;
  return { key: await webcrypto.subtle.importKey("jwk", jwk, algorithms[alg], false, ["sign"]), kid: jwk.kid };
}
