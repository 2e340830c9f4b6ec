// The payment page: the time left, card fields checked while typing, one press of a button, and where focus goes
// when the page has moved on. Nothing typed here is kept, logged or sent anywhere but with the form itself.
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

  const digitsOf = (text) => text.replace(/\D/g, "");

  const luhn = (digits) => {
    let sum = 0;
    for (let index = 0; index < digits.length; index += 1) {
      const digit = Number(digits[digits.length - 1 - index]);
      const doubled = digit * 2;
      sum += index % 2 ? (doubled > 9 ? doubled - 9 : doubled) : digit;
    }
    return sum % 10 === 0;
  };

  const isAmex = (digits) => /^3[47]/.test(digits);

  const problems = {
    number: (text) => {
      const digits = digitsOf(text);
      const full = isAmex(digits) ? 15 : 16;
      if (!digits) return "Enter the number on the front of the card.";
      if (digits.length < 12) return "The card number is too short.";
      return luhn(digits) ? "" : digits.length < full ? "The card number is too short." : "A digit of the card number is wrong.";
    },
    expiry: (text) => {
      const match = /^(\d{2})\/(\d{2})$/.exec(text.trim());
      if (!match) return "Enter month and year, as 04/29.";
      if (match[1] < "01" || match[1] > "12") return "The month is 01 to 12.";
      const end = new Date(2000 + Number(match[2]), Number(match[1]), 1);
      return end <= new Date() ? "This card has expired." : "";
    },
    cvv: (text, form) => {
      const length = isAmex(digitsOf(form.querySelector('[data-card="number"]').value)) ? 4 : 3;
      return new RegExp(`^\\d{${length}}$`).test(text) ? "" : `The CVV has ${length} digits.`;
    },
  };

  const format = {
    number: (text) => {
      const digits = digitsOf(text).slice(0, 19);
      return (isAmex(digits) ? digits.replace(/^(\d{4})(\d{1,6})?(\d{1,5})?.*/, (_, ...parts) => parts.slice(0, 3).filter(Boolean).join(" "))
        : digits.replace(/(\d{4})(?=\d)/g, "$1 "));
    },
    expiry: (text) => {
      let digits = digitsOf(text).slice(0, 4);
      if (digits.length === 1 && digits > "1") digits = `0${digits}`;
      return digits.length > 2 || (digits.length === 2 && text.endsWith("/")) ? `${digits.slice(0, 2)}/${digits.slice(2)}` : digits;
    },
    cvv: (text) => digitsOf(text).slice(0, 4),
  };

  // Says what is wrong below the field, where the server would say it too.
  const say = (input, text) => {
    const field = input.closest(".field");
    let line = field.querySelector(".field-error");
    if (!text) {
      line?.remove();
      input.removeAttribute("aria-invalid");
      return;
    }
    if (!line) {
      line = document.createElement("p");
      line.className = "field-error";
      line.id = `${input.id}_error`;
      line.setAttribute("aria-live", "polite");
      field.append(line);
      input.setAttribute("aria-describedby", line.id);
    }
    if (line.textContent.trim() !== text) line.textContent = text;
    input.setAttribute("aria-invalid", "true");
  };

  const check = (input) => {
    const text = problems[input.dataset.card](input.value, input.form);
    say(input, text);
    return !text;
  };

  const onType = (event) => {
    const input = event.target.closest("[data-card]");
    if (!input) return;
    const atEnd = input.selectionStart === input.value.length;
    if (atEnd && !(event.inputType || "").startsWith("delete")) input.value = format[input.dataset.card](input.value);
    // While a number grows it is not called wrong; once it was, it is told at the digit that mends it.
    const grown = input.dataset.card === "number" && digitsOf(input.value).length >= (isAmex(digitsOf(input.value)) ? 15 : 16);
    if (grown || input.hasAttribute("aria-invalid")) check(input);
  };

  const onSubmit = (event) => {
    const form = event.target.closest("form[data-once]");
    if (!form) return;
    const bad = [...form.querySelectorAll("[data-card]")].filter((input) => !check(input));
    if (bad.length || form.hasAttribute("aria-busy")) {
      event.preventDefault();
      bad[0]?.focus();
      return;
    }
    form.setAttribute("aria-busy", "true");
  };

  const begin = (root) => {
    for (const line of root.querySelectorAll("[data-countdown]")) countDown(line);
    const moved = root.matches?.("[data-moved]") ? root : root.querySelector("[data-moved]");
    moved?.querySelector("h1")?.focus();
    const bad = document.querySelector('[aria-invalid="true"]');
    if (!moved && bad && document.activeElement === document.body) bad.focus();
  };

  document.addEventListener("input", onType);
  document.addEventListener("focusout", (event) => {
    const input = event.target.closest?.("[data-card]");
    if (input && input.value) check(input);
  });
  document.addEventListener("submit", onSubmit);
  // Back from the browser's own cache: the form may be sent again.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
  });
  document.addEventListener("htmx:load", (event) => { if (event.target !== document.body) begin(event.target); });
  begin(document);
})();
