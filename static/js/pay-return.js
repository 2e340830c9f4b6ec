// Takes a payer who has paid back to the merchant, once: who comes back to the page by the Back button stays on it.
// The seconds are for the eye: in a live region each of them would be read out.
(() => {
  const SECONDS = 5;

  const wasTaken = (name) => {
    try {
      const before = sessionStorage.getItem(name);
      sessionStorage.setItem(name, "1");
      return Boolean(before);
    } catch {
      return true; // no memory, so better no surprise
    }
  };

  const begin = (root) => {
    const link = root.querySelector("a[data-continue]");
    if (!link || wasTaken(`returned ${link.dataset.continue}`)) return;
    const note = root.querySelector("[data-continue-note]");
    const text = note.querySelector("[data-continue-text]");
    let left = SECONDS;
    const tick = () => {
      if (!link.isConnected || note.hidden) return;
      text.textContent = `Taking you there in ${left} ${left === 1 ? "second" : "seconds"}.`;
      if (left === 0) location.assign(link.href);
      else setTimeout(tick, 1000);
      left -= 1;
    };
    note.hidden = false;
    note.querySelector("[data-stay]").addEventListener("click", () => {
      note.hidden = true;
      link.focus();
    });
    tick();
  };

  document.addEventListener("htmx:load", (event) => { if (event.target !== document.body) begin(event.target); });
  begin(document);
})();
