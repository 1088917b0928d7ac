// A session's export made by the code that makes records, with every kind of ending in it; for
// vectors and for tests of readers. Deterministic where `random` is.

import type { CommandId, Digest, FillRandom, SessionId } from "../../core/ids.ts";
import { digestText, leafHash, NO_PREVIOUS, TreeHead } from "../../core/log/merkle.ts";
import { ownRecord } from "../../core/mask/mask_draft.ts";
import { commit } from "../../core/record/commit.ts";
import { leafText } from "../../core/record/leaf.ts";
import { withhold } from "../../core/record/withhold.ts";
import type { Draft, Sha256, StoredRecord } from "../../core/record/record.ts";

export const SID = "01935b6e-8c00-7000-8000-0123456789ab" as SessionId;
/** 2024-11-24T00:00:00Z. */
export const STARTED = 1732406400000;

/** Bytes 0, 1, 2, … for ever: no secret, and the same everywhere. */
export function countingRandom(): FillRandom {
  let next = 0;
  return (bytes) => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = next++ & 0xff;
    return bytes;
  };
}

export function commandId(n: number): CommandId {
  return `01935b6e-8c00-7abc-9000-${n.toString(16).padStart(12, "0")}` as CommandId;
}

export interface Export {
  readonly records: readonly StoredRecord[];
  readonly leaves: readonly Uint8Array[];
  /** One line each, the head last, without LF. */
  readonly lines: readonly string[];
  readonly text: string;
  readonly root: Digest;
  readonly tip: Digest;
}

/** Appends drafts as a session object does: one second apart, or at the times that are given. */
export function exportOf(
  drafts: readonly Draft[],
  random: FillRandom,
  sha256: Sha256,
  times: readonly number[] = [],
): Export {
  const tree = new TreeHead(sha256);
  let tip: Digest = NO_PREVIOUS;
  const leaves: Uint8Array[] = [];
  const records = drafts.map((draft, seq) => {
    const committed = commit(ownRecord(draft), random, sha256);
    const leaf = leafText(committed, { sid: SID, seq, prev: tip, time: times[seq] ?? STARTED + seq * 1000 });
    const hash = leafHash(leaf, sha256);
    tip = digestText(hash);
    tree.append(hash);
    leaves.push(hash);
    return { leaf, disclosure: committed.disclosure };
  });
  const root = tree.root();
  const lines = records.map(({ leaf, disclosure }) => `{"leaf":${JSON.stringify(leaf)},"fields":${disclosure}}`);
  lines.push(JSON.stringify({ head: { sid: SID, size: records.length, root, tip } }));
  return { records, leaves, lines, text: lines.map((line) => `${line}\n`).join(""), root, tip };
}

/** What somebody reads of it who may not see the named fields. */
export function withheldExport({ records, lines }: Export, names: ReadonlySet<string>, sha256: Sha256): string {
  const shown = records.map(
    ({ leaf, disclosure }) => `{"leaf":${JSON.stringify(leaf)},"fields":${withhold(disclosure, names, sha256)}}`,
  );
  return [...shown, ...lines.slice(records.length)].map((line) => `${line}\n`).join("");
}

const POLICY = "5d".repeat(32);
const counts = { tool: "none", req_bytes: 0, resp_bytes: 12, ms: 9 };

export function draft(
  kind: Draft["kind"],
  command: number | null,
  classes: Draft["classes"],
  fields: Draft["fields"] = {},
  part = 0,
): Draft {
  return { kind, command: command === null ? null : commandId(command), part, classes, fields };
}

function requested(command: number, target: string): Draft {
  return draft(
    "command.requested",
    command,
    { protocol: "http", verb: "read", effect: "allow", policy: POLICY, rule: "engineers-read" },
    {
      target,
      headers: JSON.stringify([
        ["accept", "*/*"],
        ["authorization", "[masked:header]"],
      ]),
      token: `{"algorithm":"ES256","client":"curl","expires":1732410000,"id":"t-1","issuedAt":1732406400,"keyId":"k1"}`,
      client: `{"address":"192.0.2.7"}`,
    },
  );
}

export const SAMPLE: readonly Draft[] = [
  draft(
    "session.opened",
    null,
    { protocol: "http", region: "eu" },
    {
      principal: `{"actors":[],"authTime":null,"email":"alice@example.org","emailVerified":true,"groups":["engineers"],"issuer":"https://id.example.org","methods":["pwd"],"name":"Alice Ångström 🦆","subject":"alice"}`,
      connection: "registry",
    },
  ),
  requested(1, "GET /left-pad"),
  draft(
    "command.completed",
    1,
    { transport: "ok", status: 200, folded: 1, ...counts },
    {
      headers: `[["content-type","application/json"]]`,
      digests: `{"request":null,"response":{"complete":true,"sha256":"${"ab".repeat(32)}"}}`,
    },
  ),
  requested(2, "GET /stream?q=a%2Fb&access_token=[masked:query]"),
  draft("response.started", 2, { status: 206, ms: 4 }, { headers: `[["content-type","text/event-stream"]]` }),
  draft(
    "command.denied",
    3,
    { protocol: "http", verb: "write", effect: "deny", policy: POLICY, reason: "no_rule", status: 403 },
    {
      target: 'DELETE /"quoted"\\back\tslash\u0001\u007f\u2028',
      headers: "[]",
      client: `{"address":null}`,
      token: "{}",
    },
  ),
  draft(
    "command.completed",
    2,
    { transport: "ok", status: 206, folded: 0, ...counts },
    { digests: `{"request":null,"response":{"complete":true,"sha256":"${"cd".repeat(32)}"}}` },
  ),
  requested(4, "POST /publish"),
  draft("command.failed", 4, { transport: "unknown", reason: "outcome_unknown", tool: "none" }),
  draft(
    "outcome.late",
    4,
    { late: "command.completed", transport: "ok", status: 201, folded: 1, ...counts },
    { headers: "[]", digests: `{"request":null,"response":null}`, "note.b64": "/wD+" },
  ),
  requested(5, "GET /slow"),
  draft(
    "command.cancelled",
    5,
    { reason: "client_gone", ...counts },
    { digests: `{"request":null,"response":{"complete":false,"sha256":"${"ef".repeat(32)}"}}` },
  ),
  requested(6, "GET /cut"),
  draft("response.started", 6, { status: 200, ms: 3 }, { headers: "[]" }),
  draft("gap", 6, { reason: "outcome_not_recorded" }),
  draft(
    "command.failed",
    6,
    { transport: "cut", status: 200, reason: "not_recordable", ...counts },
    { digests: `{"request":null,"response":null}` },
  ),
  draft("session.closed", null, { reason: "idle", size: 17 }),
];
