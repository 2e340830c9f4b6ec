// A form that came back with errors: the first bad field has the focus, or else the line that says what is wrong.
// On a page as it loads, whose title says it too, and in whatever htmx has swapped in.
(() => {
  const OTHER = 'form .notice-bad[role="alert"], .field:has(> .field-error) :is(input, select, textarea)';

  const begin = (root) => {
    const bad = root.querySelector('[aria-invalid="true"]') ?? root.querySelector(OTHER);
    if (bad?.matches(".notice-bad")) bad.tabIndex = -1;
    bad?.focus();
    return Boolean(bad);
  };

  document.addEventListener("htmx:afterSwap", (event) => begin(event.target));
  if (begin(document)) document.title = `Error: ${document.title}`;
})();
