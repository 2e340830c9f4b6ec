// Whatever htmx loads into #dialog is shown as a modal dialog; without script the same address is a page.
(() => {
  const dialog = document.getElementById("dialog");
  if (!dialog) return;

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target === dialog && !dialog.open && dialog.childElementCount) dialog.showModal();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.addEventListener("close", () => dialog.replaceChildren());
})();
