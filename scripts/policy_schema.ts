// Writes policy/policy.schema.json, by which an editor's YAML language server completes a policy and
// underlines what is wrong. From the schemas that the gateway itself checks with, where JSON Schema can
// say the same; what those check by code is added here, with the texts that an editor shows on hover.
//
// Draft 7, which is what YAML language servers are sure to take.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import { FileSchema } from "../core/policy/file_schema.ts";
import { MESSAGE_METHODS, METHOD_NAMES } from "../core/protocol/http/methods.ts";

const SEGMENT = "(?!\\.{1,2}(?:/|$))(?:[A-Za-z0-9._~!$&'()+,;=:@[\\]|-]|%[0-9A-Fa-f]{2})*";
const WILD = "\\*|\\{[a-z][a-z0-9_]{0,31}\\}";
const ASKED = "^[A-Z]{1,32} /[!-~]*$";

/** By the path in the schema: the names of members, `*` for what a list or a map holds. */
interface Addition {
  readonly description: string;
  readonly more?: Readonly<Record<string, unknown>>;
}

const NAMES = { pattern: "^[a-z0-9](?:-?[a-z0-9])*$", maxLength: 32, not: { const: "console" } };

const ADDITIONS: Readonly<Record<string, Addition>> = {
  "": {
    description: "A Sallyport policy: roles, connections, rules and examples. Nothing is allowed that no rule allows.",
  },
  version: { description: "Of the language." },
  description: { description: "What this policy is for." },
  roles: {
    description:
      "Names for people; rules say what a role may do. `auditor` and `admin` also open the gateway's own API.",
  },
  "roles.*": { description: "Who holds the role: members of these groups, and these subjects." },
  "roles.*.groups": { description: "As the issuer states them." },
  "roles.*.issuer": { description: "Groups count only from this issuer." },
  "roles.*.subjects": { description: "Single people or services." },
  persons: {
    description: "Identities of one person each: with none of them do they approve what they asked for with another.",
  },
  "persons.*": { description: "One person, by issuer and subject." },
  notify: {
    description: "Where approvals are told of, beside the inbox. A notice is a link.",
    more: { maxProperties: 32 },
  },
  "notify.*": {
    description: "A webhook that is signed for (Standard Webhooks), or one as Slack takes it.",
    more: {
      if: { type: "object", properties: { format: { const: "slack" } } },
      // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's word, and nobody awaits a schema
      then: { oneOf: ["url", "secret"].map((name) => ({ type: "object", required: [name] })) },
    },
  },
  "notify.*.url": {
    description: "Where it goes. With slack instead: a secret that is the URL, since whoever knows it may write there.",
    more: { pattern: "^https?://[^/?#@]+(?:/[^?#]*)?$", maxLength: 2048 },
  },
  "notify.*.secret": {
    description: "Name of a Worker's secret, beginning with NOTIFY_: what signs, or with slack the URL.",
  },
  masks: {
    description: "Your own rules for what is masked, beside those that are built in. In the record they always apply.",
    more: { maxProperties: 100 },
  },
  "masks.*": { description: "Fields by name, a pattern where one of its keywords stands, or both." },
  "masks.*.fields": { description: "Names of members, parameters, elements or headers whose values are masked." },
  "masks.*.pattern": { description: "In RE2's syntax. What it fits is masked.", more: { maxLength: 512 } },
  "masks.*.keywords": {
    description: "Texts of 3 characters or more, one of which stands in or near what the pattern fits.",
  },
  "masks.*.pseudonym": {
    description: "Auditors see that two values were the same. Not for values that can be guessed.",
  },
  connections: {
    description: "The tools that can be reached, by the name that stands in a call's path.",
    more: { propertyNames: NAMES },
  },
  "connections.*": { description: "A tool." },
  "connections.*.protocol": { description: "How it is spoken to. `websocket` also takes plain requests." },
  "connections.*.upstream": {
    description: "Where calls go. Paths are appended.",
    more: { pattern: "^https?://[^/?#@]+(?:/[^?#]*)?$", maxLength: 2048 },
  },
  "connections.*.region": { description: "The region whose gateway calls it." },
  "connections.*.credential": { description: "Put on each call. The caller never sees it." },
  "connections.*.labels": { description: "For rules about kinds of connections." },
  "connections.*.timeout_seconds": { description: "Until the upstream's answer begins." },
  "connections.*.session_seconds": {
    description: "How long a session lasts at most. What still runs then is cut.",
  },
  "connections.*.idle_seconds": { description: "How long a session stays open without a command." },
  "connections.*.json_limit": {
    description: "Bytes of a JSON body that rules may read; a larger body is refused where a rule reads it.",
  },
  "connections.*.record": {
    description: "How much of bodies and messages is recorded: full, metadata, or so many bytes from their start.",
  },
  "connections.*.unreadable": {
    description: "A body in a coding that cannot be opened: committed to, or refused.",
  },
  "connections.*.message_limit": { description: "Bytes of one message. A larger one closes the socket." },
  "connections.*.on_refused": { description: "A refused message: dropped, or the socket closed." },
  "connections.*.silence_seconds": {
    description: "Without a message either way for so long a socket is closed. Pings count for nothing.",
  },
  "connections.*.framing": {
    description: "Whose pages may frame its pages in a browser: none, self, or a list of origins.",
  },
  "connections.*.framing.*": {
    description: "An origin, as browsers write it.",
    more: { pattern: "^https?://[^/?#@\\\\A-Z]+$", maxLength: 512 },
  },
  "connections.*.browser": { description: "Served to browsers on an origin of its own, with login by redirect." },
  rules: {
    description:
      "Higher priority first; then deny, needs-approval, allow; then as they stand. The first that holds decides.",
  },
  "rules.*.id": { description: "Unique. Records and answers name it." },
  "rules.*.description": { description: "Why the rule exists." },
  "rules.*": {
    description: "Holds where all of its members fit.",
    more: {
      if: { properties: { effect: { const: "needs-approval" } }, required: ["effect"] },
      // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's word, and nobody awaits a schema
      then: { required: ["approve"] },
      else: { not: { required: ["approve"] } },
    },
  },
  "rules.*.effect": { description: "What needs an approval waits for the people that `approve` names." },
  "rules.*.priority": { description: "Higher ones are considered first. For exceptions only." },
  "rules.*.who": { description: "`anyone`, or any of roles, groups and subjects: one that fits is enough." },
  "rules.*.connections": { description: 'Names, "*" for all, or those that have all these labels.' },
  "rules.*.methods": {
    description: 'In upper case, or "*". HEAD is not included in GET. SEND and RECEIVE are messages of a WebSocket.',
  },
  "rules.*.methods.*": { description: "A method.", more: { enum: ["*", ...METHOD_NAMES, ...MESSAGE_METHODS] } },
  "rules.*.routes": { description: "/literal, * or {name} for one segment, ** at the end for the rest." },
  "rules.*.routes.*": {
    description: "A route.",
    more: { pattern: `^/(?:(?:${WILD}|${SEGMENT})/)*(?:\\*\\*|${WILD}|${SEGMENT})$`, maxLength: 1024 },
  },
  "rules.*.when": { description: "A condition in CEL over principal, actor, connection, command, request and now." },
  "rules.*.message": { description: "Told to the caller when this rule denies or asks." },
  "rules.*.mask": {
    description: "What is masked towards the caller, too: `secrets` for all built-in masks, one of them, or your own.",
  },
  "rules.*.record": {
    description: "How much of bodies and messages is recorded, in place of what the connection says.",
  },
  "rules.*.refused": { description: "What becomes of a message that this rule denies." },
  "rules.*.approve": { description: "Who has to approve, and what becomes of what waits. With needs-approval only." },
  "rules.*.approve.by": { description: "Each of them has to be filled. A person counts once, and never who asks." },
  "rules.*.approve.by.*": { description: "Any of roles, groups and subjects: `count` different people of them." },
  "rules.*.approve.by.*.count": { description: "How many people. 1 if not given." },
  "rules.*.approve.expires_minutes": { description: "Until an unanswered one expires." },
  "rules.*.approve.use_within_minutes": {
    description: "From the decision until an approved one that is not used expires.",
  },
  "rules.*.approve.wait_seconds": {
    description: "How long a call waits that does not say so itself (Prefer: wait=N).",
  },
  "rules.*.approve.if_gone": {
    description: "A caller who waits and leaves: takes the request back, or may come again with its id.",
  },
  "rules.*.approve.body_limit": { description: "Bytes of a body that waits." },
  "rules.*.approve.grant": { description: "A decider may allow the like for a time. Absent: each is asked for." },
  "rules.*.approve.grant.minutes": { description: "At most, from the decision." },
  "rules.*.approve.grant.for": { description: "The same method and target again, or whatever the rule asks about." },
  "rules.*.approve.comment": { description: "Whether a decider has to say why." },
  "rules.*.approve.reason": { description: "Whether whoever asks has to say why (Sallyport-Reason)." },
  "rules.*.approve.passkey": { description: "Deciders sign what they decide." },
  "rules.*.approve.break_glass": {
    description: "Who may go on without an approval, with a reason, to be reviewed afterwards.",
  },
  "rules.*.approve.masked_only_in": {
    description: "What another mask than these takes out is refused: nobody approves what they cannot see.",
  },
  "rules.*.approve.notify": { description: "Names of `notify`." },
  examples: { description: "What must be decided on what: `sallyport policy test` runs them, and so does each apply." },
  "examples.*": { description: "A command, and what is expected." },
  "examples.*.name": { description: "What it shows." },
  "examples.*.as": { description: "Who calls. Without an issuer: the one that the file names, if it names one only." },
  "examples.*.do": {
    description: "METHOD and target inside the connection: GET /path?query",
    more: { pattern: ASKED },
  },
  "examples.*.on": { description: "The connection." },
  "examples.*.with": {
    description: "Headers, a JSON body, a message's text or size in binary, the caller's address, the time.",
  },
  "examples.*.expect": { description: "What must be decided." },
  "examples.*.by": { description: "The rule that must decide; `default` for none." },
};

type Node = Record<string, unknown>;

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The schemas at a path: several where a value may be of one kind or another. */
function nodesAt(root: Node, path: string): readonly Node[] {
  return path
    .split(".")
    .reduce<readonly Node[]>(
      (nodes, name) => nodes.flatMap((node) => (name === "" ? [node] : stepInto(node, name))),
      [root],
    );
}

function stepInto(node: Node, name: string): readonly Node[] {
  const alternatives = ["anyOf", "oneOf"].flatMap((key) => (Array.isArray(node[key]) ? (node[key] as unknown[]) : []));
  const inside = alternatives.filter(isNode).flatMap((one) => stepInto(one, name));
  const members = isNode(node.properties) ? node.properties : {};
  const own = name === "*" ? [node.items, node.additionalProperties] : [members[name]];
  return [...inside, ...own.filter(isNode)];
}

export function policySchema(): Record<string, unknown> {
  const schema = toJsonSchema(FileSchema, { target: "draft-07", errorMode: "ignore" }) as JsonSchema & Node;
  for (const [path, { description, more }] of Object.entries(ADDITIONS)) {
    const nodes = nodesAt(schema, path);
    if (nodes.length === 0) throw new Error(`the schema has no ${path}`);
    for (const node of nodes) Object.assign(node, { description }, more);
  }
  const { $schema, ...rest } = schema;
  return { $schema: $schema ?? "http://json-schema.org/draft-07/schema#", title: "Sallyport policy", ...rest };
}

export const SCHEMA_FILE: string = join(fileURLToPath(import.meta.url), "../../policy/policy.schema.json");

export function schemaText(): string {
  return `${JSON.stringify(policySchema(), null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(SCHEMA_FILE, schemaText());
