// Solves the challenge of a form while its fields are filled in: it looks for a
// number with which the SHA-256 of "challenge:number" begins with enough zero
// bits (limits/proof.go). A form that is sent before waits for it. It works in
// slices, so that the page stays usable, and without a worker, since
// that would need another door in the content security policy.
"use strict";

const K = new Uint32Array(64);
{
  // The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, section 4.2.2).
  let n = 0;
  for (let p = 2; n < 64; p++) {
    let prime = true;
    for (let d = 2; d * d <= p; d++) if (p % d === 0) { prime = false; break; }
    if (prime) K[n++] = (Math.cbrt(p) % 1) * 4294967296;
  }
}
const H = new Uint32Array([0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]);
const W = new Uint32Array(64);

function compress(state, block, at) {
  for (let i = 0; i < 16; i++, at += 4) W[i] = (block[at] << 24) | (block[at + 1] << 16) | (block[at + 2] << 8) | block[at + 3];
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15], y = W[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = (W[i - 16] + s0 + W[i - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const S1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + S1 + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
    const S0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (S0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

// The challenge and its colon are 77 bytes: the first block is always the same,
// and the number ends in the second.
function solver(challenge, bits) {
  const head = new TextEncoder().encode(challenge + ":");
  const block = new Uint8Array(64 * Math.ceil((head.length + 20 + 9) / 64));
  const fixed = 64 * Math.floor(head.length / 64);
  const before = H.slice();
  block.set(head);
  for (let at = 0; at < fixed; at += 64) compress(before, block, at);
  let number = 0;
  return (until) => {
    const state = new Uint32Array(8);
    while (performance.now() < until) {
      for (let i = 0; i < 500; i++, number++) {
        const digits = String(number);
        block.fill(0, head.length);
        for (let d = 0; d < digits.length; d++) block[head.length + d] = digits.charCodeAt(d);
        const length = head.length + digits.length;
        const end = 64 * Math.ceil((length + 9) / 64);
        block[length] = 0x80;
        new DataView(block.buffer).setUint32(end - 4, length * 8);
        state.set(before);
        for (let at = fixed; at < end; at += 64) compress(state, block, at);
        if (Math.clz32(state[0]) >= bits) return digits;
      }
    }
    return "";
  };
}

for (const box of document.querySelectorAll("[data-challenge]")) {
  const form = box.closest("form");
  const step = solver(box.dataset.challenge, Number(box.dataset.bits));
  let sent = null; // the button that was pressed before the solution was there
  const said = box.querySelector("[role=status]");
  const tell = (text) => { said.textContent = text; };
  form.addEventListener("submit", (event) => {
    if (form.elements.solution.value) return;
    event.preventDefault();
    sent = event.submitter || form;
    tell(box.dataset.wait);
  });
  const work = () => {
    const found = step(performance.now() + 40);
    if (!found) return setTimeout(work, 5);
    form.elements.solution.value = found;
    tell(box.dataset.done);
    if (sent) form.requestSubmit(sent === form ? undefined : sent);
  };
  tell(box.dataset.busy);
  work();
}
