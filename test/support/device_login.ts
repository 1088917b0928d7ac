// A person with a phone: enters a device's code at the provider's pages and logs in there.

/** Through the provider's three forms, with their hidden values and its cookies. */
export async function enterCode(page: string, code: string, subject: string): Promise<string> {
  const browser = new FormBrowser();
  const first = await browser.get(page);
  const second = await browser.post(page, { ...hidden(first), user_code: code });
  return browser.post(page, { ...hidden(second), user_code: code, confirm: "yes" }, subject);
}

function hidden(html: string): Record<string, string> {
  return Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, name = "", value = ""]) => [
      name,
      value,
    ]),
  );
}

class FormBrowser {
  readonly #cookies = new Map<string, string>();

  get(url: string): Promise<string> {
    return this.#go(new URL(url), null, "");
  }

  /** Whoever is asked "who are you?" on the way is `subject`. */
  post(url: string, form: Readonly<Record<string, string>>, subject = ""): Promise<string> {
    return this.#go(new URL(url), form, subject);
  }

  async #go(start: URL, form: Readonly<Record<string, string>> | null, subject: string): Promise<string> {
    let url = start;
    let body = form;
    for (let hop = 0; hop < 10; hop++) {
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const response = await fetch(url, {
        redirect: "manual",
        headers: { cookie },
        ...(body === null ? {} : { method: "POST", body: new URLSearchParams(body) }),
      });
      for (const line of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (name !== undefined && value !== undefined) this.#cookies.set(name, value);
      }
      const text = await response.text();
      const location = response.headers.get("location");
      if (location === null) return text;
      url = new URL(location, url);
      body = url.pathname.startsWith("/interaction/") ? { subject } : null;
    }
    throw new Error("too many redirects");
  }
}
