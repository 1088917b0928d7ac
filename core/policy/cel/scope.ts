// What a condition sees of one command. Made once a decision, when the first condition is asked; what
// is costly to make (headers, query) is made when it is first read.

import type { Header } from "../../mask/mask_headers.ts";
import type { ConnectionSettings } from "../policy.ts";
import type { Question } from "../decide.ts";
import type { MessageView } from "../message.ts";
import { capturesOf, type RoutePattern } from "../route.ts";
import { type Address, parseAddress } from "./functions.ts";
import { type Budget, Exhausted, FAILED, Timestamp } from "./values.ts";

export type Step = (scope: Scope) => unknown;

export class Scope implements Budget {
  readonly asked: Question;
  readonly connection: ConnectionSettings;
  readonly now: Timestamp;
  /** Variables of the comprehensions around, by their place. */
  readonly locals: unknown[] = [];
  /** The route that matched, and the reading of the path that it matched. */
  pattern: RoutePattern = [];
  segments: readonly string[] = [];
  #steps: number;
  #headers: ReadonlyMap<string, string> | null = null;
  #query: ReadonlyMap<string, readonly string[]> | null = null;
  #roles: readonly string[] | null = null;
  #address: { readonly text: string; readonly address: Address | null } | null = null;

  constructor(asked: Question, connection: ConnectionSettings, steps: number) {
    this.asked = asked;
    this.connection = connection;
    this.now = new Timestamp(asked.now);
    this.#steps = steps;
  }

  charge(steps: number): void {
    this.#steps -= steps;
    if (this.#steps < 0) throw new Exhausted();
  }

  /** Steps that are left. */
  get left(): number {
    return this.#steps;
  }

  get headers(): ReadonlyMap<string, string> {
    return (this.#headers ??= visibleHeaders(this.asked.headers));
  }

  get query(): ReadonlyMap<string, readonly string[]> {
    return (this.#query ??= parametersOf(this.asked.query));
  }

  /** Null if the text is no address. The last one is kept: most conditions ask of the caller's. */
  addressOf(text: string): Address | null {
    if (this.#address?.text !== text) {
      this.charge(50);
      this.#address = { text, address: parseAddress(text) };
    }
    return this.#address.address;
  }

  get roles(): readonly string[] {
    return (this.#roles ??= [...this.asked.roles]);
  }

  get captures(): ReadonlyMap<string, string> {
    return capturesOf(this.pattern, this.segments);
  }

  /** One of them, without making a map; FAILED if the route that matched has none of the name. */
  capture(name: string): unknown {
    for (let i = 0; i < this.pattern.length; i++) {
      const expected = this.pattern[i];
      if (expected?.kind === "any" && expected.name === name) return this.segments[i] ?? FAILED;
    }
    return FAILED;
  }
}

/** Proofs of identity are for authenticate alone; what the gateway says of itself is never a caller's to say. */
const HIDDEN: ReadonlySet<string> = new Set(["authorization", "proxy-authorization", "cookie", "cookie2"]);

function visibleHeaders(headers: readonly Header[]): ReadonlyMap<string, string> {
  const visible = new Map<string, string>();
  for (const [name, value] of headers) {
    if (HIDDEN.has(name) || name.startsWith("sallyport-")) continue;
    const before = visible.get(name);
    visible.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return visible;
}

/** As forms are read (URL Standard, application/x-www-form-urlencoded); what is wrongly encoded stays as it is. */
function parametersOf(query: string): ReadonlyMap<string, readonly string[]> {
  const parameters = new Map<string, string[]>();
  if (query === "") return parameters;
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const at = pair.indexOf("=");
    const name = decoded(at < 0 ? pair : pair.slice(0, at));
    const values = parameters.get(name);
    const value = at < 0 ? "" : decoded(pair.slice(at + 1));
    if (values === undefined) parameters.set(name, [value]);
    else values.push(value);
  }
  return parameters;
}

function decoded(text: string): string {
  const plain = text.replaceAll("+", " ");
  if (!plain.includes("%")) return plain;
  try {
    return decodeURIComponent(plain);
  } catch {
    return text;
  }
}

function messageOf({ type, size }: MessageView): unknown {
  return { type, size: BigInt(size) };
}

const seconds = (time: number | null): unknown => (time === null ? FAILED : new Timestamp(time * 1000));

/** Members of the variables, as core/policy/cel/environment.ts declares them. FAILED: it is not there. */
export const READERS: ReadonlyMap<string, Step> = new Map<string, Step>([
  ["principal.issuer", ({ asked }) => asked.principal.issuer],
  ["principal.subject", ({ asked }) => asked.principal.subject],
  ["principal.name", ({ asked }) => asked.principal.name ?? ""],
  ["principal.email", ({ asked }) => asked.principal.email ?? ""],
  ["principal.email_verified", ({ asked }) => asked.principal.emailVerified],
  ["principal.groups", ({ asked }) => asked.principal.groups],
  ["principal.roles", (scope) => scope.roles],
  ["principal.auth_time", ({ asked }) => seconds(asked.principal.authTime)],
  ["principal.methods", ({ asked }) => asked.principal.methods],
  ["actor.issuer", ({ asked }) => asked.principal.actors[0]?.issuer ?? ""],
  ["actor.subject", ({ asked }) => asked.principal.actors[0]?.subject ?? ""],
  ["actor.chain", ({ asked }) => asked.principal.actors],
  ["connection.name", ({ connection }) => connection.name],
  ["connection.protocol", ({ connection }) => connection.protocol],
  ["connection.region", ({ connection }) => connection.region],
  ["connection.labels", ({ connection }) => connection.labels],
  ["command.method", ({ asked }) => asked.method],
  ["command.path", ({ asked }) => asked.path],
  ["command.route", (scope) => scope.captures],
  ["command.query", (scope) => scope.query],
  ["command.headers", (scope) => scope.headers],
  ["command.json", ({ asked: { body } }) => (body.kind === "json" ? body.value : FAILED)],
  ["command.message", ({ asked: { message } }) => (message === null ? FAILED : messageOf(message))],
  ["request.region", ({ asked }) => asked.region],
  ["request.address", ({ asked }) => asked.address ?? ""],
  ["request.time", ({ now }) => now],
  ["now", ({ now }) => now],
]);
