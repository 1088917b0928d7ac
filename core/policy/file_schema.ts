// The policy file's shape: what each member may be, member by member. What takes several members to
// see (names that are not defined, conditions) is checked by policy.ts.

import * as v from "valibot";
import { isMessageMethod, verbClass } from "../protocol/http/methods.ts";
import { isReservedHeader } from "../protocol/http/reserved.ts";
import { parseTarget } from "../protocol/http/target.ts";
import { ApproveSchema, NotifySchema, PersonsSchema } from "./approve_schema.ts";
import { MAX_JSON_LIMIT } from "./body.ts";
import type { PolicyFile } from "./file.ts";
import { parseRoute } from "./route.ts";
import {
  FieldName,
  isPlainUrl,
  list,
  MAX_NAMES,
  Name,
  NoList,
  People,
  PeopleWithRoles,
  Subject,
  Text,
  whole,
} from "./schema_parts.ts";

/** What the file may hold at most. Far above honest use, low enough that a decision stays cheap. */
export const MAX_RULES: number = 1000;
const MAX_ROUTES = 100;
const MAX_EXAMPLES = 1000;
/** UTF-16 code units; see core/policy/condition.ts for what else bounds a condition. */
const MAX_CONDITION = 4096;
export const MAX_PRIORITY: number = 1000;
/** Each is looked for in everything that travels. */
const MAX_MASKS = 100;
/** As long as any session may last, and may be without a command: 8 hours and 15 minutes (durable/session_life.ts). */
const MAX_SESSION_SECONDS = 28_800;
const MAX_IDLE_SECONDS = 900;
/** What the runtime takes of one message (32 MiB). */
const MAX_MESSAGE = 32 * 1024 * 1024;

const Message = v.pipe(
  Text,
  v.maxLength(512, "text of at most 512 characters"),
  v.regex(/^[^\p{Cc}]*$/u, "text on one line"),
);
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
  v.check(isPlainUrl, "an http(s) URL without user, query, fragment or dot segments"),
);
const Labels = list(Name, 32, "labels");
const Extent = v.union(
  [
    v.picklist(["metadata", "full"], "metadata, full, or head with a number of bytes"),
    v.strictObject({ head: whole(1, 1024 * 1024) }, "metadata, full, or head with a number of bytes"),
  ],
  "metadata, full, or head with a number of bytes",
);
const HowRefused = v.picklist(["drop", "close"], "drop or close");
const Origin = v.pipe(
  v.string("an origin"),
  v.check(isOrigin, "an origin: https://wiki.example, without a slash at its end"),
);
const Framing = v.union(
  [
    v.picklist(["none", "self"], "none, self, or a list of origins"),
    v.pipe(list(Origin, 32, "origins"), v.minLength(1, "an origin")),
  ],
  "none, self, or a list of origins",
);
const Connection = v.strictObject(
  {
    protocol: v.picklist(["http", "websocket"], "http or websocket"),
    upstream: Upstream,
    region: Name,
    credential: v.optional(Credential),
    labels: v.optional(Labels, []),
    timeout_seconds: v.optional(whole(1, 600), 60),
    session_seconds: v.optional(whole(1, MAX_SESSION_SECONDS), MAX_SESSION_SECONDS),
    idle_seconds: v.optional(whole(1, MAX_IDLE_SECONDS), MAX_IDLE_SECONDS),
    json_limit: v.optional(whole(1, MAX_JSON_LIMIT), 65536),
    record: v.optional(Extent, "full"),
    unreadable: v.optional(v.picklist(["commit", "refuse"], "commit or refuse"), "commit"),
    message_limit: v.optional(whole(1, MAX_MESSAGE)),
    on_refused: v.optional(HowRefused),
    silence_seconds: v.optional(whole(1, MAX_SESSION_SECONDS)),
    framing: v.optional(Framing, "none"),
    browser: v.optional(v.boolean("true or false"), false),
  },
  "an object",
);
const Method = v.pipe(
  v.string("a method"),
  v.check(
    (name) => name === "*" || verbClass(name) !== null || isMessageMethod(name),
    "an HTTP method that can be forwarded, SEND or RECEIVE, in upper case, or *",
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
    v.pipe(v.unknown(), NoList, v.strictObject(PeopleWithRoles, "anyone, or an object")),
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
const Mask = v.pipe(
  v.unknown(),
  NoList,
  v.strictObject(
    {
      fields: v.optional(list(FieldName, 100, "fields"), []),
      pattern: v.optional(Text),
      keywords: v.optional(
        list(
          v.pipe(Text, v.minLength(3, "a keyword of at least 3 characters"), v.maxLength(64, "a shorter keyword")),
          32,
          "keywords",
        ),
        [],
      ),
      pseudonym: v.optional(v.boolean("true or false"), false),
    },
    "an object",
  ),
);
const Masks = v.pipe(
  v.unknown(),
  NoList,
  v.record(Name, Mask, "an object"),
  v.check((masks) => Object.keys(masks).length <= MAX_MASKS, `at most ${MAX_MASKS} masks`),
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
    record: v.optional(Extent),
    refused: v.optional(HowRefused),
    approve: v.optional(ApproveSchema),
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
      text: v.optional(v.pipe(v.string("text"), v.maxLength(8192, "shorter text"))),
      binary: v.optional(whole(0, MAX_MESSAGE)),
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
    persons: v.optional(PersonsSchema, []),
    notify: v.optional(NotifySchema, {}),
    masks: v.optional(Masks, {}),
    connections: v.optional(v.pipe(v.unknown(), NoList, v.record(v.string(), Connection, "an object")), {}),
    rules: v.optional(list(Rule, MAX_RULES, "rules"), []),
    examples: v.optional(list(Example, MAX_EXAMPLES, "examples"), []),
  },
  "version, roles, connections and rules",
);

/** As browsers compare it, so that a page's origin is found in the list or is not. */
function isOrigin(text: string): boolean {
  return text.length <= 512 && /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
