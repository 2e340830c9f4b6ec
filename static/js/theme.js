// Applies the chosen theme before the first paint (this one script is not deferred) and lets it be changed.
(() => {
  const root = document.documentElement;
  const read = () => {
    try {
      return localStorage.getItem("theme") || "system";
    } catch {
      return "system";
    }
  };
  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  const mark = () => {
    for (const choice of document.querySelectorAll("[data-theme-choice]")) {
      choice.hidden = false;
      for (const button of choice.querySelectorAll("button"))
        button.setAttribute("aria-pressed", String(button.value === read()));
    }
  };

  apply(read());
  document.addEventListener("DOMContentLoaded", mark);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice] button");
    if (!button) return;
    try {
      localStorage.setItem("theme", button.value);
    } catch {
      // A browser that keeps nothing still changes this page.
    }
    apply(button.value);
    mark();
  });
})();
