// Host names folded as the rest of netaudit folds them: web[1-37], db[01-04].fra, 10.0.0.[5-9].
"use strict";
(() => {
  const NUMBER = /(?<![0-9])([0-9]{1,15})(?![0-9])/;
  const IPV4 = /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/;
  const IPV6 = /^[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%.*)?$/;
  const AMBIGUOUS = /^$|[[\],"\\\s]/;

  function naturalKey(name) {
    return name.split(/([0-9]+)/).map((part, place) => {
      if (place % 2 === 0) return part.toLowerCase();
      const digits = part.replace(/^0+/, "");
      return [digits.length, digits];
    });
  }
  const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  function compareKeys(a, b) {
    for (let place = 0; place < Math.min(a.length, b.length); place += 1) {
      const found = place % 2 ? a[place][0] - b[place][0] || order(a[place][1], b[place][1]) : order(a[place], b[place]);
      if (found) return found;
    }
    return a.length - b.length;
  }
  const compareNames = (a, b) => compareKeys(naturalKey(a), naturalKey(b)) || order(a, b);

  const byLength = (a, b) => a.length - b.length || order(a, b);

  function runs(tokens) {
    const spans = [];
    for (const token of [...tokens].sort(byLength)) {
      const span = spans.at(-1);
      const last = span?.at(-1) ?? "";
      if (last && Number(token) === Number(last) + 1 && (token.length === last.length || token[0] !== "0")) span.push(token);
      else spans.push([token]);
    }
    return spans.map((span) => (span.length === 1 ? span[0] : `${span[0]}-${span.at(-1)}`));
  }

  const joined = (words, numbers) => words.map((word, place) => word + (numbers[place] ?? "")).join("");

  function placeToFold(words, members) {
    const count = members[0].length;
    const varying = [...Array(count).keys()].filter((place) => members.some((m) => m[place] !== members[0][place]));
    if (!varying.length || IPV4.test(joined(words, members[0]))) return count - 1;
    if (varying.length === 1) return varying[0];
    const pieces = (place) => new Set(members.map((m) => m.toSpliced(place, 1).join("\0"))).size;
    return varying.reverse().map((place) => [pieces(place), place]).reduce((a, b) => (b[0] < a[0] ? b : a))[1];
  }

  function foldFamily(words, members) {
    const place = placeToFold(words, members);
    const groups = new Map();
    for (const numbers of members) {
      const rest = numbers.toSpliced(place, 1);
      const key = rest.join("\0");
      if (!groups.has(key)) groups.set(key, { rest, tokens: [] });
      groups.get(key).tokens.push(numbers[place]);
    }
    return [...groups.values()].map(({ rest, tokens }) => {
      const prefix = joined(words.slice(0, place + 1), rest.slice(0, place));
      const suffix = joined(words.slice(place + 1), rest.slice(place));
      const first = prefix + [...tokens].sort(byLength)[0] + suffix;
      return { first, text: tokens.length === 1 ? first : `${prefix}[${runs(tokens).join(",")}]${suffix}` };
    });
  }

  function fold(names) {
    const families = new Map();
    const found = [];
    for (const name of new Set(names)) {
      const parts = AMBIGUOUS.test(name) ? null : name.split(NUMBER);
      if (!parts) found.push({ first: name, text: JSON.stringify(name) });
      else if (parts.length === 1 || IPV6.test(name)) found.push({ first: name, text: name });
      else {
        const words = parts.filter((_, place) => place % 2 === 0);
        const key = words.join("\0");
        if (!families.has(key)) families.set(key, { words, members: [] });
        families.get(key).members.push(parts.filter((_, place) => place % 2));
      }
    }
    for (const { words, members } of families.values()) found.push(...foldFamily(words, members));
    return found.sort((a, b) => compareNames(a.first, b.first)).map((piece) => piece.text).join(", ");
  }

  Object.assign(window.netaudit, { fold, compareNames });
})();
