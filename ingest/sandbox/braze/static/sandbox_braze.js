// Keeps the part of a page marked with data-refresh up to date while somebody looks at it.
"use strict";

const EVERY_MS = 1000;

function address(part) {
  const url = new URL(part.dataset.refresh, location.origin);
  url.searchParams.set("fragment", "1");
  return url;
}

// What somebody has opened, scrolled or focused stays so, recognised by its id or its address.
function put(part, html) {
  const open = [...part.querySelectorAll("details[open][id]")].map((one) => one.id);
  const focused = part.contains(document.activeElement) ? mark(document.activeElement) : null;
  const scrolled = part.querySelector(".scroll")?.scrollLeft ?? 0;
  part.innerHTML = html; // rendered and escaped by our own server
  open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
  if (focused) part.querySelector(focused)?.focus({ preventScroll: true });
  if (scrolled) part.querySelector(".scroll").scrollLeft = scrolled;
}

function mark(element) {
  const href = element.getAttribute("href");
  if (href) return `a[href="${CSS.escape(href)}"]`;
  const owner = element.closest("[id]");
  if (!owner || owner === element) return owner && `#${CSS.escape(owner.id)}`;
  return `#${CSS.escape(owner.id)} > ${element.matches("summary") ? "summary" : ".all"}`;
}

function selecting(part) {
  const selection = document.getSelection();
  return !selection.isCollapsed && part.contains(selection.anchorNode);
}

function keepFresh(part) {
  let last = null;
  async function refresh() {
    if (!document.hidden && !selecting(part)) {
      try {
        const answer = await fetch(address(part));
        const html = answer.ok ? await answer.text() : null;
        if (html !== null && html !== last) {
          put(part, html);
          last = html;
        }
        part.classList.toggle("stale", !answer.ok);
      } catch {
        part.classList.add("stale");
      }
    }
    setTimeout(refresh, EVERY_MS);
  }
  setTimeout(refresh, EVERY_MS);
}

document.querySelectorAll("[data-refresh]").forEach(keepFresh);
