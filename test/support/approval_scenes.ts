// A gateway with a console, a tool behind it, and rules that ask people: what tests in browsers and the
// pictures of the pages begin with.

import type { Browser, BrowserContext, Page } from "playwright-core";
import { login } from "../../local/login.ts";
import { openAs } from "./browser.ts";
import { type EchoUpstream, startEchoUpstream } from "./echo_upstream.ts";
import { startToolHosts, type ToolHosts } from "./tool_hosts.ts";

/** Who calls tools here. They are of the test's own issuer; who decides logs in at the console's provider. */
const CALLERS = {
  alice: person("alice", "Alice Archer", ["engineers"]),
  erin: person("erin", "Erin Eaton", ["engineers"]),
  /** Acts for Alice, and was let by another that does. */
  agent: person("alice", "Alice Archer", ["engineers"], { act: { sub: "deploy-agent", act: { sub: "planner" } } }),
} as const;

function person(
  subject: string,
  name: string,
  groups: readonly string[],
  more: Readonly<Record<string, unknown>> = {},
) {
  return { subject, groups, claims: { name, email: `${subject}@example.test`, email_verified: true, ...more } };
}

export type Caller = keyof typeof CALLERS;

/** Beside those of the demonstration. */
export const SECURITY = { subject: "sam", name: "Sam Sato", email: "sam@example.test", groups: ["security"] } as const;
const LEAD = { subject: "lena", name: "Lena Lindt", email: "lena@example.test", groups: ["leads"] } as const;

const RULE = { effect: "needs-approval", who: { roles: ["engineer"] }, connections: ["staging"], methods: ["*"] };

function scenePolicy(upstream: string): unknown {
  return {
    version: 1,
    roles: {
      engineer: { groups: ["engineers"] },
      lead: { groups: ["leads"] },
      security: { groups: ["security"] },
      auditor: { groups: ["auditors"] },
      admin: { groups: ["admins"] },
    },
    connections: {
      staging: { protocol: "http", region: "local", upstream, labels: ["kubernetes", "shared"], record: "full" },
    },
    rules: [
      {
        id: "read-freely",
        effect: "allow",
        who: { roles: ["engineer"] },
        connections: ["staging"],
        methods: ["GET"],
        routes: ["/**"],
      },
      {
        ...RULE,
        id: "pods-need-a-lead",
        description: "Whatever changes pods in staging is looked at by a lead: others test there.",
        message: "A lead looks at this. Say in Sallyport-Reason why you need it.",
        routes: ["/v1/**"],
        methods: ["POST", "PUT", "PATCH", "DELETE"],
        approve: {
          by: [{ groups: ["leads"] }],
          expires_minutes: 60,
          grant: { minutes: 60, for: "target" },
        },
      },
      {
        ...RULE,
        id: "payouts-need-two",
        description: "Money moves when a lead and somebody of security say so.",
        routes: ["/payouts/**"],
        methods: ["POST"],
        approve: {
          by: [{ groups: ["leads"] }, { roles: ["security"] }],
          expires_minutes: 60,
          comment: "required",
          break_glass: { groups: ["engineers"] },
        },
      },
      {
        ...RULE,
        id: "brief",
        routes: ["/brief/**"],
        methods: ["POST"],
        approve: { by: [{ groups: ["leads"] }], expires_minutes: 1 },
      },
      {
        ...RULE,
        id: "large-bodies",
        routes: ["/bulk/**"],
        methods: ["POST"],
        approve: { by: [{ groups: ["leads"] }], expires_minutes: 60, body_limit: 16_777_216 },
      },
    ],
  };
}

export interface Scenes {
  readonly hosts: ToolHosts;
  readonly upstream: EchoUpstream;
  readonly console: string;
  /** Calls the tool; does not wait for an approval unless told to by `Prefer`. */
  call(who: Caller, method: string, path: string, sent?: Sent): Promise<Response>;
  /** Calls, and gives the id of the approval that is waited for. */
  ask(who: Caller, method: string, path: string, sent?: Sent): Promise<string>;
  /** Asks as somebody of the console's provider, by their subject there. */
  askAsVisitor(subject: string, method: string, path: string): Promise<string>;
  /** The console, as somebody who is logged in there. */
  open(context: BrowserContext, name: string, path: string): Promise<Page>;
  stop(): Promise<void>;
}

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly signal?: AbortSignal;
}

export async function startScenes(): Promise<Scenes> {
  const upstream = await startEchoUpstream();
  const hosts = await startToolHosts({
    policy: scenePolicy(upstream.url),
    people: CALLERS,
    more: [SECURITY, LEAD],
  });
  const call: Scenes["call"] = (who, method, path, sent = {}) =>
    hosts.gateway.fetch(who, `/c/staging${path}`, { method, ...sent });
  return {
    hosts,
    upstream,
    console: hosts.console,
    call,
    ask: async (who, method, path, sent) => approvalOf(await call(who, method, path, sent)),
    askAsVisitor: async (subject, method, path) => {
      const authorization = `Bearer ${await login(hosts.provider.issuer, subject, hosts.origin)}`;
      return approvalOf(await fetch(`${hosts.origin}/c/staging${path}`, { method, headers: { authorization } }));
    },
    open: (context, name, path) => openAs(context, hosts.console + path, name),
    stop: async () => {
      await hosts.stop();
      await upstream.stop();
    },
  };
}

async function approvalOf(answer: Response): Promise<string> {
  const told = (await answer.json()) as { readonly approval?: string };
  if (answer.status !== 202 || told.approval === undefined)
    throw new Error(`not asked for: ${answer.status} ${JSON.stringify(told)}`);
  return told.approval;
}

/** A context of its own for each person: they sit at different machines. */
export function newPerson(
  browser: Browser,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<BrowserContext> {
  return browser.newContext(options);
}
