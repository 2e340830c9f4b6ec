// The payment pages: the time left, one press of a button, and where focus goes when the page has moved on.
(() => {
  const LATE = 120;

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
    if (form.hasAttribute("aria-busy")) event.preventDefault();
    else form.setAttribute("aria-busy", "true");
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
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
  });
  document.addEventListener("htmx:load", (event) => { if (event.target !== document.body) begin(event.target); });
  begin(document);
})();
