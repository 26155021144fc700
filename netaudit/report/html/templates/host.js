// Everything that is known of one host, in a dialog; of hosts with the same verdicts, one of them at a time.
"use strict";
(() => {
  const { model, make, fold, counted, goTo } = window.netaudit;
  if (!model) return;
  const { hosts, checks, text, WORDS, TONES } = model;
  const dialog = document.getElementById("host-dialog");
  const LISTED = 500;

  function paragraph(label, content) {
    return make("p", { className: "hint" }, make("b", {}, label), content);
  }

  function values(seen, wanted) {
    const line = make("p");
    if (seen) line.append(make("b", {}, text(seen)));
    if (wanted) line.append(`${seen ? " → " : ""}expected ${text(wanted)}`);
    return line;
  }

  function drawResult(check, kind, isHere) {
    const [, seen, wanted, evidence, reason, fix, waiver, subjects, left] = kind;
    const state = model.STATES.indexOf(kind[0]) + 1;
    const title = make("h3", {}, make("span", { className: `badge ${TONES[state]}` }, WORDS[state]), " ", check.title);
    const part = make("section", { className: isHere ? "result here" : "result" }, title, make("p", { className: "about" }, make("code", {}, check.id)));
    if (subjects) {
      const list = make("ul");
      for (const [, name, itsSeen, itsWanted, itsEvidence, itsReason] of subjects) {
        const item = make("li", {}, make("code", {}, text(name)), " ", make("b", {}, text(itsSeen)), itsWanted ? `, expected ${text(itsWanted)}` : "");
        if (itsReason) item.append(make("br"), text(itsReason));
        if (itsEvidence) item.append(make("br"), make("samp", { className: "faint" }, text(itsEvidence)));
        list.append(item);
      }
      if (left) list.append(make("li", { className: "faint" }, `and ${left} more`));
      part.append(list);
    } else {
      if (seen || wanted) part.append(values(seen, wanted));
      if (evidence) part.append(make("p", {}, make("samp", {}, text(evidence))));
    }
    if (reason) part.append(make("p", {}, text(reason)));
    if (waiver) part.append(make("p", { className: "faint" }, text(waiver)));
    if (fix) part.append(paragraph("Fix", text(fix)));
    const section = [...document.querySelectorAll("article.finding")].find((each) => each.dataset.check === check.id);
    if (section) {
      const more = make("button", { type: "button", className: "plain-button" }, "Why, and the rest of the fleet");
      more.addEventListener("click", () => { dialog.close(); section.hidden = false; goTo(section); });
      part.append(make("p", {}, more));
    }
    return part;
  }

  function drawHost(number, column) {
    const host = hosts[number];
    const about = [host.address, host.groups.filter((group) => group !== "all").join(", "), `${host.seconds} s`].filter(Boolean).join(" · ");
    const parts = [make("p", { className: "about" }, about)];
    for (const note of host.notes) parts.push(make("p", { className: "notice" }, note));
    if (host.trouble) {
      const [status, kind, message, hint] = host.trouble;
      parts.push(make("section", { className: "result" }, make("h3", {}, make("span", { className: "badge silent" }, status), " ", kind), make("p", {}, message), ...(hint ? [paragraph("Hint", hint)] : [])));
      return parts;
    }
    const found = [];
    const passed = [];
    checks.forEach((check, place) => {
      const kind = check.kinds[check.cells[number] - 1];
      if (!kind) return;
      if (kind[0] === "p" || kind[0] === "s") { if (place === column) parts.push(drawResult(check, kind, true)); else passed.push([check, kind]); } else found.push([check, kind, place]);
    });
    found.sort((a, b) => model.STATES.indexOf(a[1][0]) - model.STATES.indexOf(b[1][0]));
    if (!found.length) parts.push(make("p", { className: "result" }, "Nothing failed here."));
    parts.push(...found.map(([check, kind, place]) => drawResult(check, kind, place === column)));
    if (passed.length) {
      const list = make("ul");
      for (const [check, kind] of passed) list.append(make("li", {}, make("code", {}, check.id), " ", kind[0] === "p" ? text(kind[1]) : `does not apply: ${text(kind[4])}`));
      parts.push(make("details", {}, make("summary", {}, `${counted(passed.length, "check")} passed or did not apply`), list));
    }
    return parts;
  }

  function showHosts(numbers, column) {
    const names = numbers.map((number) => hosts[number].name);
    const close = make("button", { type: "button", className: "close" }, "Close");
    close.addEventListener("click", () => dialog.close());
    const title = make("h2", { id: "dialog-title" }, fold(names));
    const body = make("div");
    const buttons = [];
    const choose = (place) => {
      buttons.forEach((button, other) => { if (other === place) button.setAttribute("aria-current", "true"); else button.removeAttribute("aria-current"); });
      body.replaceChildren(...drawHost(numbers[place], column));
    };
    const parts = [close, title];
    if (numbers.length > 1) {
      parts.push(make("p", { className: "about" }, `${counted(numbers.length, "host")} with the same verdicts`));
      const list = make("div", { className: "same", role: "group", "aria-label": "Which host to show" });
      names.slice(0, LISTED).forEach((name, place) => {
        const button = make("button", { type: "button" }, name);
        button.addEventListener("click", () => choose(place));
        buttons.push(button);
        list.append(button);
      });
      if (names.length > LISTED) list.append(make("span", { className: "faint" }, `and ${names.length - LISTED} more: filter by host`));
      parts.push(list);
    }
    dialog.replaceChildren(...parts, body);
    choose(0);
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    body.querySelector(".here")?.scrollIntoView({ block: "nearest" });
  }

  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  Object.assign(window.netaudit, { showHosts });
})();
