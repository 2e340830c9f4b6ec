// <button data-copy="text"> puts text on the clipboard and says so. The button is hidden until this script runs.
(() => {
  const show = (root) => {
    for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
  };

  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // Plain http on a host of one's own has no clipboard interface.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    event.preventDefault();
    try {
      await copy(button.dataset.copy);
    } catch {
      return;
    }
    button.classList.add("is-copied");
    const said = button.querySelector("[data-copied]");
    if (said) said.textContent = "Copied";
    setTimeout(() => {
      button.classList.remove("is-copied");
      if (said) said.textContent = "";
    }, 1600);
  });

  show(document);
  document.addEventListener("htmx:load", (event) => show(event.target));
})();
