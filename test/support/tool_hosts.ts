// A gateway that serves connections at hosts of their own, with the demonstration's login provider, and a
// browser as small as one can be: cookies by host, redirects, a click on the provider's page. Real
// browsers are in test/clients/browser.test.ts; this one can also do what no browser would.

import { randomBytes } from "node:crypto";
import { type IncomingHttpHeaders, request as httpRequest } from "node:http";
import { buffer } from "node:stream/consumers";
import { PEOPLE, type Person } from "../../local/oidc_people.ts";
import { BROWSER_CLIENT, type RunningProvider, startProvider } from "../../local/oidc_provider.ts";
import { freePort, type GatewayOptions, startGateway, type TestGateway } from "./gateway.ts";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
}

export interface ToolHosts {
  readonly gateway: TestGateway;
  readonly provider: RunningProvider;
  /** The gateway's canonical origin. */
  readonly origin: string;
  /** The console's origin. */
  readonly console: string;
  /** `http://<connection>--local.tools.localhost:<port>`: browsers resolve it themselves, and take all of them for one site. */
  originOf(connection: string): string;
  stop(): Promise<void>;
}

export async function startToolHosts(
  options: GatewayOptions & {
    /** Seconds that an access token lives. */
    readonly lifetime?: number;
    /** Host of the console, without its port; `console.localhost` if not given, which is another site than the tools'. */
    readonly console?: string;
    /** People beside those of the demonstration. */
    readonly more?: readonly Person[];
  },
): Promise<ToolHosts> {
  const port = options.port ?? (await freePort());
  const origin = `http://127.0.0.1:${port}`;
  const console = `http://${options.console ?? "console.localhost"}:${port}`;
  const provider = await startProvider({
    port: 0,
    people: [...PEOPLE, ...(options.more ?? [])],
    resources: [origin],
    returning: [console],
    state: null,
    ...(options.lifetime === undefined ? {} : { lifetime: options.lifetime }),
  });
  const login = {
    issuer: provider.issuer,
    client_id: BROWSER_CLIENT,
    scope: "openid email profile groups tools",
    resource: origin,
  };
  const gateway = await startGateway({
    ...options,
    port,
    issuers: [{ issuer: provider.issuer, audiences: [origin], algorithms: ["ES256"], clock_skew_seconds: 0 }],
    bindings: {
      HOST_FORM: `http://*--local.tools.localhost:${port}`,
      CONSOLE: console,
      LOGIN: JSON.stringify(login),
      LOGIN_KEY: randomBytes(32).toString("base64"),
      ...options.bindings,
    },
  });
  return {
    gateway,
    provider,
    origin,
    console,
    originOf: (connection) => `http://${connection}--local.tools.localhost:${port}`,
    stop: async () => {
      await gateway.stop();
      await provider.stop();
    },
  };
}

/** One request to a URL whose name only browsers resolve. Redirects are not followed. */
export async function send(url: string, { method = "GET", headers = {}, body }: Sent = {}): Promise<Answer> {
  const { host, port, pathname, search, hostname } = new URL(url);
  const path = url.slice(url.indexOf(host) + host.length) || pathname + search;
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        host: hostname.endsWith("localhost") ? "127.0.0.1" : hostname,
        port,
        path,
        method,
        headers: { host, ...headers } as Record<string, string>,
        agent: false,
      },
      (answer) => {
        buffer(answer).then(
          (bytes) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: bytes.toString() }),
          reject,
        );
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Why the gateway refused, as its problem document or its page says. */
export function reasonOf({ text }: Answer): string {
  return (
    /"reason":"(\w+)"|Reason: (\w+)/
      .exec(text)
      ?.slice(1)
      .find((one) => one !== undefined) ?? ""
  );
}

/** What a browser says when a person opens an address or follows a link from another site. */
export const NAVIGATION = {
  "sec-fetch-site": "cross-site",
  "sec-fetch-mode": "navigate",
  "sec-fetch-dest": "document",
  accept: "text/html",
} as const;
/** What it says when a page of the same origin asks for something. */
export const OWN_FETCH = {
  "sec-fetch-site": "same-origin",
  "sec-fetch-mode": "cors",
  "sec-fetch-dest": "empty",
} as const;

export class Visitor {
  /** By host, then by name. */
  readonly cookies = new Map<string, Map<string, string>>();

  cookie(url: string): string {
    const jar = this.cookies.get(new URL(url).host) ?? new Map<string, string>();
    return [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  async send(url: string, sent: Sent = {}): Promise<Answer> {
    const cookie = this.cookie(url);
    const headers = { ...(cookie === "" ? {} : { cookie }), ...sent.headers };
    const answer = await send(url, { ...sent, headers });
    const { host } = new URL(url);
    const jar = this.cookies.get(host) ?? new Map<string, string>();
    for (const line of answer.headers["set-cookie"] ?? []) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "" || /max-age=0/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    this.cookies.set(host, jar);
    return answer;
  }

  open(url: string): Promise<Answer> {
    return this.send(url, { headers: NAVIGATION });
  }

  /** Follows redirects, logs in where the provider asks, and stops before a URL that `until` accepts. */
  async walk(url: string, subject: string, until: (url: string) => boolean = () => false): Promise<Walked> {
    let at = url;
    for (let hop = 0; hop < 15; hop++) {
      if (until(at)) return { url: at, answer: null };
      const answer = at.includes("/interaction/")
        ? await this.send(at, {
            method: "POST",
            headers: { "content-type": "application/x-www-form-urlencoded" },
            body: `subject=${subject}`,
          })
        : await this.open(at);
      const { location } = answer.headers;
      if (location === undefined) return { url: at, answer };
      at = new URL(location, at).href;
    }
    throw new Error("too many redirects");
  }
}

export interface Walked {
  readonly url: string;
  /** Null if the walk stopped before the URL was asked for. */
  readonly answer: Answer | null;
}

/** Whether a URL is a step of a login, by the end of its path. */
export function isStep(name: "/login/start" | "/login/callback" | "/.sallyport/ticket"): (url: string) => boolean {
  return (url) => new URL(url).pathname === name;
}
