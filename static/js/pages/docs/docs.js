// The reference of the REST interface: draws /openapi.json with the vendored Swagger UI, light or dark as the page is.
// Owns how that UI is set up. It is a classic script with a global, loaded before this module.

import "../shared/plain.js";

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

function followTheme() {
  root.classList.toggle("dark-mode", root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
}

followTheme();
addEventListener("themechange", followTheme);
dark.addEventListener("change", followTheme);

const place = document.getElementById("requests");

/**
 * Label the filter, which otherwise has only its placeholder, and let the UI's <main>, a second one on this page, be a
 * group.
 */
function tidy() {
  const filter = place.querySelector(".operation-filter-input");
  filter?.setAttribute("aria-label", filter.placeholder);
  place.querySelector("main")?.setAttribute("role", "group");
}

if (globalThis.SwaggerUIBundle) {
  globalThis.SwaggerUIBundle({
    url: "/openapi.json",
    domNode: place,
    deepLinking: false, // its links would stand inside buttons
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    tryItOutEnabled: false,
    validatorUrl: null, // nobody else is asked
    onComplete: tidy,
  });
} else {
  place.replaceChildren(document.getElementById("docs-failed").content.cloneNode(true));
}
