// Some providers put what they say behind "#", where no server sees it. An error
// there is told to us as one in the query is, and held to the same rules. A code
// or a token is not taken from there; it only leaves the history.
"use strict";

// As much as names an error; ours keeps 200 letters of a description.
const longest = 2048;

(() => {
  const said = location.hash.slice(1);
  if (!said) return;
  history.replaceState(null, "", location.pathname + location.search);
  if (said.length > longest) return;
  const told = new URLSearchParams(said), query = new URLSearchParams();
  for (const name of ["error", "error_description", "iss", "state"]) {
    const values = told.getAll(name);
    if (values.length === 1) query.set(name, values[0]); // twice is ambiguous: left out
  }
  if (query.get("error") && query.get("state")) location.replace(location.pathname + "?" + query);
})();
