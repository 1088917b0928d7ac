// The policy file's shape: what each member may be, member by member. What takes several members to
// see (names that are not defined, conditions) is checked by policy.ts.

import * as v from "valibot";
import { verbClass } from "../protocol/http/methods.ts";
import { isReservedHeader } from "../protocol/http/reserved.ts";
import { parseTarget } from "../protocol/http/target.ts";
import { MAX_JSON_LIMIT } from "./body.ts";
import type { PolicyFile } from "./file.ts";
import { parseRoute } from "./route.ts";

/** What the file may hold at most. Far above honest use, low enough that a decision stays cheap. */
export const MAX_RULES: number = 1000;
const MAX_NAMES = 1000;
const MAX_ROUTES = 100;
const MAX_EXAMPLES = 1000;
/** UTF-16 code units; see core/policy/condition.ts for what else bounds a condition. */
const MAX_CONDITION = 4096;
export const MAX_PRIORITY: number = 1000;

const Name = v.pipe(v.string("a name"), v.regex(/^[a-z][a-z0-9_-]{0,63}$/, "a name: a-z, 0-9, _ and -"));
const Text = v.pipe(
  v.string("text"),
  v.minLength(1, "text that is not empty"),
  v.maxLength(2048, "text of at most 2048 characters"),
  v.check((text) => text.isWellFormed(), "well-formed Unicode"),
);
const Message = v.pipe(
  Text,
  v.maxLength(512, "text of at most 512 characters"),
  v.regex(/^[^\p{Cc}]*$/u, "text on one line"),
);
const list = <const T extends v.GenericSchema>(item: T, most: number, what: string) =>
  v.pipe(v.array(item, "a list"), v.maxLength(most, `at most ${most} ${what}`));
const Subject = v.strictObject({ issuer: Text, subject: Text }, "an issuer and a subject");
const People = {
  issuer: v.optional(Text),
  groups: v.optional(list(Text, MAX_NAMES, "groups"), []),
  subjects: v.optional(list(Subject, MAX_NAMES, "subjects"), []),
};
/** Valibot takes a list for an object whose members are its indexes; where all members are optional that would pass. */
const NoList = v.check<unknown, string>((value) => !Array.isArray(value), "an object");
const Role = v.pipe(v.unknown(), NoList, v.strictObject(People, "an object"));
const Secret = v.pipe(
  v.string("a secret's name"),
  v.regex(/^UPSTREAM_[A-Z0-9_]{1,64}$/, "the name of a secret that begins with UPSTREAM_"),
);
const HeaderName = v.pipe(v.string("a header name"), v.regex(/^[a-z0-9-]{1,64}$/, "a header name in lower case"));
const CredentialHeader = v.pipe(
  HeaderName,
  v.check((name) => !isReservedHeader(name), "a header that the gateway does not set itself"),
);
const Credential = v.variant(
  "as",
  [
    v.strictObject({ as: v.literal("header"), name: CredentialHeader, secret: Secret }),
    v.strictObject({ as: v.literal("basic"), secret: Secret }),
    v.strictObject({
      as: v.literal("query"),
      name: v.pipe(v.string("a name"), v.regex(/^[A-Za-z0-9_.-]{1,64}$/, "a parameter's name")),
      secret: Secret,
    }),
  ],
  "header, basic or query",
);
const Upstream = v.pipe(
  v.string("a URL"),
  v.check(isUpstream, "an http(s) URL without user, query, fragment or dot segments"),
);
const whole = (least: number, most: number) =>
  v.pipe(
    v.number("a number"),
    v.integer("a whole number"),
    v.minValue(least, `${least} to ${most}`),
    v.maxValue(most, `${least} to ${most}`),
  );
const Labels = list(Name, 32, "labels");
const Connection = v.strictObject(
  {
    protocol: v.literal("http", "http"),
    upstream: Upstream,
    region: Name,
    credential: v.optional(Credential),
    labels: v.optional(Labels, []),
    timeout_seconds: v.optional(whole(1, 600), 60),
    json_limit: v.optional(whole(1, MAX_JSON_LIMIT), 65536),
  },
  "an object",
);
const Method = v.pipe(
  v.string("a method"),
  v.check(
    (name) => name === "*" || verbClass(name) !== null,
    "an HTTP method that can be forwarded, in upper case, or *",
  ),
);
const Route = v.pipe(
  v.string("a route"),
  v.check((text) => parseRoute(text) !== null, "a route: /literal/*/{name}/**"),
);
const Effect = v.picklist(["allow", "deny", "needs-approval"], "allow, deny or needs-approval");
const RuleId = v.pipe(
  v.string("an id"),
  v.regex(/^[a-z0-9][a-z0-9_.-]{0,63}$/, "an id: a-z, 0-9, _, - and ."),
  v.notValue("default", "an id; default stands for no rule"),
);
const Who = v.union(
  [
    v.literal("anyone", "anyone, or an object"),
    v.pipe(
      v.unknown(),
      NoList,
      v.strictObject({ roles: v.optional(list(Name, MAX_NAMES, "roles"), []), ...People }, "anyone, or an object"),
    ),
  ],
  "anyone, or an object",
);
const Connections = v.union(
  [
    v.pipe(list(v.string("a connection's name, or *"), MAX_NAMES, "connections"), v.minLength(1, "a connection")),
    v.strictObject({ labels: v.pipe(Labels, v.minLength(1, "a label")) }, "a list of connections, or labels"),
  ],
  "a list of connections, or labels",
);
const Record = v.union(
  [
    v.picklist(["metadata", "full"], "metadata, full, or head with a number of bytes"),
    v.strictObject({ head: whole(1, 1024 * 1024) }, "metadata, full, or head with a number of bytes"),
  ],
  "metadata, full, or head with a number of bytes",
);
const Rule = v.strictObject(
  {
    id: RuleId,
    description: v.optional(Text),
    effect: Effect,
    priority: v.optional(whole(0, MAX_PRIORITY), 0),
    who: Who,
    connections: Connections,
    methods: v.pipe(list(Method, 100, "methods"), v.minLength(1, "a method")),
    routes: v.pipe(list(Route, MAX_ROUTES, "routes"), v.minLength(1, "a route")),
    when: v.optional(
      v.pipe(
        v.string("a condition"),
        v.minLength(1, "a condition"),
        v.maxLength(MAX_CONDITION, `a condition of at most ${MAX_CONDITION} characters`),
      ),
    ),
    message: v.optional(Message),
    mask: v.optional(list(Name, 100, "masking rules"), []),
    record: v.optional(Record),
  },
  "an object",
);
const Time = v.pipe(v.string("a time"), v.isoTimestamp("a time: 2026-11-24T10:00:00Z"));
const Person = v.strictObject(
  {
    issuer: v.optional(Text),
    subject: Text,
    name: v.optional(Text),
    email: v.optional(Text),
    email_verified: v.optional(v.boolean("true or false"), false),
    groups: v.optional(list(Text, MAX_NAMES, "groups"), []),
    auth_time: v.optional(Time),
    methods: v.optional(list(Text, 32, "methods"), []),
    actors: v.optional(list(Subject, 32, "actors"), []),
  },
  "somebody",
);
const Does = v.pipe(
  v.string("a method and a target"),
  v.check(
    (text) => /^[A-Z]{1,32} \//.test(text) && parseTarget(`http://h/c/x${text.slice(text.indexOf(" ") + 1)}`, "/c/").ok,
    "a method and a target that can be forwarded: GET /path?query",
  ),
);
const With = v.pipe(
  v.unknown(),
  NoList,
  v.strictObject(
    {
      headers: v.optional(
        v.pipe(v.unknown(), NoList, v.record(HeaderName, v.pipe(v.string("text"), v.maxLength(8192, "shorter text")))),
        {},
      ),
      json: v.optional(v.unknown()),
      address: v.optional(v.pipe(v.string("an address"), v.ip("an IP address"))),
      time: v.optional(Time),
    },
    "an object",
  ),
);
const Example = v.strictObject(
  {
    name: Text,
    as: Person,
    do: Does,
    on: v.string("a connection's name"),
    with: v.optional(With),
    expect: Effect,
    by: v.optional(v.union([v.literal("default"), RuleId], "a rule's id, or default")),
  },
  "an object",
);

/** Also what the JSON Schema for editors is made of. */
export const FileSchema: v.GenericSchema<unknown, PolicyFile> = v.strictObject(
  {
    $schema: v.optional(v.string("text")),
    version: v.literal(1, "1"),
    description: v.optional(Text),
    roles: v.optional(v.pipe(v.unknown(), NoList, v.record(Name, Role, "an object")), {}),
    connections: v.optional(v.pipe(v.unknown(), NoList, v.record(v.string(), Connection, "an object")), {}),
    rules: v.optional(list(Rule, MAX_RULES, "rules"), []),
    examples: v.optional(list(Example, MAX_EXAMPLES, "examples"), []),
  },
  "version, roles, connections and rules",
);
function isUpstream(text: string): boolean {
  if (text.length > 2048) return false;
  if (!/^https?:\/\/[A-Za-z0-9.\-[\]:]+(?:\/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*)?$/.test(text)) return false;
  const url = URL.canParse(text) ? new URL(text) : null;
  // A text that the parser would change (`http://0x7f.1`, a default port, `/a/../b`) is not what a reviewer reads.
  return url !== null && url.username === "" && (url.href === text || url.href === `${text}/`);
}
