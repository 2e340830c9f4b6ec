// A filtered list comes in without a word: how much it has found is said to screen readers.
(() => {
  const PAUSE = 150; // an equal count is said again only if it was gone in between
  const said = document.getElementById("found");

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "results") return;
    const found = event.target.querySelector(".pagination .number, .empty h3")?.textContent.trim() ?? "";
    said.textContent = "";
    setTimeout(() => { said.textContent = found; }, PAUSE);
  });
})();
