// Card fields, checked while they are typed: brand, Luhn, length, expiry, CVV. What is wrong is said below its field,
// where the server would say it too. Nothing typed here is kept, logged or sent anywhere by this script.
(() => {
  // Brand, prefix, lengths, CVV; narrow ranges before wide ones, as the server has them.
  const BRANDS = [
    ["Visa", /^4/, [13, 16, 19], 3],
    ["Mastercard", /^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16], 3],
    ["American Express", /^3[47]/, [15], 4],
    ["Discover", /^(6011|64[4-9])/, [16], 3],
    ["RuPay", /^(508[5-9]|60|65|81|82)/, [16], 3],
    ["Diners Club", /^(30[0-5]|36|3[89])/, [14, 16], 3],
    ["JCB", /^35/, [16], 3],
    ["Maestro", /^(5018|5020|5038|5893|6304|6759|676[1-3])/, [12, 13, 14, 15, 16, 17, 18, 19], 3],
  ];
  const UNKNOWN = ["", null, [16], 3];
  const LONGEST_PREFIX = 4;
  const YEARS_AHEAD = 20;

  // Digits of any script stand ten in a row from their zero: ४२ is 42.
  const isDigit = (code) => /\p{Nd}/u.test(String.fromCodePoint(code));
  const inAscii = (text) => text.replace(/[^\P{Nd}0-9]/gu, (digit) => {
    let zero = digit.codePointAt(0);
    while (isDigit(zero - 1)) zero -= 1;
    return String((digit.codePointAt(0) - zero) % 10);
  });
  const rewrite = (input) => {
    const plain = inAscii(input.value);
    if (plain === input.value) return;
    const caret = inAscii(input.value.slice(0, input.selectionStart)).length;
    input.value = plain;
    input.setSelectionRange(caret, caret);
  };

  const digitsOf = (text) => text.replace(/\D/g, "");
  const brandOf = (digits) => BRANDS.find(([, prefix]) => prefix.test(digits)) || UNKNOWN;
  const usualLength = ([, , lengths]) => (lengths.includes(16) ? 16 : Math.max(...lengths));
  const numberIn = (form) => digitsOf(form.querySelector('[data-card="number"]').value);

  const luhn = (digits) => {
    let sum = 0;
    for (let index = 0; index < digits.length; index += 1) {
      const digit = Number(digits[digits.length - 1 - index]);
      const doubled = digit * 2;
      sum += index % 2 ? (doubled > 9 ? doubled - 9 : doubled) : digit;
    }
    return sum % 10 === 0;
  };

  const problems = {
    number: (text) => {
      const digits = digitsOf(text);
      const [name, , lengths] = brandOf(digits);
      if (!digits) return "Enter the number on the front of the card.";
      if (!name && digits.length >= LONGEST_PREFIX) return "Cards of this brand are not accepted.";
      if (lengths.includes(digits.length)) return luhn(digits) ? "" : "A digit of the card number is wrong.";
      return digits.length > Math.max(...lengths) ? "The card number is too long." : "The card number is too short.";
    },
    expiry: (text) => {
      const match = /^(\d{2})\/(\d{2})$/.exec(text.trim());
      if (!match) return "Enter month and year, as 04/29.";
      if (match[1] < "01" || match[1] > "12") return "The month is 01 to 12.";
      const year = 2000 + Number(match[2]);
      if (new Date(year, Number(match[1]), 1) <= new Date()) return "This card has expired.";
      return year > new Date().getFullYear() + YEARS_AHEAD ? "The year is too far ahead." : "";
    },
    cvv: (text, form) => {
      const [, , , length] = brandOf(numberIn(form));
      return new RegExp(`^\\d{${length}}$`).test(text) ? "" : `The CVV has ${length} digits.`;
    },
  };

  const format = {
    number: (text) => {
      const digits = digitsOf(text).slice(0, 19);
      if (!/^3[47]/.test(digits)) return digits.replace(/(\d{4})(?=\d)/g, "$1 ");
      const [, ...parts] = /^(\d{0,4})(\d{0,6})(\d*)/.exec(digits);
      return parts.filter(Boolean).join(" ");
    },
    // 4/39, 04 2039 and 042039 are all 04/39; 04/203 may still become a year.
    expiry: (text) => {
      const [, month = "", sign = "", year = ""] = /^\D*(\d{1,2})(\D*)(\d{0,4})/.exec(text) ?? [];
      const whole = month.length === 1 && (sign || month > "1") ? `0${month}` : month;
      const short = year.startsWith("20") ? (year.length === 4 ? year.slice(2) : year) : year.slice(0, 2);
      return sign || year ? `${whole}/${short}` : whole;
    },
    cvv: (text) => digitsOf(text).slice(0, 4),
  };

  const say = (input, text) => {
    const field = input.closest(".field");
    let line = field.querySelector(".field-error");
    if (!text) {
      line?.remove();
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
      return;
    }
    if (!line) {
      line = document.createElement("p");
      line.className = "field-error";
      line.id = `${input.id}_error`;
      line.setAttribute("aria-live", "polite");
      field.append(line);
    }
    input.setAttribute("aria-describedby", line.id);
    if (line.textContent.trim() !== text) line.textContent = text;
    input.setAttribute("aria-invalid", "true");
  };

  const check = (input) => {
    const text = problems[input.dataset.card](input.value, input.form);
    say(input, text);
    return !text;
  };

  const showBrand = (form) => {
    const digits = numberIn(form);
    const [name, , , length] = brandOf(digits);
    const shown = form.querySelector("[data-brand]");
    if (shown && shown.textContent !== name) shown.textContent = name;
    const cvv = form.querySelector('[data-card="cvv"]');
    cvv.placeholder = `${length} digits`;
    if (cvv.hasAttribute("aria-invalid")) check(cvv);
  };

  // A year begun with 20 may be 2020 or the first half of 2039: nothing is said about it before the field is left.
  const isBegun = (input) => input.dataset.card === "expiry" && /\/20\d?$/.test(input.value);

  const onType = (event) => {
    const input = event.target.closest("[data-card]");
    if (!input) return;
    rewrite(input);
    const atEnd = input.selectionStart === input.value.length;
    if (atEnd && !(event.inputType || "").startsWith("delete")) input.value = format[input.dataset.card](input.value);
    const digits = digitsOf(input.value);
    if (input.dataset.card === "number") showBrand(input.form);
    // While a number grows it is not called wrong; once it was, it is told at the digit that mends it.
    const isWhole = {
      number: () => digits.length >= usualLength(brandOf(digits)) || (!brandOf(digits)[0] && digits.length >= LONGEST_PREFIX),
      expiry: () => digits.length === 4,
      cvv: () => false,
    }[input.dataset.card]();
    if (isBegun(input)) say(input, "");
    else if (isWhole || input.hasAttribute("aria-invalid")) check(input);
  };

  // What was changed in its middle, or filled in by the browser, is written as the rest once it is left.
  const finish = (input) => {
    rewrite(input);
    if (input.dataset.card === "expiry") input.value = format.expiry(input.value);
    return check(input);
  };

  document.addEventListener("input", onType);
  document.addEventListener("focusout", (event) => {
    const input = event.target.closest?.("[data-card]");
    if (input && input.value) finish(input);
  });
  // Comes before the scripts that send: a form with a bad field goes nowhere.
  document.addEventListener("submit", (event) => {
    const bad = [...event.target.querySelectorAll("[data-card]")].filter((input) => !finish(input));
    if (!bad.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    bad[0].focus();
  });
  // What the server found wrong: `detail` is {field, text}.
  document.addEventListener("pay:problem", (event) => {
    const input = event.target.querySelector(`[data-card="${event.detail.field}"]`);
    if (input) say(input, event.detail.text);
  });
})();
