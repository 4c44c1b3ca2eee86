// Before the first paint: light or dark, as the system has it or as somebody chose here.
"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const set = () => {
    let chosen = null;
    try { chosen = localStorage.getItem("theme"); } catch { /* storage is switched off */ }
    document.documentElement.dataset.bsTheme = chosen ?? (dark.matches ? "dark" : "light");
  };
  dark.addEventListener("change", set);
  set();
})();
