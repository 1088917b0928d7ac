// A session whose commands have bodies, in each form in which records hold them; for vectors and for
// tests of readers. Made by the code that makes records, and the same at each run.

import { sha256 } from "@noble/hashes/sha2.js";
import { toHex } from "../../core/bytes.ts";
import { type Chunk, chunkRecord } from "../../core/mask/mask_draft.ts";
import { payloadFields, type PayloadNature, type RecordedPayload } from "../../core/mask/payload_fields.ts";
import type { Span } from "../../core/mask/span.ts";
import type { Draft } from "../../core/record/record.ts";
import { commandId, draft } from "./sample_session.ts";

const encoder = new TextEncoder();
const POLICY = "5d".repeat(32);
const ASKED = { protocol: "http", verb: "read", effect: "allow", policy: POLICY, rule: "engineers" };
const MASK = "[masked:token]";

/** Stands for a keyed commitment: the same for the same text. */
function keyed(text: string): string {
  return toHex(sha256(encoder.encode(`keyed ${text}`)));
}

interface Masked {
  readonly bytes: Uint8Array;
  readonly spans: readonly Span[];
  /** Bytes of the plain body. */
  readonly plain: number;
}

/** Lines with a token each, as a masker leaves them, from a place of the plain body on. */
function lines(from: number, count: number, at: number): Masked {
  let text = "";
  let place = at;
  const spans: Span[] = [];
  for (let n = from; n < from + count; n++) {
    const before = `{"n":${n},"name":"Ångström 🦆","token":"`;
    const secret = `token-${n % 7}`;
    place += encoder.encode(before).length;
    spans.push({ at: place, length: secret.length, put: MASK.length, rule: "token", pseudonym: `p${n % 7}` });
    place += secret.length + 3;
    text += `${before}${MASK}"}\n`;
  }
  return { bytes: encoder.encode(text), spans, plain: place - at };
}

function body(masked: Pick<Masked, "bytes" | "spans">, nature: PayloadNature): RecordedPayload {
  return payloadFields([masked], nature, sha256);
}

function asText(text: string, nature: PayloadNature = { format: "text" }): RecordedPayload {
  return body({ bytes: encoder.encode(text), spans: [] }, nature);
}

/** The record of the draft, with a body. */
function withBody(one: Draft, payload: RecordedPayload): Draft {
  return {
    ...one,
    classes: { ...one.classes, ...payload.classes },
    fields: { ...one.fields, ...payload.fields },
    payload: payload.detached,
  };
}

function asked(command: number, target: string, classes: Draft["classes"] = {}): Draft {
  return draft(
    "command.requested",
    command,
    { ...ASKED, ...classes },
    { target, headers: "[]", client: "{}", token: "{}" },
  );
}

function ended(command: number, classes: Draft["classes"], digests: string): Draft {
  return draft("command.completed", command, { transport: "ok", tool: "none", ms: 9, ...classes }, { digests });
}

function chunk(
  command: number,
  place: Omit<Chunk, "held"> & { readonly held?: number },
  payload: RecordedPayload,
): Draft {
  return chunkRecord(commandId(command), { held: 0, ...place }, payload);
}

const LOGIN = '{"user":"alice","password":"[masked:name]"}';
const loginSpan: Span = { at: 28, length: 11, put: 13, rule: "name", pseudonym: null };

const first = lines(0, 400, 0);
const second = lines(400, 3, first.plain);
const gzip = { format: "ndjson", coding: "gzip" } as const;
const third: Masked = { ...lines(403, 1, first.plain + second.plain) };
const firstBody = body(first, { ...gzip, raw: keyed("first") });
const secondBody = body(second, { ...gzip, raw: keyed("second") });
const sizes = [first.bytes.length, first.bytes.length + second.bytes.length] as const;

const socket = { ...ASKED, protocol: "websocket", oneway: 1, socket: commandId(4) };

/** Two pieces of lines, large and small, and a last one whose text comes late. */
export const DOWNLOAD_COMMAND: string = commandId(2);
export const DOWNLOAD: Uint8Array = Uint8Array.from([...first.bytes, ...second.bytes, ...third.bytes]);

export const BODIES: readonly Draft[] = [
  draft("session.opened", null, { protocol: "http", region: "eu" }, { principal: "{}", connection: "shop" }),
  withBody(
    asked(1, "POST /login", { verb: "write", req_size: 41 }),
    body({ bytes: encoder.encode(LOGIN), spans: [loginSpan] }, { format: "json", raw: keyed("login") }),
  ),
  withBody(
    draft(
      "command.completed",
      1,
      { transport: "ok", status: 200, tool: "none", folded: 1, req_bytes: 41, resp_bytes: 5, ms: 7 },
      {
        headers: "[]",
        digests: `{"request":{"complete":true,"keyed":"${keyed("request")}"},"response":{"complete":true,"sha256":"${toHex(sha256(Uint8Array.of(0, 159, 146, 150, 255)))}"}}`,
      },
    ),
    body({ bytes: Uint8Array.of(0, 159, 146, 150, 255), spans: [] }, { format: "binary" }),
  ),
  asked(2, "GET /lines.gz"),
  draft("response.started", 2, { status: 200, ms: 2 }, { headers: '[["content-encoding","gzip"]]' }),
  chunk(2, { side: "response", n: 0, offset: 0, length: 4_000, at: 0 }, firstBody),
  chunk(2, { side: "response", n: 1, offset: 4_000, length: 90, at: sizes[0], held: third.plain }, secondBody),
  chunk(
    2,
    { side: "response", n: 2, offset: 4_090, length: 0, at: sizes[1] },
    body(third, { ...gzip, raw: keyed("") }),
  ),
  ended(
    2,
    { status: 200, folded: 0, req_bytes: 0, resp_bytes: 5_000, resp_cut: 910 },
    `{"request":null,"response":{"complete":true,"keyed":"${keyed("gzip")}"}}`,
  ),
  asked(3, "POST /both", { verb: "write" }),
  chunk(3, { side: "request", n: 0, offset: 0, length: 3, at: 0 }, asText("one")),
  draft("response.started", 3, { status: 200, ms: 2 }, { headers: "[]" }),
  chunk(3, { side: "response", n: 0, offset: 0, length: 6, at: 0 }, asText("answer")),
  chunk(3, { side: "request", n: 1, offset: 3, length: 4, at: 3 }, asText(" two")),
  ended(
    3,
    { status: 200, folded: 0, req_bytes: 7, resp_bytes: 6 },
    `{"request":{"complete":true,"sha256":"${toHex(sha256(encoder.encode("one two")))}"},"response":{"complete":true,"sha256":"${toHex(sha256(encoder.encode("answer")))}"}}`,
  ),
  asked(4, "GET /socket", { protocol: "websocket" }),
  draft("response.started", 4, { status: 101, ms: 1 }, { headers: "[]" }),
  withBody(
    draft("command.requested", 5, { ...socket, verb: "send", type: "text", size: 2 }, { target: "SEND /socket" }),
    asText("hi"),
  ),
  withBody(
    draft(
      "command.denied",
      6,
      { ...socket, verb: "send", effect: "deny", type: "text", size: 6, reason: "denied", status: 403 },
      { target: "SEND /socket" },
    ),
    asText("delete"),
  ),
  withBody(
    draft(
      "command.requested",
      7,
      { ...socket, verb: "receive", type: "binary", size: 3 },
      { target: "RECEIVE /socket" },
    ),
    body({ bytes: Uint8Array.of(255, 0, 1), spans: [] }, { format: "binary" }),
  ),
  draft("command.failed", 7, { transport: "cut", reason: "client_gone", tool: "none" }),
  draft(
    "command.completed",
    4,
    { transport: "ok", status: 101, tool: "none", folded: 0, req_bytes: 2, resp_bytes: 3, ms: 99, close: 1000 },
    { digests: '{"request":null,"response":null}', close_reason: "done" },
  ),
  draft("session.closed", null, { reason: "idle", size: 23 }),
];
