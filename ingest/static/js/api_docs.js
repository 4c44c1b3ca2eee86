// Draws the description of the API with Swagger UI, in light or dark as the page is.
const root = document.documentElement;
const place = document.getElementById("swagger-ui");

function followTheme() {
  root.classList.toggle("dark-mode", root.dataset.bsTheme === "dark");
}

followTheme();
new MutationObserver(followTheme).observe(root, { attributeFilter: ["data-bs-theme"] });

// Examples that are cut off must scroll by keyboard, too.
new MutationObserver(() => {
  place.querySelectorAll("pre:not([tabindex])").forEach((one) => { one.tabIndex = 0; });
}).observe(place, { childList: true, subtree: true });

if (window.SwaggerUIBundle) {
  window.SwaggerUIBundle({
    domNode: place,
    url: place.dataset.description,
    deepLinking: false, // a link inside a button can not be reached by everybody
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    validatorUrl: null, // somebody else's server
    syntaxHighlight: { activated: false },
  });
} else {
  document.getElementById("no-docs").hidden = false;
}
