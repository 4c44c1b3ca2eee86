// Keeps a part of a page up to date while somebody looks at it: <div data-refresh="/address" data-every="2">.
// The address answers with the part's new HTML, from our own server and escaped there.

function address(part) {
  const url = new URL(part.dataset.refresh, location.origin);
  url.searchParams.set("fragment", "1");
  return url;
}

function isInUse(part) {
  const selection = document.getSelection();
  const typing = part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
  return typing || (!selection.isCollapsed && part.contains(selection.anchorNode));
}

// What somebody has opened or is about to press stays so, recognised by its id or its address.
function put(part, html, prepare) {
  const open = [...part.querySelectorAll("details[open][id]")].map((one) => one.id);
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const mark = focused && (focused.id ? `#${CSS.escape(focused.id)}` : focused.getAttribute("href") && `[href="${CSS.escape(focused.getAttribute("href"))}"]`);
  part.innerHTML = html;
  open.forEach((id) => { document.getElementById(id)?.setAttribute("open", ""); });
  if (mark) part.querySelector(mark)?.focus({ preventScroll: true });
  prepare(part);
}

export function keepFresh(part, prepare) {
  let last = null;
  async function refresh() {
    if (!document.hidden && !isInUse(part) && part.dataset.refresh) {
      try {
        const answer = await fetch(address(part), { headers: { Accept: "text/html" } });
        if (answer.ok) {
          const html = await answer.text();
          if (html !== last) put(part, html, prepare);
          last = html;
          if (answer.headers.get("X-Refresh") === "end") return location.reload();
        }
        part.classList.toggle("stale", !answer.ok);
        if (answer.status === 401) return location.reload();
      } catch {
        part.classList.add("stale");
      }
    }
    return setTimeout(refresh, 1000 * Number(part.dataset.every ?? 2));
  }
  setTimeout(refresh, 1000 * Number(part.dataset.every ?? 2));
}
