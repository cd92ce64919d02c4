// Narrows the list of providers while somebody types. Where no script runs, the
// form asks the server, which finds the same (i18n/fold.go).
"use strict";

(() => {
  const field = document.getElementById("q"), found = document.getElementById("found");
  const all = [...document.querySelectorAll("[data-find]")], more = document.querySelectorAll("[data-more]");
  // Before anything is typed the page shows what the server chose; a page that
  // the server has searched shows all when the words are taken away.
  const folded = all.map((e) => e.hidden && !field.defaultValue);
  const fold = (s) => s.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  function narrow() {
    const words = fold(field.value).split(/\s+/).filter(Boolean);
    let n = 0;
    all.forEach((e, i) => {
      e.hidden = words.length ? !words.every((w) => e.dataset.find.includes(w)) : folded[i];
      if (!e.hidden) n++;
    });
    for (const e of more) e.hidden = words.length > 0;
    found.textContent = words.length ? (n ? found.dataset.some.replace("{n}", n) : found.dataset.none) : "";
  }

  field.addEventListener("input", narrow);
  field.form.addEventListener("submit", (event) => {
    event.preventDefault(); // it has been searched already: on to what was found
    const first = all.find((e) => !e.hidden);
    if (first) first.focus();
  });
  addEventListener("pageshow", narrow); // the browser may have kept what was typed
})();
