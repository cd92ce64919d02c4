// Lets a passkey of the browser answer a form: it takes the options that the form
// carries, has the browser ask its person, and sends what comes back as text. A form
// shows only where the browser can do that. Fields that are filled in with
// "webauthn" offer passkeys by themselves (conditional mediation).
"use strict";

(() => {
  const encode = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

  // What stands in JSON as base64url becomes bytes.
  function read(text) {
    const o = JSON.parse(text), named = (list) => (list || []).map((c) => ({ ...c, id: decode(c.id) }));
    o.challenge = decode(o.challenge);
    if (o.user) {
      o.user.id = decode(o.user.id);
      o.excludeCredentials = named(o.excludeCredentials);
    } else {
      o.allowCredentials = named(o.allowCredentials);
    }
    return o;
  }

  // And the other way round (PublicKeyCredential.toJSON, which not every browser has).
  function write(c) {
    const response = { clientDataJSON: encode(c.response.clientDataJSON) };
    if (c.response.attestationObject) {
      response.attestationObject = encode(c.response.attestationObject);
      response.transports = c.response.getTransports ? c.response.getTransports() : [];
    } else {
      response.authenticatorData = encode(c.response.authenticatorData);
      response.signature = encode(c.response.signature);
      if (c.response.userHandle) response.userHandle = encode(c.response.userHandle);
    }
    return JSON.stringify({
      id: c.id, rawId: encode(c.rawId), type: c.type, authenticatorAttachment: c.authenticatorAttachment || undefined, response, clientExtensionResults: {},
    });
  }

  const renewAfter = 4 * 60 * 1000; // a challenge lives for five minutes

  function serve(form) {
    const said = form.querySelector("[role=status]:not(.challenge *)"), button = form.querySelector("button");
    const field = document.querySelector("input[autocomplete~=webauthn]");
    let waiting = null; // ends the offer that stands in the field

    const send = (credential) => {
      form.elements.credential.value = write(credential);
      form.requestSubmit();
    };
    const tell = (error) => {
      const why = { NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "known", SecurityError: "insecure" }[error.name] || "failed";
      said.textContent = form.dataset[why];
    };

    async function offer() {
      if (!field || !form.dataset.renew || !PublicKeyCredential.isConditionalMediationAvailable) return;
      if (!(await PublicKeyCredential.isConditionalMediationAvailable())) return;
      for (;;) {
        const mine = waiting = new AbortController();
        const late = setTimeout(() => mine.abort("late"), renewAfter);
        try {
          return send(await navigator.credentials.get({ publicKey: read(form.dataset.passkey), mediation: "conditional", signal: mine.signal }));
        } catch (error) {
          if (mine.signal.reason !== "late") return; // the button was pressed, or the browser does not want to
        } finally {
          clearTimeout(late);
        }
        if (!(await renewed())) return;
      }
    }

    // renewed gets a newer challenge when somebody looks at the page.
    async function renewed() {
      while (document.visibilityState !== "visible") await new Promise((seen) => document.addEventListener("visibilitychange", seen, { once: true }));
      try {
        const answer = await fetch(form.dataset.renew, { headers: { Accept: "text/html" } });
        const newer = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("form[data-passkey]");
        if (newer) form.dataset.passkey = newer.dataset.passkey;
        return Boolean(newer);
      } catch {
        return false;
      }
    }

    form.addEventListener("submit", async (event) => {
      if (form.elements.credential.value || event.defaultPrevented) return; // it has been answered, or challenge.js comes first
      event.preventDefault();
      event.stopImmediatePropagation();
      if (waiting) waiting.abort("pressed");
      button.disabled = true;
      said.textContent = form.dataset.wait;
      try {
        const publicKey = read(form.dataset.passkey);
        const credential = publicKey.user ? await navigator.credentials.create({ publicKey }) : await navigator.credentials.get({ publicKey });
        button.disabled = false;
        said.textContent = "";
        send(credential);
      } catch (error) {
        button.disabled = false;
        tell(error);
        if (!form.dataset.renew) return;
        await renewed(); // the browser may have kept the challenge; ours has not been seen by us
        offer();
      }
    });
    // A page that comes back from the browser's memory has been sent before.
    addEventListener("pageshow", () => { form.elements.credential.value = ""; });
    form.hidden = false;
    offer();
  }

  const can = window.PublicKeyCredential && navigator.credentials;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (can) {
      serve(form);
    } else if (!form.dataset.renew) { // its page is for nothing else
      const sorry = document.createElement("p");
      sorry.className = "hint";
      sorry.textContent = form.dataset.unsupported;
      form.before(sorry);
    }
  }
})();
