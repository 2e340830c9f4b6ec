// Takes a payer who waits on the page on to the bank, once: who comes back by the Back button, or opens the page a second
// time, finds the link and decides.
(() => {
  const LATER = 1500;

  const wasTaken = (name) => {
    try {
      const before = sessionStorage.getItem(name);
      sessionStorage.setItem(name, "1");
      return Boolean(before);
    } catch {
      return true; // no memory, so better no surprise
    }
  };

  document.addEventListener("htmx:load", (event) => {
    const link = event.target.querySelector("a[data-bank]");
    if (!link || document.visibilityState !== "visible" || wasTaken(`sent ${link.dataset.bank}`)) return;
    setTimeout(() => { if (link.isConnected) location.assign(link.href); }, LATER);
  });
})();
