// What every page has: colours, links inside the page that leave the filter in the address alone, printing.
"use strict";
(() => {
  const root = document.documentElement;
  const buttons = [...document.querySelectorAll("[data-theme-choice]")];
  const KEY = "netaudit-theme";
  const remembered = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const remember = (choice) => { try { localStorage.setItem(KEY, choice); } catch { /* a file may have no storage */ } };

  function choose(choice) {
    if (choice === "light" || choice === "dark") root.dataset.theme = choice;
    else delete root.dataset.theme;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
  }

  for (const button of buttons) {
    button.addEventListener("click", () => { choose(button.dataset.themeChoice); remember(button.dataset.themeChoice); });
    button.parentElement.hidden = false;
  }
  const kept = remembered();
  choose(kept === "light" || kept === "dark" ? kept : "auto");

  // A link to a part of this page moves there and keeps the rest of the address, which holds the filter.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const target = document.getElementById(decodeURIComponent(link.getAttribute("href").slice(1)));
    if (!target) return;
    event.preventDefault();
    goTo(target);
  });

  function goTo(target) {
    for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    target.scrollIntoView({ block: "start" });
    target.focus({ preventScroll: true });
    document.dispatchEvent(new CustomEvent("netaudit:at", { detail: target.id }));
  }

  const closed = []; // what was opened for the paper
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details:not([open])")) { part.open = true; closed.push(part); }
  });
  addEventListener("afterprint", () => { for (const part of closed.splice(0)) part.open = false; });

  Object.defineProperty(window, "netaudit", { value: { goTo } });
})();
