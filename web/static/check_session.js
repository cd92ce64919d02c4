// Answers applications that ask whether the session behind their tokens still
// stands (OpenID Connect Session Management 1.0, section 3.2). It computes
// what tokens/sessionstate.go computed, and asks nobody.
"use strict";

function browserState() {
  const name = (location.protocol === "https:" ? "__Secure-" : "") + "broker_state=";
  const found = document.cookie.split("; ").find((c) => c.startsWith(name));
  return found ? found.slice(name.length) : "";
}

async function check(message, origin) {
  const space = message.lastIndexOf(" ");
  const parts = message.slice(space + 1).split(".");
  if (space < 1 || parts.length !== 2 || !parts[0] || !parts[1] || message.length > 2048 || !crypto.subtle) {
    return "error";
  }
  const text = [message.slice(0, space), origin, browserState(), parts[1]].join(" ");
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  const hash = btoa(String.fromCharCode(...sum)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return hash === parts[0] ? "unchanged" : "changed";
}

// The page around this frame may ask, and frames of its origin; where the
// browser does not tell who that is, the origin in the hash decides.
function around() {
  if (location.ancestorOrigins && location.ancestorOrigins.length > 0) return location.ancestorOrigins[0];
  return document.referrer ? new URL(document.referrer).origin : "";
}

addEventListener("message", async (event) => {
  const parent = around();
  if (!event.source || event.origin === "null" || (parent && parent !== event.origin)) return;
  const answer = typeof event.data === "string" ? await check(event.data, event.origin) : "error";
  event.source.postMessage(answer, event.origin);
});
