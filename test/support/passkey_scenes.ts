// People at the console with passkeys in software, and a rule that wants decisions signed.

import { createHash } from "node:crypto";
import { expect } from "vitest";
import { loggedInAt, sendForm } from "./console_visitor.ts";
import { type EchoUpstream, startEchoUpstream } from "./echo_upstream.ts";
import { testPolicy } from "./gateway.ts";
import { SoftwarePasskey, type PasskeyKind, type Said } from "./software_passkey.ts";
import { type Answer, startToolHosts, type ToolHosts, type Visitor } from "./tool_hosts.ts";

export interface PasskeyScenes {
  readonly hosts: ToolHosts;
  readonly console: string;
  readonly upstream: EchoUpstream;
  /** Asks for `path`, or for what was not asked for before; gives the approval's id. */
  ask(path?: string): Promise<string>;
  /** Where it was asked for. */
  callOf(id: string): string;
  stop(): Promise<void>;
}

const LEADS = ["lena", "liam"].map((subject) => ({
  ...{ subject, name: subject, email: `${subject}@example.test`, groups: ["leads"] },
}));

export async function startPasskeyScenes(): Promise<PasskeyScenes> {
  const upstream = await startEchoUpstream();
  const policy = testPolicy({ tool: upstream.url }) as { readonly rules: readonly object[] };
  const signed = {
    ...{ id: "signed", effect: "needs-approval", who: { groups: ["engineers"] }, connections: ["tool"] },
    ...{ methods: ["POST"], routes: ["/signed/**"] },
    approve: { by: [{ groups: ["leads"] }], passkey: true, grant: { minutes: 30 } },
  };
  const hosts = await startToolHosts({
    policy: { ...policy, rules: [...policy.rules, signed] },
    people: { alice: { subject: "alice", groups: ["engineers"] }, carol: { subject: "carol", groups: ["auditors"] } },
    more: LEADS,
  });
  let asked = 0;
  const calls = new Map<string, string>();
  return {
    hosts,
    console: hosts.console,
    upstream,
    ask: async (path = `/signed/${(asked += 1)}`) => {
      const answer = await hosts.gateway.fetch("alice", `/c/tool${path}`, { method: "POST", body: "x" });
      const told = (await answer.json()) as { readonly approval?: string };
      expect(answer.status, JSON.stringify(told)).toBe(202);
      calls.set(told.approval ?? "", `/c/tool${path}`);
      return told.approval ?? "";
    },
    callOf: (id) => calls.get(id) ?? "",
    stop: async () => {
      await hosts.stop();
      await upstream.stop();
    },
  };
}

/** What of a decision's form a passkey signs. */
export interface Chosen {
  readonly decision: "approve" | "grant" | "deny";
  readonly comment?: string;
  readonly minutes?: number;
}

export interface Form {
  readonly fields: Readonly<Record<string, string>>;
  readonly toSign: Readonly<Record<string, unknown>>;
}

/** Somebody's browser at the console, and a device that signs for them. */
export class Signer {
  readonly visitor: Visitor;
  readonly passkey: SoftwarePasskey;
  readonly #console: string;

  private constructor(visitor: Visitor, passkey: SoftwarePasskey, console: string) {
    this.visitor = visitor;
    this.passkey = passkey;
    this.#console = console;
  }

  private static async at(console: string, subject: string, kind?: PasskeyKind): Promise<Signer> {
    return new Signer(await loggedInAt(console, subject), new SoftwarePasskey(kind), console);
  }

  /** With its passkey added. */
  static async ready(console: string, subject: string, kind?: PasskeyKind): Promise<Signer> {
    const signer = await Signer.at(console, subject, kind);
    const { status, text } = await signer.add();
    if (status !== 303) throw new Error(`no passkey was added: ${status} ${text}`);
    return signer;
  }

  get said(): Pick<Said, "origin" | "host"> {
    return { origin: this.#console, host: new URL(this.#console).hostname };
  }

  /** Adds its passkey; `said` in place of what the page asks for. */
  async add(said: Partial<Said> = {}, passkey: SoftwarePasskey = this.passkey): Promise<Answer> {
    const { text } = await this.visitor.open(`${this.#console}/passkeys`);
    const asked = JSON.parse(attribute(text, "data-add-passkey")) as { readonly challenge: string };
    const credential = passkey.create({ ...this.said, challenge: asked.challenge, ...said });
    const form = { ...hiddenIn(text, "/passkeys"), name: "a key", credential };
    return sendForm(this.visitor, this.#console, encoded(form), { path: "/passkeys" });
  }

  async form(id: string): Promise<Form> {
    const { text } = await this.visitor.open(`${this.#console}/approvals/${id}`);
    return {
      fields: hiddenIn(text, `/approvals/${id}/decision`),
      toSign: JSON.parse(attribute(text, "data-sign")) as Record<string, unknown>,
    };
  }

  /** What the browser posts for `chosen`, signed for it, or for `instead`. */
  signed({ fields, toSign }: Form, chosen: Chosen, said: Partial<Said> = {}): Record<string, string> {
    const text = textOf(toSign, chosen);
    const challenge = createHash("sha256").update(text).digest("base64url");
    return {
      ...fields,
      decision: chosen.decision,
      comment: chosen.comment ?? "",
      minutes: String(chosen.minutes ?? ""),
      assertion: this.passkey.get({ ...this.said, challenge, ...said }),
    };
  }

  send(id: string, form: Readonly<Record<string, string>>): Promise<Answer> {
    return sendForm(this.visitor, this.#console, encoded(form), { path: `/approvals/${id}/decision` });
  }

  async decide(id: string, chosen: Chosen, said: Partial<Said> = {}): Promise<Answer> {
    return this.send(id, this.signed(await this.form(id), chosen, said));
  }
}

/** RFC 8785 by hand: the names in their order. */
function textOf(toSign: Readonly<Record<string, unknown>>, { decision, comment, minutes }: Chosen): string {
  return JSON.stringify({
    approval: toSign.approval,
    comment: comment ?? null,
    decision: decision === "deny" ? "deny" : "approve",
    digest: toSign.digest,
    expires: toSign.expires,
    grantMs: decision === "grant" ? (minutes ?? 0) * 60_000 : 0,
    issuer: toSign.issuer,
    label: "sallyport.decision.v1",
    nonce: toSign.nonce,
    policy: toSign.policy,
    subject: toSign.subject,
  });
}

export function encoded(form: Readonly<Record<string, string>>): string {
  return new URLSearchParams(form).toString();
}

function attribute(text: string, name: string): string {
  return unescaped(new RegExp(`${name}="([^"]*)"`).exec(text)?.[1] ?? "null");
}

/** The hidden fields of the form that is sent to `action`. */
function hiddenIn(text: string, action: string): Record<string, string> {
  const form = text.split(`action="${action}"`)[1]?.split("</form>")[0] ?? "";
  const fields = [...form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
  return Object.fromEntries(fields.map(([, name = "", value = ""]) => [name, unescaped(value)]));
}

function unescaped(text: string): string {
  return text.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&amp;", "&");
}
