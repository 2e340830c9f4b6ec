// The payment pages: the time left, one press of a button, and where focus goes when the page has moved on.
(() => {
  const LATE = 120;
  // A press whose answer was stopped or lost; the server takes a second one for the first.
  const SLOW = 10_000;

  // Counts from the moment the page came, so that a wrong clock on the payer's device does not matter.
  const countDown = (line) => {
    const left = line.querySelector("[data-left]");
    const until = performance.now() + Number(line.dataset.countdown) * 1000;
    line.removeAttribute("data-countdown");
    const tick = () => {
      if (!line.isConnected) return;
      const seconds = Math.max(0, Math.round((until - performance.now()) / 1000));
      const hours = Math.floor(seconds / 3600);
      const minutes = Math.floor((seconds % 3600) / 60);
      const tail = `${String(minutes).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
      left.textContent = `within ${hours ? `${hours}:` : ""}${tail}`;
      line.classList.toggle("is-late", seconds <= LATE);
      if (seconds) setTimeout(tick, 1000);
    };
    tick();
  };

  const onSubmit = (event) => {
    const form = event.target.closest("form[data-once]");
    if (!form) return;
    if (form.hasAttribute("aria-busy")) return event.preventDefault();
    form.setAttribute("aria-busy", "true");
    return setTimeout(() => form.removeAttribute("aria-busy"), SLOW);
  };

  const setFree = () => {
    for (const form of document.querySelectorAll("form[data-once][aria-busy]")) form.removeAttribute("aria-busy");
  };

  const begin = (root) => {
    for (const line of root.querySelectorAll("[data-countdown]")) countDown(line);
    const moved = root.matches?.("[data-moved]") ? root : root.querySelector("[data-moved]");
    // Who is typing goes on typing: the page's own live region tells what has moved.
    if (!document.activeElement?.matches("input")) moved?.querySelector("h1")?.focus();
    const bad = document.querySelector('[aria-invalid="true"]');
    if (!moved && bad && document.activeElement === document.body) bad.focus();
  };

  document.addEventListener("submit", onSubmit);
  // Back from the browser's own cache: the form may be sent again.
  addEventListener("pageshow", setFree);
  // Stops what loads, so that no other page will come.
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") setFree(); });
  document.addEventListener("htmx:load", (event) => { if (event.target !== document.body) begin(event.target); });
  begin(document);
})();
