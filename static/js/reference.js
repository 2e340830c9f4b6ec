// The API reference: an address with #get-payments unfolds that endpoint, the search leaves what matches, one choice of
// language holds for every endpoint, and a sample can be put into a form's body. All of it is hidden without script.
(() => {
  const KEPT = "reference-language";

  const unfold = () => {
    const wanted = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!(wanted instanceof HTMLDetailsElement)) return;
    wanted.open = true;
    wanted.scrollIntoView();
  };

  const choose = (root) => {
    const language = sessionStorage.getItem(KEPT);
    if (!language) return;
    for (const radio of root.querySelectorAll("[data-language]")) radio.checked = radio.value === language || radio.checked;
  };

  const show = (root) => {
    for (const part of root.querySelectorAll("[data-only-script]")) part.hidden = false;
    choose(root);
  };

  const find = (text) => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const group of document.querySelectorAll("[data-call-group]")) {
      let here = 0;
      for (const call of group.querySelectorAll("[data-call]")) {
        call.hidden = !words.every((word) => call.dataset.call.includes(word));
        here += call.hidden ? 0 : 1;
      }
      group.hidden = here === 0;
      found += here;
    }
    document.querySelector("[data-call-none]").hidden = found > 0;
  };

  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-call-search]")) find(event.target.value);
  });

  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-language]")) return;
    sessionStorage.setItem(KEPT, event.target.value);
    choose(document);
  });

  document.addEventListener("click", (event) => {
    const sample = event.target.closest("[data-fill]");
    if (!sample) return;
    const body = sample.closest("form").querySelector("textarea");
    body.value = sample.dataset.fill;
    body.dispatchEvent(new Event("input", { bubbles: true }));
  });

  addEventListener("hashchange", unfold);
  document.addEventListener("DOMContentLoaded", () => {
    show(document);
    unfold();
  });
  document.addEventListener("htmx:load", (event) => show(event.target));
})();
