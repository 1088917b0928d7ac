// A form that is on its way is not sent again by a second click. The server takes no harm of it: this
// keeps people from a page that tells them so.

export function sendFormsOnce(within: Document): void {
  within.addEventListener("submit", ({ target }) => {
    if (!(target instanceof HTMLFormElement) || target.method !== "post") return;
    // After this turn: a disabled button's own value would not be sent.
    setTimeout(() => {
      for (const button of target.querySelectorAll("button")) button.disabled = true;
    });
  });
  // A page that comes back from the browser's memory is whole again.
  window.addEventListener("pageshow", () => {
    for (const button of within.querySelectorAll<HTMLButtonElement>("form[method=post] button"))
      button.disabled = false;
  });
}
