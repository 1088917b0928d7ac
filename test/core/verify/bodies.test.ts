// Bodies as the verifier reads them: chunks out of order, fields of another form, fields that are withheld,
// and bytes that were asked for apart.

import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../../../core/bytes.ts";
import type { Draft } from "../../../core/record/record.ts";
import { withhold } from "../../../core/record/withhold.ts";
import { type PayloadVerdict, PayloadVerifier } from "../../../core/verify/verify_payload.ts";
import { verifyExport } from "../../../core/verify/verify_session.ts";
import { BODIES, DOWNLOAD, DOWNLOAD_COMMAND } from "../../support/sample_bodies.ts";
import { commandId, countingRandom, draft, exportOf, withheldExport } from "../../support/sample_session.ts";

const sample = exportOf(BODIES, countingRandom(), sha256);
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What is wrong with a log of these drafts, after an opening. */
async function wrongOf(...drafts: readonly Draft[]): Promise<string> {
  const opened = draft("session.opened", null, { protocol: "http" });
  const { integrity } = await verifyExport(exportOf([opened, ...drafts], countingRandom(), sha256).text);
  return integrity.kind === "intact" ? "" : `${integrity.first.reason}: ${integrity.first.detail}`;
}

const asked = draft("command.requested", 1, {});
const begun = draft("response.started", 1, { status: 200 });

function chunk(side: string, n: number, offset: number, at: number, text: string, length: number = text.length): Draft {
  const fields = text === "" ? {} : { payload: text };
  return draft("stream.chunk", 1, { side, offset, length, at }, fields, 2 * n + (side === "response" ? 1 : 0));
}

function completed(classes: Draft["classes"], digests: string): Draft {
  return draft("command.completed", 1, { folded: 0, ...classes }, { digests });
}

describe("a session with bodies in each form", () => {
  it("is intact and complete", async () => {
    const { integrity, completeness, findings } = await verifyExport(sample.text);
    expect([integrity.kind, completeness.kind, findings.openCount]).toEqual(["intact", "shown", 0]);
  });
});

describe("chunks", () => {
  const ofRequest = [chunk("request", 0, 0, 0, "abc"), chunk("request", 1, 3, 3, "de"), chunk("request", 2, 5, 5, "f")];

  it("follow each other, each side for itself", async () => {
    expect(await wrongOf(asked, ...ofRequest)).toBe("");
    const [first, ...rest] = ofRequest;
    if (first === undefined) throw new Error("no chunk");
    expect(
      await wrongOf(asked, first, begun, chunk("response", 0, 0, 0, "x"), ...rest, chunk("response", 1, 1, 1, "y")),
    ).toBe("");
  });

  it("that are left out, doubled, moved or changed in place are found", async () => {
    const ways = fc.constantFrom("part", "offset", "at", "length", "drop", "double", "swap");
    await fc.assert(
      fc.asyncProperty(ways, fc.nat(1), fc.integer({ min: 1, max: 5 }), async (way, which, by) => {
        const altered = [...ofRequest];
        const one = altered[which];
        const next = altered[which + 1];
        if (one === undefined || next === undefined) throw new Error("no chunk");
        if (way === "drop") altered.splice(which, 1);
        else if (way === "double") altered.splice(which, 0, one);
        else if (way === "swap") altered.splice(which, 2, next, one);
        else if (way === "part") altered[which] = { ...one, part: one.part + 2 * by };
        else altered[which] = { ...one, classes: { ...one.classes, [way]: Number(one.classes[way]) + by } };
        expect(await wrongOf(asked, ...altered)).toMatch(/^wrong_order: a stream.chunk of the request/);
      }),
    );
  });

  it("stand between what they belong to", async () => {
    const up = chunk("request", 0, 0, 0, "a");
    const down = chunk("response", 0, 0, 0, "a");
    expect(await wrongOf(up)).toContain("without its command.requested");
    expect(await wrongOf(asked, down)).toContain("before response.started");
    expect(await wrongOf(asked, draft("command.failed", 1, {}), up)).toContain("after the command's outcome");
    expect(await wrongOf(draft("command.requested", 1, {}, { payload: "a" }), up)).toContain(
      "stands in its own record",
    );
    expect(await wrongOf(asked, { ...up, classes: { ...up.classes, side: "both" } })).toContain("no side");
    expect(await wrongOf(asked, { ...up, classes: { side: "request", offset: 0 } })).toContain("without its place");
    expect(await wrongOf(asked, begun, draft("command.completed", 1, { folded: 0 }, { payload: "a" }))).toContain(
      "a body in the outcome",
    );
  });

  it("release as many bytes as their command counts, where it says that the body is complete", async () => {
    const complete = '{"request":{"complete":true,"keyed":""},"response":null}';
    const records = [asked, ...ofRequest, begun] as const;
    expect(await wrongOf(...records, completed({ req_bytes: 6 }, complete))).toBe("");
    expect(await wrongOf(...records, completed({ req_bytes: 9, req_cut: 3 }, complete))).toBe("");
    for (const classes of [{}, { req_bytes: 7 }, { req_bytes: 6, req_cut: 1 }])
      expect(await wrongOf(...records, completed(classes, complete))).toContain("its command counts others");
    const cut = '{"request":{"complete":false,"keyed":""},"response":null}';
    expect(await wrongOf(...records, completed({ req_bytes: 7 }, cut))).toBe("");
  });
});

describe("messages of a socket", () => {
  const socket = { oneway: 1, socket: commandId(1) };

  it("leave no command open, and end at most once", async () => {
    const sent = draft("command.requested", 2, socket);
    const failed = draft("command.failed", 2, { reason: "x" });
    const ended = draft("command.failed", 1, { reason: "x" });
    const closed = (size: number): Draft => draft("session.closed", null, { reason: "idle", size });
    expect(await wrongOf(asked, sent, ended, closed(5))).toBe("");
    expect(await wrongOf(asked, sent, failed, ended, closed(6))).toBe("");
    expect(await wrongOf(asked, sent, closed(4))).toContain("while a command is open");
    expect(await wrongOf(asked, sent, failed, draft("command.cancelled", 2, {}))).toContain("second outcome");
    expect(await wrongOf(asked, sent, draft("command.completed", 2, { folded: 1 }))).toContain("of a message");
    expect(await wrongOf(asked, sent, draft("response.started", 2, {}))).toContain("response.started after");
    expect(await wrongOf(asked, sent, draft("gap", 2, {}))).toBe("");
  });

  it("name a socket that was opened before", async () => {
    expect(await wrongOf(draft("command.requested", 2, socket))).toContain("nobody opened");
    expect(await wrongOf(asked, draft("command.requested", 2, { oneway: 1 }))).toContain("nobody opened");
    expect(await wrongOf(draft("command.denied", 2, socket))).toContain("nobody opened");
    expect(await wrongOf(asked, draft("command.denied", 2, socket))).toBe("");
  });
});

describe("fields of a body", () => {
  const digest = `{"sha256":"${"ab".repeat(32)}","size":16385}`;
  const verdictOf = (fields: Draft["fields"]): Promise<string> => wrongOf(draft("command.requested", 1, {}, fields));

  it("have the form of the page", async () => {
    const span = '{"at":1,"length":2,"put":3,"rule":"r"}';
    for (const right of [
      { payload_digest: digest },
      { "payload.b64": "/wA=" },
      { payload: "x".repeat(16_384) },
      { spans: `[${span},{"at":1,"length":0,"put":0,"rule":""},{"cut":4}]`, pseudonyms: '[null,"p"]' },
    ])
      expect(await verdictOf(right)).toBe("");
  });

  it.each([
    ["two forms", { payload: "a", payload_digest: digest }],
    ["an own field that is too long", { payload: "x".repeat(16_385) }],
    ["the same in characters of several bytes", { payload: "€".repeat(6_000) }],
    ["base64 with stray bits", { "payload.b64": "/wB=" }],
    ["base64 without padding", { "payload.b64": "/wA" }],
    ["a digest of few bytes", { payload_digest: digest.replace("16385", "16384") }],
    ["a digest of too many bytes", { payload_digest: digest.replace("16385", "1048577") }],
    ["a digest in another order", { payload_digest: `{"size":16385,"sha256":"${"ab".repeat(32)}"}` }],
    ["no list of spans", { spans: "{}" }],
    ["an empty list of spans", { spans: "[]" }],
    ["spans with white space", { spans: '[ {"at":1,"length":2,"put":3,"rule":"r"}]' }],
    [
      "spans out of order",
      { spans: '[{"at":2,"length":1,"put":3,"rule":"r"},{"at":1,"length":1,"put":3,"rule":"r"}]' },
    ],
    ["a span of other keys", { spans: '[{"at":1,"length":2,"put":3,"rule":"r","value":"x"}]' }],
    ["a place below zero", { spans: '[{"at":-1,"length":2,"put":3,"rule":"r"}]' }],
    ["a cut that is not the last", { spans: '[{"cut":1},{"at":1,"length":2,"put":3,"rule":"r"}]' }],
    ["fewer pseudonyms than spans", { spans: '[{"at":1,"length":2,"put":3,"rule":"r"}]', pseudonyms: "[]" }],
    ["pseudonyms of nothing", { pseudonyms: '["p"]' }],
  ] as const)("that are %s are refused", async (_, fields) => {
    expect(await verdictOf(fields as unknown as Draft["fields"])).toMatch(/^wrong_order: /);
  });
});

describe("withheld fields", () => {
  it("lead to the same head, whichever they are, and are counted", async () => {
    const whole = await verifyExport(sample.text);
    const names = [...new Set(BODIES.flatMap(({ fields }) => Object.keys(fields)))];
    await fc.assert(
      fc.asyncProperty(fc.subarray(names), async (some) => {
        const verdict = await verifyExport(withheldExport(sample, new Set(some), sha256));
        const count = BODIES.flatMap(({ fields }) => Object.keys(fields)).filter((name) => some.includes(name)).length;
        expect(verdict).toEqual({ ...whole, findings: { ...whole.findings, withheldCount: count } });
      }),
      { numRuns: 40 },
    );
  });

  it("of another commitment, or of none, are found out", async () => {
    const text = withheldExport(sample, new Set(["pseudonyms"]), sha256);
    const [, commitment = ""] = /\["pseudonyms","([0-9a-f]{64})"\]/.exec(text) ?? [];
    const verdictOf = async (to: string): Promise<string> => {
      const { integrity } = await verifyExport(text.replace(`"${commitment}"`, to));
      return integrity.kind === "intact" ? "" : integrity.first.reason;
    };
    expect(await verdictOf(`"${commitment.replace(/^./, (digit) => (digit === "0" ? "1" : "0"))}"`)).toBe("wrong_root");
    expect(await verdictOf(`"${commitment.toUpperCase()}"`)).toBe("fields_malformed");
    expect(await verdictOf(`"${commitment.slice(2)}"`)).toBe("fields_malformed");
    expect(await verdictOf("7")).toBe("line_malformed");
    expect(await verdictOf(`"${commitment}","x","y"`)).toBe("line_malformed");
    expect(await verdictOf('""')).toBe("fields_malformed");
  });

  it("stand in their place among the names", async () => {
    const fields = { a: "1", b: "2", c: "3" };
    const { records, lines } = exportOf(
      [draft("session.opened", null, { protocol: "http" }, fields)],
      countingRandom(),
      sha256,
    );
    const shown = withhold(records[0]?.disclosure ?? "", new Set(["b"]), sha256);
    const [a, b, c] = JSON.parse(shown) as unknown[];
    const verdictOf = async (order: readonly unknown[]): Promise<string> => {
      const line = `{"leaf":${JSON.stringify(records[0]?.leaf)},"fields":${JSON.stringify(order)}}`;
      const { integrity } = await verifyExport(`${line}\n${lines[1] ?? ""}\n`);
      return integrity.kind === "intact" ? "" : integrity.first.reason;
    };
    expect(await verdictOf([a, b, c])).toBe("");
    expect(await verdictOf([b, a, c])).toBe("fields_malformed");
    expect(await verdictOf([a, b, b, c])).toBe("fields_malformed");
    expect(await verdictOf([a, c])).toBe("wrong_root");
  });
});

describe("bytes asked for apart", () => {
  async function verdictOf(
    text: string,
    command: string,
    side: "request" | "response",
    pieces: readonly Uint8Array[],
  ): Promise<PayloadVerdict> {
    const verifier = new PayloadVerifier(command, side);
    const { integrity } = await verifyExport(text, { onRecord: (record) => verifier.take(record) });
    expect(integrity).toEqual({ kind: "intact" });
    for (const piece of pieces) verifier.push(piece);
    return verifier.verdict();
  }

  it("hold in whichever pieces they come", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(DOWNLOAD.length), { maxLength: 5 }), async (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), DOWNLOAD.length];
        const pieces = places.slice(1).map((to, i) => DOWNLOAD.subarray(places[i] ?? 0, to));
        const verdict = await verdictOf(sample.text, DOWNLOAD_COMMAND, "response", pieces);
        expect(verdict).toEqual({ kind: "holds", size: DOWNLOAD.length, whole: false });
      }),
      { numRuns: 20 },
    );
  });

  it("of every body of a session hold; where nothing was masked, the whole is what travelled", async () => {
    const of = (n: number, side: "request" | "response", bytes: Uint8Array): Promise<PayloadVerdict> =>
      verdictOf(sample.text, commandId(n), side, [bytes]);
    const whole = (size: number): PayloadVerdict => ({ kind: "holds", size, whole: true });
    expect(await of(3, "request", encode("one two"))).toEqual(whole(7));
    expect(await of(3, "response", encode("answer"))).toEqual(whole(6));
    expect(await of(1, "response", Uint8Array.of(0, 159, 146, 150, 255))).toEqual(whole(5));
    expect(await of(1, "request", encode('{"user":"alice","password":"[masked:name]"}'))).toMatchObject({
      whole: false,
    });
    expect(await of(5, "request", encode("hi"))).toMatchObject({ kind: "holds", size: 2 });
    expect(await of(6, "request", encode("delete"))).toMatchObject({ kind: "holds", size: 6 });
    expect(await of(9, "request", encode(""))).toMatchObject({ kind: "holds", size: 0 });
    const empty = [draft("session.opened", null, {}), draft("command.requested", 1, {}, { payload: "" })];
    const text = exportOf(empty, countingRandom(), sha256).text;
    expect(await verdictOf(text, commandId(1), "request", [])).toMatchObject({ kind: "holds", size: 0 });
  });

  it("that are changed, too few or too many are found, and the record is named", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(DOWNLOAD.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const altered = DOWNLOAD.slice();
        altered[at] = (altered[at] ?? 0) ^ by;
        const verdict = await verdictOf(sample.text, DOWNLOAD_COMMAND, "response", [altered]);
        const seq = at < 23_890 ? 5 : verdict.kind === "differs" ? verdict.seq : null;
        expect(verdict).toMatchObject({ kind: "differs", seq });
        expect([5, 6, 7]).toContain(seq);
        const cut = await verdictOf(sample.text, DOWNLOAD_COMMAND, "response", [DOWNLOAD.subarray(0, at)]);
        expect(cut.kind).toBe("differs");
      }),
      { numRuns: 20 },
    );
    const more = await verdictOf(sample.text, DOWNLOAD_COMMAND, "response", [DOWNLOAD, Uint8Array.of(0)]);
    expect(more).toMatchObject({ kind: "differs", seq: null });
  });

  it("that are not what travelled are found where the body's own digest is known", async () => {
    const digests = (sha: string): string => `{"request":{"complete":true,"sha256":"${sha}"},"response":null}`;
    const session = (sha: string): string =>
      exportOf(
        [
          draft("session.opened", null, { protocol: "http" }),
          draft("command.requested", 1, {}, { payload: "body" }),
          draft("command.completed", 1, { folded: 1 }, { digests: digests(sha) }),
        ],
        countingRandom(),
        sha256,
      ).text;
    const body = encode("body");
    const right = session(toHex(sha256(body)));
    expect(await verdictOf(right, commandId(1), "request", [body])).toMatchObject({ kind: "holds", whole: true });
    expect(await verdictOf(session("ab".repeat(32)), commandId(1), "request", [body])).toMatchObject({
      kind: "differs",
      seq: null,
    });
  });

  it("whose record is withheld are not shown", async () => {
    const text = withheldExport(sample, new Set(["payload_digest"]), sha256);
    expect(await verdictOf(text, DOWNLOAD_COMMAND, "response", [DOWNLOAD])).toEqual({ kind: "not_shown", seq: 5 });
    expect(await verdictOf(text, DOWNLOAD_COMMAND, "response", [])).toEqual({ kind: "not_shown", seq: 5 });
  });
});
