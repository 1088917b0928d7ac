// The policy: roles, connections and who may use which methods on which routes, under which
// conditions. Read once, at the boundary; anything it does not understand is refused with its place,
// so that a typing error never allows.

import * as v from "valibot";
import type { Identity } from "../approval/approval.ts";
import type { ConnectionName, Digest } from "../ids.ts";
import { parseConnectionName } from "../ids.ts";
import { isMessageMethod } from "../protocol/http/methods.ts";
import { EVERY_SECRET, type MaskPlan, maskPlan, type OwnMask } from "../mask/mask_plan.ts";
import type { CredentialUse } from "../protocol/http/credential.ts";
import { ok, refuse, type Result } from "../result.ts";
import { approvalTermsOf, findApprovals, findShortages, notifyOf, type Report } from "./approve.ts";
import { type CompiledRules, compileRules } from "./compile.ts";
import { type Condition, parseCondition } from "./condition.ts";
import type { Extent, HowRefused, Obligation } from "./decision.ts";
import { type PolicyExample, exampleOf } from "./example.ts";
import type { FileExample, FileRule, PolicyFile } from "./file.ts";
import { FileSchema } from "./file_schema.ts";
import { isBuiltInMask, ownMask } from "./own_masks.ts";
import { MAX_PROBLEMS, type PolicyProblem, type PolicyRefusal } from "./problem.ts";
import { pathText, readYaml, type ReadText, type ValuePath } from "./read_yaml.ts";
import { captureNames, parseRoute } from "./route.ts";
import type { NotifyTarget, PolicyRole, PolicyRule } from "./rule.ts";

export type { PolicyExample } from "./example.ts";
export type { PolicyProblem, PolicyRefusal } from "./problem.ts";

/** Built in: the gateway's own API. */
export const CONSOLE = "console" as ConnectionName;
/** Roles that exist without being defined: the API asks for them, and the first admin has `admin`. */
export const BUILT_IN_ROLES: readonly string[] = ["admin", "auditor"];

export interface ConnectionSettings {
  readonly name: ConnectionName;
  /** `websocket` also forwards plain requests. */
  readonly protocol: "http" | "websocket";
  /** Without a slash at the end. */
  readonly upstream: string;
  /** Where that stands in the file, both from 1: what only a region's configuration can tell of it is said with its place. */
  readonly upstreamAt: { readonly line: number; readonly column: number };
  readonly region: string;
  readonly credential: CredentialUse | null;
  readonly labels: readonly string[];
  readonly timeoutSeconds: number;
  /** How long a session on it lasts at most. */
  readonly sessionSeconds: number;
  /** How long one stays open without a command. */
  readonly idleSeconds: number;
  /** Bytes of a JSON body, or of a message, that rules may read. */
  readonly jsonLimit: number;
  /** How much of bodies and messages is recorded, where no rule says it; see `extentOf`. */
  readonly record: Extent;
  /** A body in a content coding that cannot be opened: recorded by commitment only, or refused. */
  readonly unreadable: "commit" | "refuse";
  /** Bytes of one message; a larger one closes the socket with 1009. */
  readonly messageLimit: number;
  /** What becomes of a refused message, where no rule says it; see `howRefused`. */
  readonly onRefused: HowRefused;
  /** Without a message either way for so long a socket is closed; null: never. */
  readonly silenceSeconds: number | null;
  /** Who may frame its pages: nobody, itself, or pages of these origins. */
  readonly framing: "none" | "self" | readonly string[];
  /** Served on an origin of its own, with login by redirect. */
  readonly browser: boolean;
  /** The policy's own masks, all of them; the same list for each connection. */
  readonly masks: readonly OwnMask[];
  /** What is masked in the record: everything. Compiled once for the policy. */
  readonly maskPlan: MaskPlan;
}

/** Where a connection says nothing. */
const MESSAGE_LIMIT = 1024 * 1024;

export interface Policy {
  /** SHA-256 of the text's UTF-8 bytes. */
  readonly hash: Digest;
  readonly description: string | null;
  readonly roles: readonly PolicyRole[];
  /** Lists of identities of one person each. No identity stands twice. */
  readonly persons: readonly (readonly Identity[])[];
  readonly notify: ReadonlyMap<string, NotifyTarget>;
  readonly masks: readonly OwnMask[];
  readonly connections: ReadonlyMap<string, ConnectionSettings>;
  /** In the file's order. */
  readonly rules: readonly PolicyRule[];
  readonly examples: readonly PolicyExample[];
  /** What `decide` reads. */
  readonly compiled: CompiledRules;
}

const EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" as Digest;

/** What holds where no policy was ever applied: it allows nothing. Its hash is the empty text's. */
export const EMPTY_POLICY: Policy = {
  hash: EMPTY_HASH,
  description: null,
  roles: [],
  persons: [],
  notify: new Map(),
  masks: [],
  connections: new Map(),
  rules: [],
  examples: [],
  compiled: compileRules(EMPTY_HASH, new Map(), [], new Map()),
};

/** `hash` is the SHA-256 of the file's bytes, of which `text` is the UTF-8 text. */
export function parsePolicy(text: string, hash: Digest): Result<Policy, PolicyRefusal> {
  const read = readYaml(text);
  if (!read.ok) return read;
  const found = new Problems(read.value);
  const parsed = v.safeParse(FileSchema, read.value.value, { abortPipeEarly: true });
  if (!parsed.success) {
    for (const issue of parsed.issues) addIssue(found, issue, []);
    return found.refusal();
  }
  const file = parsed.output;
  const masks = masksOf(file, found);
  const connections = connectionsOf(file, masks, read.value, found);
  findDangling(file, connections, found);
  const report: Report = (path, expected, ofName) => found.add(path, expected, ofName);
  findApprovals(file, BUILT_IN_ROLES, report);
  if (!found.any) findShortages(file, report);
  const conditions = new Map<string, Condition>();
  const rules = file.rules.map((rule, index) => ruleOf(rule, index, read.value, conditions, found));
  if (found.any) return found.refusal();
  const roles = Object.entries(file.roles).map(([name, role]) => ({
    name,
    groups: new Set(role.groups),
    issuer: role.issuer ?? null,
    subjects: role.subjects,
  }));
  const examples = file.examples.map((example, index) => exampleOf(example, read.value.placeOf(["examples", index])));
  const compiled = compileRules(hash, connections, rules, conditions);
  return ok({
    hash,
    description: file.description ?? null,
    roles,
    persons: file.persons,
    notify: notifyOf(file, (path) => read.value.placeOf(path)),
    masks,
    connections,
    rules,
    examples,
    compiled,
  });
}

/** Gathers what is wrong, each with its place. */
class Problems {
  readonly #read: ReadText;
  readonly #found: PolicyProblem[] = [];

  constructor(read: ReadText) {
    this.#read = read;
  }

  get any(): boolean {
    return this.#found.length > 0;
  }

  add(path: ValuePath, expected: string, ofName = false): void {
    if (this.#found.length < MAX_PROBLEMS)
      this.#found.push({ path: pathText(path), ...this.#read.placeOf(path, ofName), expected });
  }

  /** Within the text at the path. */
  addInText(path: ValuePath, index: number, expected: string): void {
    if (this.#found.length < MAX_PROBLEMS)
      this.#found.push({ path: pathText(path), ...this.#read.placeInText(path, index), expected });
  }

  refusal(): { readonly ok: false } & PolicyRefusal {
    const problems = [...this.#found].sort((a, b) => a.line - b.line || a.column - b.column);
    return refuse({ reason: "policy_invalid", problems });
  }
}

/** Of a choice that failed, what the alternatives say that the value is one of by its kind. */
function addIssue(found: Problems, issue: v.BaseIssue<unknown>, above: ValuePath): void {
  const path = [...above, ...(issue.path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key)))];
  const inner = (issue.issues ?? []).filter((one) => {
    const step = one.path?.[0];
    return step !== undefined && !isListTakenForObject(step);
  });
  if (inner.length > 0) for (const one of inner) addIssue(found, one, path);
  else found.add(path, expectedBy(issue), issue.path?.at(-1)?.origin === "key");
}

function isListTakenForObject({ type, input }: v.IssuePathItem): boolean {
  return type === "object" && Array.isArray(input);
}

function expectedBy({ type, expected, path, message }: v.BaseIssue<unknown>): string {
  if (expected === "never") return "no such member";
  return type === "strict_object" && path !== undefined ? "a value; it is missing" : message;
}

function masksOf(file: PolicyFile, found: Problems): readonly OwnMask[] {
  return Object.entries(file.masks).map(([id, mask]) =>
    ownMask(id, mask, (member, expected, at) => {
      const path = ["masks", id, ...(member === null ? [] : [member])];
      if (at === undefined) found.add(path, expected, true);
      else found.addInText(path, at, expected);
    }),
  );
}

function connectionsOf(
  file: PolicyFile,
  masks: readonly OwnMask[],
  read: ReadText,
  found: Problems,
): Map<string, ConnectionSettings> {
  const connections = new Map<string, ConnectionSettings>();
  // What does not compile was found already, and then there is no policy.
  const plan = found.any ? EVERY_SECRET : maskPlan(masks);
  for (const [key, settings] of Object.entries(file.connections)) {
    const name = parseConnectionName(key);
    if (name === null || name === CONSOLE) {
      found.add(["connections", key], "a connection's name: a-z, 0-9, single dashes, not console");
      continue;
    }
    if (settings.protocol === "http")
      for (const member of ["message_limit", "on_refused", "silence_seconds"] as const)
        if (settings[member] !== undefined) found.add(["connections", key, member], "protocol: websocket", true);
    connections.set(name, {
      name,
      protocol: settings.protocol,
      upstream: settings.upstream.replace(/\/+$/, ""),
      upstreamAt: read.placeOf(["connections", key, "upstream"]),
      region: settings.region,
      credential: settings.credential ?? null,
      labels: settings.labels,
      timeoutSeconds: settings.timeout_seconds,
      sessionSeconds: settings.session_seconds,
      idleSeconds: settings.idle_seconds,
      jsonLimit: settings.json_limit,
      record: settings.record,
      unreadable: settings.unreadable,
      messageLimit: settings.message_limit ?? MESSAGE_LIMIT,
      onRefused: settings.on_refused ?? "drop",
      silenceSeconds: settings.silence_seconds ?? null,
      framing: settings.framing,
      browser: settings.browser,
      masks,
      maskPlan: plan,
    });
  }
  return connections;
}

/** What no single value shows: ids used twice, and names of roles and connections that are not defined. */
function findDangling(file: PolicyFile, connections: ReadonlyMap<string, ConnectionSettings>, found: Problems): void {
  const ids = new Set<string>();
  const labels = new Set([...connections.values()].map((one) => [...one.labels].sort().join(" ")));
  for (const [index, rule] of file.rules.entries()) {
    const at = ["rules", index];
    if (ids.has(rule.id)) found.add([...at, "id"], "an id that no other rule has");
    ids.add(rule.id);
    findPeople(rule, at, file, found);
    findMessages(rule, at, connections, found);
    for (const [i, name] of rule.mask.entries())
      if (!isBuiltInMask(name) && !Object.hasOwn(file.masks, name))
        found.add([...at, "mask", i], "a mask of this file, secrets, or one that is built in");
    if (!("labels" in rule.connections)) {
      for (const [i, name] of rule.connections.entries())
        if (name !== "*" && !Object.hasOwn(file.connections, name))
          found.add([...at, "connections", i], "a connection of this file, or *");
    } else {
      const wanted = rule.connections.labels;
      const isHeld = [...labels].some((held) => wanted.every((label) => held.split(" ").includes(label)));
      if (!isHeld) found.add([...at, "connections", "labels"], "labels that a connection of this file has");
    }
  }
  for (const [index, example] of file.examples.entries()) {
    const at = ["examples", index];
    if (example.by !== undefined && example.by !== "default" && !ids.has(example.by))
      found.add([...at, "by"], "a rule of this file, or default");
    findContents(example, at, found);
  }
}

/** Rules about messages that no connection has, and words about messages in rules that concern none. */
function findMessages(
  rule: FileRule,
  at: ValuePath,
  connections: ReadonlyMap<string, ConnectionSettings>,
  found: Problems,
): void {
  const { connections: named, methods, refused, effect } = rule;
  const hasSockets = [...connections.values()].some(
    ({ name, labels, protocol }) =>
      protocol === "websocket" &&
      ("labels" in named
        ? named.labels.every((label) => labels.includes(label))
        : named.includes("*") || named.includes(name)),
  );
  const first = methods.findIndex(isMessageMethod);
  if (first >= 0 && !hasSockets)
    found.add([...at, "methods", first], "a connection with protocol: websocket, which alone has messages");
  if (refused === undefined) return;
  if (effect === "allow") found.add([...at, "refused"], "effect: deny or needs-approval", true);
  else if (first < 0 && !methods.includes("*"))
    found.add([...at, "refused"], "SEND or RECEIVE among the methods", true);
}

function findContents({ do: does, with: given }: FileExample, at: ValuePath, found: Problems): void {
  const contents = (["json", "text", "binary"] as const).filter((name) => given?.[name] !== undefined);
  if (contents.length > 1) found.add([...at, "with"], "one of json, text and binary", true);
  if (isMessageMethod(does.slice(0, does.indexOf(" ")))) return;
  for (const name of contents)
    if (name !== "json") found.add([...at, "with", name], "SEND or RECEIVE, whose contents it could be", true);
}

function findPeople({ who }: FileRule, at: ValuePath, file: PolicyFile, found: Problems): void {
  if (who === "anyone") return;
  // Such a rule would hold for nobody: certainly not what was meant.
  if (who.roles.length + who.groups.length + who.subjects.length === 0)
    found.add([...at, "who"], "a role, a group or a subject, or anyone");
  for (const [i, name] of who.roles.entries())
    if (!Object.hasOwn(file.roles, name) && !BUILT_IN_ROLES.includes(name))
      found.add([...at, "who", "roles", i], "a role of this file");
}

function ruleOf(
  rule: FileRule,
  index: number,
  read: ReadText,
  conditions: Map<string, Condition>,
  found: Problems,
): PolicyRule {
  const { who } = rule;
  const people = who === "anyone" ? { roles: [], groups: [], subjects: [] } : who;
  const routes = rule.routes.map((route) => parseRoute(route)).filter((route) => route !== null);
  const path = ["rules", index, "when"];
  let when: PolicyRule["when"] = null;
  if (rule.when !== undefined) {
    const parsed = parseCondition(rule.when, captureNames(routes));
    if (parsed.ok) {
      conditions.set(rule.id, parsed.condition);
      when = { text: rule.when, ...read.placeInText(path, 0), readsBody: parsed.condition.readsBody };
    } else {
      for (const { at, expected } of parsed.problems) found.addInText(path, at, expected);
    }
  }
  return {
    id: rule.id,
    ...read.placeOf(["rules", index]),
    description: rule.description ?? null,
    effect: rule.effect === "needs-approval" ? "needs_approval" : rule.effect,
    priority: rule.priority,
    anyone: who === "anyone",
    roles: new Set(people.roles),
    groups: new Set(people.groups),
    issuer: people.issuer ?? null,
    subjects: people.subjects,
    connections: new Set("labels" in rule.connections ? [] : rule.connections),
    labels: "labels" in rule.connections ? rule.connections.labels : null,
    methods: new Set(rule.methods),
    routes,
    when,
    message: rule.message ?? null,
    obligations: obligationsOf(rule),
    refused: rule.refused ?? null,
    approve: approvalTermsOf(rule),
  };
}

function obligationsOf({ mask, record }: FileRule): readonly Obligation[] {
  const masks: readonly Obligation[] = mask.length === 0 ? [] : [{ kind: "mask", rules: mask }];
  return record === undefined ? masks : [...masks, { kind: "record", extent: record }];
}
