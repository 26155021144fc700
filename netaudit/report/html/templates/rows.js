// The filter of pages whose rows are all in the document: it hides those that do not have the words.
"use strict";
(() => {
  const form = document.getElementById("filter");
  if (!form) return;
  const rows = [...document.querySelectorAll("[data-row]")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const outcome = document.getElementById("outcome");
  const reset = document.getElementById("filter-reset");
  let at = "";

  const chosen = () => ({ q: form.elements.q.value.trim(), tone: form.elements.tone?.value ?? "" });

  function writeAddress({ q, tone }) {
    const words = new URLSearchParams();
    if (q) words.set("q", q);
    if (tone) words.set("tone", tone);
    if (at) words.set("at", at);
    try { history.replaceState(null, "", words.size ? `#${words}` : location.pathname + location.search); } catch { /* the view is only not kept */ }
  }

  function readAddress() {
    const hash = location.hash.slice(1);
    if (hash && !hash.includes("=")) { at = decodeURIComponent(hash); return; }
    const words = new URLSearchParams(hash);
    form.elements.q.value = words.get("q") ?? "";
    if (form.elements.tone) form.elements.tone.value = words.get("tone") ?? "";
    at = words.get("at") ?? "";
  }

  function apply() {
    const filter = chosen();
    const words = filter.q.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, place) => {
      const fits = words.every((word) => texts[place].includes(word)) && (!filter.tone || row.dataset.tone === undefined || row.dataset.tone === filter.tone);
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    const total = rows.length.toLocaleString("en");
    outcome.textContent = shown === rows.length ? `${total} entries` : `${shown.toLocaleString("en")} of ${total} entries`;
    reset.hidden = !filter.q && !filter.tone;
    writeAddress(filter);
  }

  let waiting = 0;
  form.addEventListener("input", () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(apply); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => { at = ""; requestAnimationFrame(() => { apply(); form.elements.q.focus(); }); });
  addEventListener("hashchange", () => { readAddress(); apply(); });
  document.addEventListener("netaudit:at", (event) => { at = event.detail; writeAddress(chosen()); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.target.closest("input, select, textarea")) { event.preventDefault(); form.elements.q.focus(); }
    if (event.key === "Escape" && event.target.closest("#filter") && !reset.hidden) form.reset();
  });

  form.hidden = false;
  readAddress();
  apply();
  const target = at && document.getElementById(at);
  if (target) window.netaudit.goTo(target);
  document.documentElement.dataset.ready = "yes";
})();
