// The matrix on the screen, and the filter above it. Only the rows in sight are in the document.
"use strict";
(() => {
  const { model, fold, compareNames, goTo } = window.netaudit;
  if (!model) return;
  const { hosts, checks, select, isMeant, WORDS, TONES, MARKS } = model;
  const byId = (id) => document.getElementById(id);
  const form = byId("filter");
  const scroll = byId("matrix-scroll");
  const table = byId("matrix-table");
  const ROW_PX = 28;
  const AHEAD = 14; // rows beyond the edge
  const PRINTED = 400;

  function make(name, properties = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key.includes("-") || key === "role" || key === "scope" || key === "colspan") element.setAttribute(key, value);
      else element[key] = value;
    }
    element.append(...children);
    return element;
  }
  const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

  // The filter and the address

  const EMPTY = { q: "", host: "", group: "", check: "", severity: [], status: [] };
  let filter = { ...EMPTY };
  let folded = true;
  let everything = false;
  let at = "";

  function readForm() {
    const fields = new FormData(form);
    filter = { ...EMPTY };
    for (const name of ["q", "host", "group", "check"]) filter[name] = (fields.get(name) ?? "").trim();
    for (const name of ["severity", "status"]) filter[name] = fields.getAll(name);
    folded = byId("fold").checked;
    everything = byId("everything").checked;
  }

  function writeForm() {
    for (const name of ["q", "host", "group", "check"]) if (form.elements[name]) form.elements[name].value = filter[name];
    for (const name of ["severity", "status"]) for (const box of form.querySelectorAll(`input[name="${name}"]`)) box.checked = filter[name].includes(box.value);
    byId("fold").checked = folded;
    byId("everything").checked = everything;
  }

  const isFiltered = () => Object.values(filter).some((value) => value.length);

  function writeAddress() {
    const words = new URLSearchParams();
    for (const [name, value] of Object.entries(filter)) if (value.length) words.set(name, [value].flat().join(" "));
    if (!folded) words.set("fold", "no");
    if (everything) words.set("all", "yes");
    if (at) words.set("at", at);
    try { history.replaceState(null, "", words.size ? `#${words}` : location.pathname + location.search); } catch { /* the view is only not kept */ }
  }

  function readAddress() {
    const hash = location.hash.slice(1);
    if (hash && !hash.includes("=")) { at = decodeURIComponent(hash); return; }
    const words = new URLSearchParams(hash);
    filter = { ...EMPTY };
    for (const name of ["q", "host", "group", "check"]) filter[name] = words.get(name) ?? "";
    for (const name of ["severity", "status"]) filter[name] = (words.get(name) ?? "").split(" ").filter(Boolean);
    folded = words.get("fold") !== "no";
    everything = words.get("all") === "yes";
    at = words.get("at") ?? "";
  }

  // Rows and columns

  let selection = null;
  let columns = []; // numbers of checks
  let rows = []; // { hosts: [numbers], worst, silent }
  let printing = false;

  function chooseColumns() {
    const wantsAll = everything || filter.check || filter.status.includes("pass") || filter.status.includes("skipped");
    columns = [];
    selection.counts.forEach((count, number) => { if (wantsAll ? count.all : count.notable) columns.push(number); });
  }

  function chooseRows() {
    const groups = new Map();
    const single = !folded;
    hosts.forEach((host, number) => {
      if (!selection.hostShown[number]) return;
      let key = "";
      let worst = 99;
      let bad = 0;
      if (host.trouble) key = `!${host.trouble[0]} ${host.trouble[1]}`;
      else {
        for (const column of columns) {
          const state = checks[column].states[checks[column].cells[number]];
          const meant = isMeant(selection, column, number);
          key += String.fromCharCode(65 + state + (meant ? 0 : 10));
          if (!meant || state < 1 || state > 5) continue;
          if (state < worst) { worst = state; bad = 0; }
          if (state === worst) bad += 1;
        }
      }
      if (single) key = number;
      const row = groups.get(key);
      if (row) row.hosts.push(number);
      else groups.set(key, { hosts: [number], worst: host.trouble ? 50 : worst, bad, silent: host.trouble });
    });
    rows = [...groups.values()].sort((a, b) => a.worst - b.worst || b.bad - a.bad || b.hosts.length - a.hosts.length || a.hosts[0] - b.hosts[0]);
    for (const row of rows) row.name = null;
  }

  const nameOf = (row) => (row.name ??= row.hosts.length === 1 ? hosts[row.hosts[0]].name : fold(row.hosts.map((number) => hosts[number].name)));

  // Drawing

  function drawHead() {
    const corner = make("th", { className: "corner", scope: "col" }, folded ? "Hosts, worst first" : "Host, worst first");
    const head = make("tr", {}, corner);
    let layer = null;
    for (const column of columns) {
      const check = checks[column];
      const button = make("button", { type: "button", title: `${check.title} (${check.layer})` }, check.id);
      button.addEventListener("click", () => { filter.check = filter.check === check.id ? "" : check.id; writeForm(); apply(); });
      head.append(make("th", { scope: "col", className: layer !== null && check.layer !== layer ? "check newlayer" : "check" }, button));
      layer = check.layer;
    }
    return make("thead", {}, head);
  }

  function drawRow(row, place) {
    const several = row.hosts.length > 1;
    const button = make("button", { type: "button", title: nameOf(row) }, nameOf(row));
    button.addEventListener("click", () => window.netaudit.showHosts(row.hosts));
    const head = make("div", { className: "rowhead" }, button);
    if (several) head.append(make("span", {}, row.hosts.length.toLocaleString("en")));
    const line = make("tr", { "aria-rowindex": String(place + 2) }, make("th", { scope: "row" }, head));
    if (row.silent) {
      line.append(make("td", { className: "wide", colspan: String(Math.max(1, columns.length)) }, `no verdict: ${row.silent[1]}`));
      return line;
    }
    let layer = null;
    for (const column of columns) line.append(drawCell(row, column, layer !== null && checks[column].layer !== layer, (layer = checks[column].layer)));
    if (!columns.length) line.append(make("td", { className: "wide" }, "nothing failed"));
    return line;
  }

  function drawCell(row, column, isNewLayer) {
    const check = checks[column];
    const host = row.hosts[0];
    const kind = check.cells[host];
    const state = check.states[kind];
    const classes = [isNewLayer ? "newlayer" : "", isMeant(selection, column, host) ? "" : "off"].join(" ").trim();
    if (!state) return make("td", { className: classes });
    const [, seen, wanted] = check.kinds[kind - 1];
    const values = [model.text(seen), wanted ? `expected ${model.text(wanted)}` : ""].filter(Boolean).join(", ");
    const mark = make("span", { className: `mark ${TONES[state]}`, "aria-hidden": "true" }, MARKS[state]);
    const cell = make("td", { className: classes, title: `${check.id}: ${WORDS[state]}${values ? `, ${values}` : ""}` }, mark, make("span", { className: "vh" }, WORDS[state]));
    cell.addEventListener("click", () => window.netaudit.showHosts(row.hosts, column));
    return cell;
  }

  const spacer = (count) => make("tr", { className: "space", "aria-hidden": "true" }, make("td", { colspan: String(columns.length + 1) }));
  let body = null;
  let drawn = [-1, -1];

  function drawBody(isForced) {
    const height = scroll.clientHeight || 600;
    const limit = printing ? Math.min(rows.length, PRINTED) : rows.length;
    const first = printing ? 0 : Math.max(0, Math.floor(scroll.scrollTop / ROW_PX) - AHEAD);
    const last = printing ? limit : Math.min(rows.length, Math.ceil((scroll.scrollTop + height) / ROW_PX) + AHEAD);
    if (!isForced && first === drawn[0] && last === drawn[1]) return;
    drawn = [first, last];
    const above = spacer();
    const below = spacer();
    above.firstChild.style.height = `${first * ROW_PX}px`;
    below.firstChild.style.height = `${(limit - last) * ROW_PX}px`;
    body.replaceChildren(...(first ? [above] : []), ...rows.slice(first, last).map((row, place) => drawRow(row, first + place)), ...(last < limit ? [below] : []));
  }

  function drawMatrix() {
    body = make("tbody");
    table.replaceChildren(make("caption", { className: "vh" }, "Verdict of each check on each host"), drawHead(), body);
    table.classList.toggle("single", !folded);
    table.setAttribute("aria-rowcount", String(rows.length + 1));
    scroll.hidden = !rows.length;
    scroll.scrollTop = 0;
    drawBody(true);
  }

  // The rest of the page follows

  function followFilter() {
    const numbers = new Map(checks.map((check, number) => [check.id, number]));
    const filtered = isFiltered();
    const meant = new Map();
    let shown = 0;
    for (const element of document.querySelectorAll("[data-check]")) {
      const id = element.dataset.check;
      if (!meant.has(id)) meant.set(id, selection.counts[numbers.get(id)]?.hosts ?? []);
      const found = meant.get(id);
      const isCard = element.classList.contains("card");
      element.hidden = filtered && (isCard ? !(selection.counts[numbers.get(id)]?.all > 0) : !found.length);
      if (element.matches("tr")) {
        shown += element.hidden ? 0 : 1;
        const count = element.querySelector(".count");
        count.dataset.all ??= count.textContent;
        const number = found.length.toLocaleString("en");
        count.textContent = filtered && number !== count.dataset.all ? `${number} of ${count.dataset.all}` : count.dataset.all;
      }
      const matching = element.querySelector(".matching");
      if (matching && !element.hidden) {
        matching.hidden = !filtered;
        matching.textContent = filtered ? `The filter means ${counted(found.length, "host")}: ${fold(found.slice(0, 400).map((number) => hosts[number].name))}${found.length > 400 ? " …" : ""}` : "";
      }
    }
    for (const element of document.querySelectorAll(".trouble")) element.hidden = filtered && !hosts.some((host, number) => selection.hostShown[number] && host.trouble?.[1] === element.dataset.hostsOf);
    return shown;
  }

  function apply() {
    selection = select(filter);
    chooseColumns();
    chooseRows();
    drawMatrix();
    const shown = followFilter();
    const total = selection.hostShown.reduce((sum, each) => sum + each, 0);
    const findings = document.querySelectorAll(".index tbody tr").length;
    const of = (part, whole, noun) => (part === whole ? counted(whole, noun) : `${part.toLocaleString("en")} of ${counted(whole, noun)}`);
    byId("outcome").textContent = `${of(total, hosts.length, "host")}, ${of(shown, findings, "finding")}`;
    byId("filter-reset").hidden = !isFiltered();
    const passing = checks.length - columns.length;
    byId("matrix-about").textContent = rows.length
      ? `${counted(total, "host")} in ${counted(rows.length, "row")}, ${counted(columns.length, "check")}${passing ? `; ${counted(passing, "check")} with nothing to show here` : ""}${model.cut ? `; evidence of ${counted(model.cut, "result")} was left out for size` : ""}`
      : "Nothing matches the filter.";
    writeAddress();
  }

  // Events

  let waiting = 0;
  const soon = () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(() => { readForm(); apply(); }); };
  form.addEventListener("input", soon);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => { event.preventDefault(); filter = { ...EMPTY }; at = ""; writeForm(); apply(); form.elements.q.focus(); });
  byId("fold").addEventListener("change", soon);
  byId("everything").addEventListener("change", soon);
  let scrolling = 0;
  scroll.addEventListener("scroll", () => { cancelAnimationFrame(scrolling); scrolling = requestAnimationFrame(() => drawBody(false)); }, { passive: true });
  addEventListener("resize", () => drawBody(true));
  addEventListener("hashchange", () => { readAddress(); writeForm(); apply(); });
  document.addEventListener("netaudit:at", (event) => { at = event.detail; writeAddress(); });
  addEventListener("beforeprint", () => { printing = true; drawBody(true); });
  addEventListener("afterprint", () => { printing = false; drawBody(true); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.target.closest("input, select, textarea, dialog")) { event.preventDefault(); form.elements.q.focus(); }
    if (event.key === "Escape" && event.target.closest("#filter") && isFiltered()) form.reset();
  });

  form.hidden = false;
  for (const element of document.querySelectorAll(".matrix-head, .marks")) element.hidden = false;
  Object.assign(window.netaudit, { make, counted, compareNames });
  readAddress();
  writeForm();
  apply();
  if (at) { const target = byId(at); if (target) goTo(target); }
  document.documentElement.dataset.ready = "yes";
})();
