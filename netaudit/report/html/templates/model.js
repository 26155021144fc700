// The matrix as the page carries it, unpacked, and the question which of its cells a filter means.
"use strict";
(() => {
  const source = document.getElementById("matrix-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const STATES = "chmliwups"; // code 1 .. 9; 0: the host has no such result
  const SEVERITIES = ["critical", "high", "medium", "low", "info"];
  const STATUS_OF = ["none", "fail", "fail", "fail", "fail", "fail", "waived", "unknown", "pass", "skipped"];
  const WORDS = ["no result", ...SEVERITIES, "waived", "undecided", "passed", "does not apply"];
  const TONES = ["none", ...SEVERITIES, "waived", "unknown", "pass", "skipped"];
  const MARKS = ["", "C", "H", "M", "L", "i", "w", "?", "·", "–"];
  const DIGITS = new Uint8Array(128);
  [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].forEach((sign, value) => { DIGITS[sign.charCodeAt(0)] = value; });

  const text = (number) => data.texts[number ?? 0];
  const hosts = data.hosts.map(([name, address, groups, trouble, seconds, notes]) => ({
    name, address, groups: data.groupSets[groups], trouble: trouble === null ? null : data.troubles[trouble], troubleNumber: trouble, seconds, notes: notes ?? [],
  }));

  const checks = data.checks.map(({ id, title, layer, width, cells, kinds }) => {
    const unpacked = new Uint32Array(hosts.length);
    for (let host = 0, at = 0; host < hosts.length; host += 1) {
      let value = 0;
      for (let digit = 0; digit < width; digit += 1, at += 1) value = value * 64 + DIGITS[cells.charCodeAt(at)];
      unpacked[host] = value;
    }
    const states = Uint8Array.from([0, ...kinds.map(([state]) => STATES.indexOf(state) + 1)]);
    return { id, title, layer, cells: unpacked, kinds, states };
  });
  data.checks = null;

  // Texts in lower case for searching, made when first asked for.
  let searchable = null;
  function searching() {
    searchable ??= {
      hosts: hosts.map((host) => [host.name, host.address, ...host.groups, ...(host.trouble ?? [])].join(" ").toLowerCase()),
      checks: checks.map((check) => `${check.id} ${check.title} ${check.layer}`.toLowerCase()),
      texts: data.texts.map((each) => each.toLowerCase()),
    };
    return searchable;
  }

  // For each word of the search a bit: which hosts, checks and kinds of cells have it.
  function wordMasks(words) {
    const all = searching();
    const mask = (texts) => texts.map((each) => words.reduce((bits, word, bit) => (each.includes(word) ? bits | (1 << bit) : bits), 0));
    const ofTexts = mask(all.texts);
    const ofKind = (kind) => {
      let bits = 0;
      for (let field = 1; field < Math.min(kind.length, 7); field += 1) bits |= ofTexts[kind[field]];
      for (const subject of kind[7] || []) for (const number of subject.slice(1)) bits |= ofTexts[number];
      return bits;
    };
    return { hosts: mask(all.hosts), checks: mask(all.checks), kinds: checks.map((check) => [0, ...check.kinds.map(ofKind)]) };
  }

  function namePattern(globs) {
    const parts = globs.split(/,(?![^[]*\])|\s+/).map((part) => part.trim()).filter(Boolean);
    if (!parts.length) return () => true;
    const tests = parts.map((part) => {
      const source = part.replace(/\[(\d+)[-:](\d+)\]|[.+^${}()|\\[\]]|\*|\?/g, (found, low, high) => (low !== undefined ? "\u0001" : found === "*" ? ".*" : found === "?" ? "." : `\\${found}`));
      const ranges = [...part.matchAll(/\[(\d+)[-:](\d+)\]/g)].map(([, low, high]) => [low, high]);
      const pattern = new RegExp(`^${source.replaceAll("\u0001", "(\\d+)")}$`, "i");
      return (name) => {
        const found = pattern.exec(name);
        return found !== null && ranges.every(([low, high], at) => Number(found[at + 1]) >= Number(low) && Number(found[at + 1]) <= Number(high) && (low[0] !== "0" || found[at + 1].length === low.length));
      };
    });
    return (name) => tests.some((test) => test(name));
  }

  // What a filter leaves: for each check the number of cells it means, and for each host whether it is meant at all.
  function select(filter) {
    const words = [...new Set(filter.q.toLowerCase().split(/\s+/).filter(Boolean))].slice(0, 30);
    const full = 2 ** words.length - 1 | 0;
    const masks = words.length ? wordMasks(words) : null;
    const named = namePattern(filter.host);
    const hostMeant = Uint8Array.from(hosts, (host) => (!filter.group || host.groups.includes(filter.group)) && (named(host.name) || (host.address && named(host.address))));
    const severities = new Set(filter.severity.map((name) => SEVERITIES.indexOf(name) + 1));
    const statuses = new Set(filter.status);
    const stateMeant = STATUS_OF.map((status, state) => state > 0 && (!statuses.size || statuses.has(status)) && (!severities.size || severities.has(state)));
    const hostShown = new Uint8Array(hosts.length);
    const counts = checks.map((check, number) => {
      const count = { all: 0, notable: 0, failing: 0, hosts: [] };
      if (filter.check && check.id !== filter.check) return count;
      const { cells, states } = check;
      for (let host = 0; host < cells.length; host += 1) {
        const kind = cells[host];
        const state = states[kind];
        if (!stateMeant[state] || !hostMeant[host]) continue;
        if (masks && (masks.hosts[host] | masks.checks[number] | masks.kinds[number][kind]) !== full) continue;
        hostShown[host] = 1;
        count.all += 1;
        if (state <= 7) count.notable += 1;
        if (state <= 5) { count.failing += 1; count.hosts.push(host); }
      }
      return count;
    });
    const silentMeant = (!statuses.size || statuses.has("silent")) && !severities.size && !filter.check;
    const bare = !filter.check && !statuses.size && !severities.size && !masks;
    hosts.forEach((host, number) => {
      if (!hostMeant[number]) return;
      if (host.trouble) { if (silentMeant && (!masks || masks.hosts[number] === full)) hostShown[number] = 1; }
      else if (bare) hostShown[number] = 1;
    });
    return { counts, hostShown, hostMeant, stateMeant, masks, full };
  }

  // Whether the filter means one cell of a host that it means.
  function isMeant(selection, check, host) {
    const kind = checks[check].cells[host];
    if (!selection.stateMeant[checks[check].states[kind]]) return false;
    const { masks, full } = selection;
    return !masks || (masks.hosts[host] | masks.checks[check] | masks.kinds[check][kind]) === full;
  }

  Object.assign(window.netaudit, { model: { hosts, checks, text, select, isMeant, cut: data.cut, STATES, STATUS_OF, WORDS, TONES, MARKS } });
})();
