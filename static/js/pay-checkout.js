// Sends a card to the gateway's own public call, and to nowhere else. One press is one try: it has one key, made once
// and kept until an answer came, so that sending it again after a lost connection cannot pay twice.
(() => {
  const ANSWER_WITHIN = 30_000;
  const FIELDS = { number: "number", expiry_month: "expiry", expiry_year: "expiry", cvv: "cvv" };
  const LABELS = { number: "The card number", expiry_month: "The expiry month", expiry_year: "The expiry year", cvv: "The CVV", name: "The name" };
  // The try that has no answer yet: {key, body}. In memory alone, and gone with the page.
  let open = null;

  // Plain http on a host of one's own has no randomUUID.
  const newKey = () => {
    if (crypto.randomUUID) return crypto.randomUUID();
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  };

  const part = (form, name) => form.querySelector(`[data-card="${name}"]`).value;

  const bodyOf = (form) => {
    const [month, year] = part(form, "expiry").split("/");
    const name = form.querySelector("[data-card-name]").value.trim();
    return JSON.stringify({
      order_id: form.dataset.order,
      amount: Number(form.dataset.amount),
      currency: form.dataset.currency,
      method: "card",
      card: {
        number: part(form, "number").replace(/\D/g, ""), expiry_month: month, expiry_year: year,
        cvv: part(form, "cvv"), ...(name ? { name } : {}),
      },
    });
  };

  const setBusy = (form, busy) => {
    form.toggleAttribute("aria-busy", busy);
    if (busy) form.setAttribute("aria-busy", "true");
    for (const control of form.querySelectorAll("input")) control.readOnly = busy;
  };

  // Says what became of the try above the form; `offer` is "retry", "reload" or nothing.
  const tell = (form, text, offer = "") => {
    const said = form.querySelector("[data-said]");
    said.querySelector("[data-said-text]").textContent = text;
    said.querySelector("[data-retry]").hidden = offer !== "retry";
    said.querySelector("[data-reload]").hidden = offer !== "reload";
    said.hidden = !text;
    if (offer) said.querySelector(`[data-${offer}]`).focus();
  };

  // The order has moved on, or may have: the page asks for its new inside at once.
  const follow = () => {
    if (window.htmx) window.htmx.trigger("#order", "moved");
    else location.reload();
  };

  // `card.number: is not valid; card.cvv: must have 3 digits`, each beside its field; false if nothing was about one.
  const showFields = (form, error) => {
    const found = String(error.description).split("; ").map((text) => /^card\.(\w+): (.+)$/.exec(text)).filter(Boolean);
    for (const [, name, text] of found) {
      const detail = { field: FIELDS[name], text: `${LABELS[name] || name} ${text}.` };
      form.dispatchEvent(new CustomEvent("pay:problem", { bubbles: true, detail }));
      if (!FIELDS[name]) tell(form, detail.text);
    }
    form.querySelector('[aria-invalid="true"]')?.focus();
    return found.length > 0;
  };

  const lost = (form) => tell(form, "No answer came, so the payment may or may not have been made. Trying again is safe: you cannot pay twice.", "retry");

  const refused = (form, status, error) => {
    if (status === 429) return tell(form, "Too many tries. Wait a minute, then try again. Nothing was charged.", "retry");
    if (status === 401) return tell(form, "This page has been open for too long. Nothing was charged.", "reload");
    if (error.code === "GATEWAY_ERROR") return tell(form, "Cards cannot be paid with right now. Nothing was charged.", "retry");
    if (status >= 500) return lost(form);
    open = null;
    if (status === 400 && showFields(form, error)) return undefined;
    tell(form, status === 404 ? "This order cannot be paid here any more." : error.description);
    return follow();
  };

  const answered = async (form, response) => {
    const data = await response.json();
    if (response.status !== 201) return refused(form, response.status, data.error);
    open = null;
    form.reset();
    return follow();
  };

  const send = async (form) => {
    if (form.hasAttribute("aria-busy")) return;
    const body = bodyOf(form);
    if (open?.body !== body) open = { key: newKey(), body };
    tell(form, "");
    setBusy(form, true);
    try {
      const response = await fetch(form.dataset.checkout, {
        method: "POST", body, cache: "no-store", credentials: "omit", redirect: "error",
        headers: { "Content-Type": "application/json", "Idempotency-Key": open.key, "X-Checkout-Token": form.dataset.pass },
        signal: AbortSignal.timeout(ANSWER_WITHIN),
      });
      await answered(form, response);
    } catch {
      lost(form);
    } finally {
      setBusy(form, false);
    }
  };

  const begin = (root) => {
    for (const form of root.querySelectorAll("form[data-checkout]")) form.hidden = false;
  };

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-checkout]");
    if (!form || event.defaultPrevented) return;
    event.preventDefault();
    send(form);
  });
  document.addEventListener("click", (event) => {
    const form = event.target.closest("[data-retry]")?.closest("form");
    if (form) form.requestSubmit();
  });
  document.addEventListener("htmx:load", (event) => begin(event.target));
  begin(document);
})();
