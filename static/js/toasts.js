// Messages leave by themselves after a while, unless they are read (hovered, focused) or tell of an error.
// What htmx could not do (no connection, an error of the server) is said in the same place.
(() => {
  const STAY = 6000;

  const leave = (toast) => {
    toast.classList.add("is-leaving");
    setTimeout(() => toast.remove(), 300);
  };

  const attend = (toast) => {
    const close = toast.querySelector("[data-dismiss]");
    close.hidden = false;
    close.addEventListener("click", () => leave(toast));
    if (toast.classList.contains("toast-error")) return;
    const tick = () => (toast.matches(":hover, :focus-within") ? setTimeout(tick, STAY) : leave(toast));
    setTimeout(tick, STAY);
  };

  const failed = () => {
    const toasts = document.querySelector(".toasts");
    if (toasts.querySelector("[data-failure]")) return;
    const toast = document.getElementById("toast-failure").content.firstElementChild.cloneNode(true);
    toast.dataset.failure = "";
    toasts.append(toast);
    attend(toast);
  };

  document.querySelectorAll(".toast").forEach(attend);
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:sendError", failed);
})();
