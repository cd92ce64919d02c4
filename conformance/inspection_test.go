package conformance

// inspection runs in a page and returns what is wrong with it for people who
// see it small, hear it, or need contrast: it is what can be told without
// knowing the page (WCAG 2.2: 1.3.1, 1.4.3, 1.4.10, 2.4.2, 2.5.8, 3.1.1, 3.3.2, 4.1.2).
const inspection = `(() => {
  const problems = [];
  const say = (what, e) => problems.push(what + (e ? ": " + e.outerHTML.slice(0, 160) : ""));
  const shown = e => e.checkVisibility({visibilityProperty: true, opacityProperty: true}) && e.getClientRects().length > 0;
  for (const a of document.getAnimations()) a.finish(); // a colour on its way to another is neither
  if (!document.title) say("no title");
  if (!document.documentElement.lang) say("no language");
  if (document.querySelectorAll("h1").length != 1) say(document.querySelectorAll("h1").length + " h1");
  if (!document.querySelector("main")) say("no main");
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) say("wider than the screen by " + wide + " px");
  const ids = new Set();
  for (const e of document.querySelectorAll("[id]")) { if (ids.has(e.id)) say("id twice", e); ids.add(e.id); }
  for (const e of document.querySelectorAll("[aria-describedby], [aria-labelledby]"))
    for (const a of ["aria-describedby", "aria-labelledby"])
      for (const id of (e.getAttribute(a) || "").split(/\s+/).filter(Boolean)) if (!ids.has(id)) say(a + " leads nowhere", e);
  for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
    if (shown(e) && !(e.labels && e.labels.length) && !e.getAttribute("aria-label") && !e.getAttribute("aria-labelledby")) say("field without label", e);
  for (const e of document.querySelectorAll("a[href], button"))
    if (shown(e) && !e.innerText.trim() && !e.getAttribute("aria-label") && !e.getAttribute("title")) say("nothing to read out", e);
  for (const e of document.querySelectorAll("img")) if (!e.hasAttribute("alt")) say("no alt", e);
  for (const e of document.querySelectorAll("button, input:not([type=hidden]):not([type=checkbox]):not([type=radio]), select, a.button"))
    if (shown(e) && e.getBoundingClientRect().height < 43.5) say("lower than 44 px (" + e.getBoundingClientRect().height + ")", e);

  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = c => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const over = (a, b) => a.slice(0, 3).map((v, i) => v * a[3] / 255 + b[i] * (1 - a[3] / 255)).concat(255);
  const ground = e => {
    const layers = [];
    for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3]) layers.push(c); if (c[3] == 255) break; }
    let c = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18, 255] : [255, 255, 255, 255];
    for (const l of layers.reverse()) c = over(l, c);
    return c;
  };
  const light = c => { const [r, g, b] = c.map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const told = new Set();
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || told.has(e) || !shown(e) || e.closest("[disabled]")) continue;
    told.add(e);
    if (/^[a-z_]+(\.[a-z_]+)+$/.test(walker.currentNode.data.trim()) && !e.closest("code, .code, .host, dd")) say("a key without words", e);
    const s = getComputedStyle(e), size = parseFloat(s.fontSize);
    const large = size >= 24 || (size >= 18.66 && s.fontWeight >= 700);
    const back = ground(e), got = ratio(over(rgba(s.color), back), back);
    if (got < (large ? 3 : 4.5)) say("contrast " + got.toFixed(2), e);
  }
  for (const e of document.querySelectorAll("input:not([type=hidden]):not([type=checkbox]):not([type=radio]), select")) {
    if (!shown(e)) continue;
    const back = ground(e.parentElement), s = getComputedStyle(e);
    const got = Math.max(ratio(over(rgba(s.borderTopColor), back), back), ratio(over(rgba(s.backgroundColor), back), back));
    if (got < 3) say("outline of contrast " + got.toFixed(2), e);
  }
  return problems;
})()`
