// Light or dark, before the first paint: that is why this is a classic script in the head and not a module.
// Owns the `data-theme` of <html>, its key in localStorage and the switch in the header, which is shown where this script
// answers it (`data-theme-switch`). Without a choice the system decides.
(() => {
  const KEY = "envivo.theme";
  const root = document.documentElement;
  const systemDark = matchMedia("(prefers-color-scheme: dark)");

  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is refused in some private windows
    }
  };
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches);

  const label = () => {
    const button = document.getElementById("theme");
    if (!button) return;
    const text = isDark() ? button.dataset.light : button.dataset.dark;
    button.setAttribute("aria-label", text);
    button.title = text;
  };

  const choose = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
    label();
    dispatchEvent(new CustomEvent("themechange"));
  };

  const toggle = () => {
    const theme = isDark() ? "light" : "dark";
    const asSystem = (theme === "dark") === systemDark.matches;
    try {
      if (asSystem) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // it still holds for this page
    }
    choose(asSystem ? null : theme);
  };

  root.dataset.themeSwitch = "";
  choose(stored());
  systemDark.addEventListener("change", () => choose(root.dataset.theme));
  addEventListener("storage", (event) => event.key === KEY && choose(event.newValue));
  document.addEventListener("DOMContentLoaded", () => {
    label();
    document.getElementById("theme")?.addEventListener("click", toggle);
  });
})();
