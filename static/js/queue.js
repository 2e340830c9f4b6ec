// The queue on the keyboard: j and k move, Enter opens (the focus is on the row's link), x selects, a and r decide.
// All of it is also a link or a button. Whoever does not want single letters switches them off; the browser remembers.
(() => {
  const KEPT = "queue-keys";
  const results = document.getElementById("results");
  const help = document.getElementById("queue-keys");
  const wish = help.querySelector("[data-keys-on]");

  const rows = () => [...results.querySelectorAll("[data-row]")];
  const picks = () => [...results.querySelectorAll(".pick")];
  const present = () => document.activeElement.closest?.("[data-row]") ?? null;

  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(present());
    const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
    all[next].querySelector(".row-link").focus();
    all[next].scrollIntoView({ block: "nearest" });
  };

  const tell = () => {
    const said = results.querySelector("[data-picked]");
    const all = results.querySelector("[data-pick-all]");
    const count = picks().filter((pick) => pick.checked).length;
    if (said) said.textContent = count ? `${count} selected` : "Nothing selected";
    if (!all) return;
    all.hidden = !picks().length;
    all.checked = count > 0 && count === picks().length;
    all.indeterminate = count > 0 && !all.checked;
  };

  const select = () => {
    const pick = present()?.querySelector(".pick");
    if (!pick) return;
    pick.checked = !pick.checked;
    tell();
  };

  const decide = (key) => {
    const some = picks().some((pick) => pick.checked);
    const button = some ? bulk(key) : present()?.querySelector(`[data-key="${key}"]`);
    button?.click();
  };

  const bulk = (key) =>
    results.querySelector(`[data-bulk="${key}"]`) ?? (key === "a" ? results.querySelector('[data-bulk="c"]') : null);

  const KEYS = {
    j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
    x: select, a: () => decide("a"), r: () => decide("r"), "?": () => help.togglePopover(),
  };

  const elsewhere = (event) =>
    event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") ||
    event.target.closest("select, textarea, input:not([type=checkbox]), details[open]");

  document.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (!act || !wish.checked || elsewhere(event)) return;
    event.preventDefault();
    act();
  });
  results.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) for (const pick of picks()) pick.checked = event.target.checked;
    tell();
  });
  document.addEventListener("htmx:afterSwap", tell);
  window.addEventListener("pageshow", tell);

  wish.checked = localStorage.getItem(KEPT) !== "off";
  wish.addEventListener("change", () => localStorage.setItem(KEPT, wish.checked ? "on" : "off"));
  document.querySelector("[data-keys]").hidden = false;
  tell();
})();
