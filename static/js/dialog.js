// Whatever htmx loads into #dialog is shown as a modal dialog; without script the same address is a page.
(() => {
  const dialog = document.getElementById("dialog");
  if (!dialog) return;

  // What was pressed is gone with the step before: the next one begins at its title.
  const moveOn = () => {
    const title = dialog.querySelector("#dialog-title");
    if (!title || dialog.contains(document.activeElement)) return;
    title.tabIndex = -1;
    title.focus();
  };

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target !== dialog || !dialog.childElementCount) return;
    if (dialog.open) moveOn();
    else dialog.showModal();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.addEventListener("close", () => dialog.replaceChildren());
})();
