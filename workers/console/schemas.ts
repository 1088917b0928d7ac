// What the API's parameters, bodies and answers are made of: one valibot schema each, by which requests
// are checked and from which the OpenAPI document is written. Messages say what would be right.

import * as v from "valibot";
import { COMMAND_OUTCOMES } from "../../core/index/command_row.ts";
import { parseRoute } from "../../core/policy/route.ts";
import { PROBLEM_REASONS } from "../problem.ts";

/** What an issue expected, in words of ours: the library's own message would quote what was sent. */
export function expectedOf(issue: v.BaseIssue<unknown>, what: "parameter" | "member"): string {
  if (issue.type === "strict_object") {
    if (issue.expected === "never") return `no such ${what}`;
    if (issue.expected !== "Object") return `this ${what}`;
  }
  return issue.message.startsWith("Invalid ") ? (issue.expected ?? "another value") : issue.message;
}

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
export const Sid = v.pipe(v.string(), v.regex(new RegExp(`^${UUID}$`)), v.description("A session's id, a UUIDv7"));
export const CommandIdText = v.pipe(
  v.string(),
  v.regex(new RegExp(`^${UUID}$`)),
  v.description("A command's id, a UUIDv7"),
);
export const Hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/), v.description("SHA-256 in hex"));
export const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
export const Time = v.pipe(Count, v.description("Milliseconds since 1970"));
export const Owner = v.object({ issuer: v.string(), subject: v.string() });

// Parameters: text as it stands in the query, and what is made of it.

function integer(least: number, most: number) {
  const expected = `a whole number from ${least} to ${most}`;
  return v.pipe(
    v.string(),
    v.regex(/^(?:0|[1-9]\d{0,14})$/, expected),
    v.transform(Number),
    v.number(),
    v.integer(),
    v.minValue(least, expected),
    v.maxValue(most, expected),
  );
}

const TIME = "milliseconds since 1970, or a date and time as in RFC 3339";
const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** Both forms that people have at hand. The document says so by hand: a pipe's output alone would not. */
export const Moment = v.pipe(
  v.string(),
  v.check((text) => !Number.isNaN(timeOf(text)), TIME),
  v.transform(timeOf),
  v.number(),
  v.minValue(0, TIME),
  v.metadata({ type: ["integer", "string"], description: `A time: ${TIME}` }),
);

function timeOf(text: string): number {
  if (/^(?:0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  return RFC3339.test(text) ? Date.parse(text) : Number.NaN;
}

export const Limit = v.pipe(integer(1, 100), v.description("Items a page at most; 100 if not given"));
export const Cursor = v.pipe(
  v.string(),
  v.maxLength(512, "a cursor"),
  v.description("`next` of the page before, with the same filters and the same caller"),
);
export const From = v.pipe(integer(0, 2 ** 32), v.description("The first record wanted; 0 if not given"));
export const Status = v.pipe(integer(100, 599), v.description("Status of the answer"));
export const Flag = v.picklist(["true", "false"], "true or false");

/** One line of text from a person, or a name: kept as data, shown by others. */
export function line(most: number, description: string) {
  const expected = `text of 1 to ${most} characters, without control characters`;
  return v.pipe(
    v.string(expected),
    v.minLength(1, expected),
    v.maxLength(most, expected),
    v.check((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), expected),
    v.description(description),
  );
}

export const Issuer = line(512, "An issuer, as tokens name it");
export const Subject = line(512, "A subject, as its issuer names it");
export const Connection = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "a connection's name"),
  v.description("A connection's name"),
);
export const MethodName = v.pipe(
  v.string(),
  v.regex(/^[A-Z-]{1,32}$/, "a method, in upper case"),
  v.description("A method"),
);
export const RouteText = v.pipe(
  v.string(),
  v.maxLength(1024, "a route"),
  v.check((text) => parseRoute(text) !== null, "a route: /literal/*/{name}/**"),
  v.description("A route, as the policy writes it"),
);
export const Outcome = v.picklist(COMMAND_OUTCOMES, `one of ${COMMAND_OUTCOMES.join(", ")}`);

/** A page of a list. */
export function page<Item extends v.GenericSchema>(item: Item) {
  return v.object({
    items: v.array(item),
    next: v.pipe(v.nullable(v.string()), v.description("The cursor of the next page; null on the last one")),
  });
}

// Answers.

export const Problem = v.object({
  type: v.string(),
  title: v.string(),
  status: v.pipe(v.number(), v.integer()),
  reason: v.picklist([...PROBLEM_REASONS]),
  detail: v.optional(v.string()),
  errors: v.optional(
    v.array(
      v.object({
        pointer: v.optional(v.pipe(v.string(), v.description("RFC 6901, into the body"))),
        parameter: v.optional(v.string()),
        path: v.optional(v.pipe(v.string(), v.description("Into the policy: `rules[2].methods[0]`"))),
        line: v.optional(v.pipe(Count, v.description("From 1"))),
        column: v.optional(v.pipe(Count, v.description("From 1"))),
        expected: v.string(),
      }),
    ),
  ),
  record: v.optional(v.pipe(v.string(), v.description("`<sid>/<seq>` of the record that tells more"))),
  approval: v.optional(v.pipe(v.string(), v.description("The id of the approval that it is about"))),
  used: v.optional(v.pipe(v.string(), v.description("`<sid>/<seq>` of the intent that used the approval"))),
});

export const SessionItem = v.object({
  sid: Sid,
  connection: v.string(),
  owner: Owner,
  opened: Time,
  closed: v.nullable(Time),
  size: v.pipe(v.nullable(Count), v.description("Records, once it is closed")),
  reason: v.optional(v.pipe(v.string(), v.description("Why it was closed"))),
});

export const SessionSummary = v.object({
  sid: Sid,
  connection: v.string(),
  owner: Owner,
  opened: Time,
  closed: v.nullable(Time),
  size: Count,
  tip: Hash,
  root: Hash,
  openCommands: v.array(CommandIdText),
});

export const Head = v.object({ sid: Sid, size: Count, root: Hash, tip: Hash });
export const RecordLine = v.object({
  leaf: v.pipe(v.string(), v.description("The leaf's text, byte for byte: docs/record_format.md")),
  fields: v.pipe(
    v.array(v.union([v.tuple([v.string(), v.string(), v.string()]), v.tuple([v.string(), Hash])])),
    v.description("Name, salt and value; or, of a field that is withheld, name and commitment"),
  ),
});

export const Command = v.object({
  id: CommandIdText,
  sid: Sid,
  seq: Count,
  time: Time,
  issuer: v.string(),
  subject: v.string(),
  actor: v.nullable(v.string()),
  connection: v.string(),
  protocol: v.string(),
  method: v.string(),
  path: v.string(),
  query: v.nullable(v.string()),
  rule: v.nullable(v.string()),
  policy: v.nullable(v.string()),
  effect: v.nullable(v.string()),
  outcome: Outcome,
  reason: v.nullable(v.string()),
  status: v.nullable(Count),
  ms: v.nullable(Count),
  req_bytes: v.nullable(Count),
  resp_bytes: v.nullable(Count),
  ended: v.nullable(Time),
});

/** workers/console/payload_facts.ts */
export const Payload = v.object({
  state: v.pipe(
    v.picklist(["recorded", "none", "metadata", "opaque"]),
    v.description(
      "`none`: no such body, or nothing of it yet; `metadata`: not to be recorded; `opaque`: by commitment only",
    ),
  ),
  type: v.pipe(v.nullable(v.string()), v.description("The media type that it was sent with")),
  format: v.nullable(v.string()),
  coding: v.nullable(v.string()),
  bytes: v.pipe(v.nullable(Count), v.description("That travelled; null while the command is open")),
  cut: v.pipe(Count, v.description("Bytes that travelled and are in no record")),
  chunks: v.pipe(Count, v.description("Records of kind `stream.chunk`, which are not among `records`")),
  masked: v.object({
    count: Count,
    isCut: v.pipe(v.boolean(), v.description("There can be more than were counted")),
    rules: v.array(v.object({ rule: v.string(), count: Count })),
    places: v.pipe(
      v.array(v.object({ at: v.number(), put: Count, length: Count, rule: v.string() })),
      v.description("The first ones: `put` bytes at `at` of the masked body stand for `length` bytes"),
    ),
  }),
  size: v.pipe(Count, v.description("Bytes of the masked body that are recorded")),
  complete: v.pipe(v.boolean(), v.description("No more can come")),
});

export const Principal = v.object({
  issuer: v.string(),
  subject: v.string(),
  name: v.nullable(v.string()),
  email: v.nullable(v.string()),
  emailVerified: v.boolean(),
  groups: v.array(v.string()),
  authTime: v.nullable(v.number()),
  methods: v.array(v.string()),
  actors: v.array(Owner),
});

/** Named in the document. */
export const COMPONENTS = { Problem, SessionItem, SessionSummary, RecordLine, Command, Payload, Principal } as const;
