// The choice to stay signed in stands in each form that signs in, since it is sent with
// it; whoever makes it once has made it for all of them.
"use strict";

(() => {
  const boxes = [...document.querySelectorAll("input[name=remember]")];
  const follow = (from) => { for (const box of boxes) box.checked = from.checked; };
  for (const box of boxes) box.addEventListener("change", () => follow(box));
  addEventListener("pageshow", () => { // the browser may have kept what was chosen
    const chosen = boxes.find((box) => box.checked !== box.defaultChecked);
    if (chosen) follow(chosen);
  });
})();
