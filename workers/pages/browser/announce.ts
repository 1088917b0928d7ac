// What changed without the reader's doing is said politely by screen readers.

const region = document.createElement("div");
region.className = "unseen";
region.setAttribute("role", "status");
region.setAttribute("aria-live", "polite");

export function announce(text: string): void {
  if (!region.isConnected) document.body.append(region);
  // After it is in the page, else nobody hears it.
  setTimeout(() => {
    region.textContent = text;
  }, 100);
}
