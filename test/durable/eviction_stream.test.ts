// The whole Worker with a stream under way, while its session object goes away: put away, or ended by
// force as a deployment does. The Worker runs in this isolate; what it fetches, this file answers.

import {
  abortAllDurableObjects,
  createExecutionContext,
  evictDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { toHex } from "../../core/bytes.ts";
import type { Digest, SessionId } from "../../core/ids.ts";
import { EMPTY_POLICY } from "../../core/policy/policy.ts";
import { REGISTRY_SHARDS, registryShard } from "../../durable/registry_client.ts";
import type { SessionObject } from "../../durable/session.ts";
import { LONG_POLL_MS } from "../../durable/session_rpc.ts";
import { sha256 } from "../../durable/sha256.ts";
import { controlOf } from "../../workers/control_client.ts";
import type { Env } from "../../workers/env.ts";
import worker from "../../workers/index.ts";
import { bindings, checkSession, classesOf, kindsOf, newCommand } from "../support/objects.ts";

const GATEWAY = "http://gateway.example";
const ISSUER = "http://id.example";
const AUDIENCE = "eviction";
const POLICY = {
  version: 1,
  roles: { engineer: { groups: ["engineers"] } },
  connections: { tool: { protocol: "http", region: "local", upstream: "http://tool.example" } },
  rules: [
    { id: "all", effect: "allow", who: { roles: ["engineer"] }, connections: ["*"], methods: ["*"], routes: ["/**"] },
  ],
};

const env: Env = {
  ...bindings,
  REGION: "local",
  ORIGINS: GATEWAY,
  ISSUERS: JSON.stringify([{ issuer: ISSUER, audiences: [AUDIENCE], token_types: ["at+jwt"] }]),
  FIRST_ADMIN: "",
  ALLOW_INSECURE_HTTP: "yes",
  PSEUDONYM_KEY: btoa("k".repeat(32)),
};

/** What the tool answers next: its head, and the writer of its body. */
let tool: () => Response;
let sign: (subject: string) => Promise<string>;

// An object is put away once no call is under way, and a stream always has one that waits for a word:
// LONG_POLL_MS, then again at the next look. So while one is to be put away, that call is shorter.
const wait = setTimeout;
const SHORT_POLL_MS = 50;
let pollMs = LONG_POLL_MS;

beforeAll(async () => {
  vi.stubGlobal("setTimeout", (work: () => void, ms?: number) => wait(work, ms === LONG_POLL_MS ? pollMs : ms));
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "key", alg: "ES256", use: "sig" };
  sign = (subject) =>
    new SignJWT({ groups: ["engineers"], client_id: "test", jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: "ES256", kid: "key", typ: "at+jwt" })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(privateKey);
  vi.stubGlobal("fetch", async (input: string | URL | Request) => {
    const url = input instanceof Request ? input.url : String(input);
    if (url === `${ISSUER}/.well-known/openid-configuration`)
      return Response.json({ issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` });
    if (url === `${ISSUER}/jwks`) return Response.json({ keys: [jwk] });
    if (url.startsWith("http://tool.example/")) return tool();
    throw new Error(`nobody answers ${url}`);
  });
  const text = JSON.stringify(POLICY);
  const applied = await controlOf(env).applyPolicy({
    hash: toHex(sha256(new TextEncoder().encode(text))) as Digest,
    text,
    expected: EMPTY_POLICY.hash,
    by: { issuer: ISSUER, subject: "dan" },
    command: newCommand(),
    comment: "",
  });
  if (!applied.ok) throw new Error(applied.reason);
});
afterAll(() => {
  vi.unstubAllGlobals();
});

interface Streamed {
  readonly answer: Response;
  readonly session: DurableObjectStub<SessionObject>;
  readonly sid: SessionId;
  /** Sends a part and reads it at the other end. */
  pass(part: string): Promise<void>;
  /** Ends the tool's answer and reads the rest; true if it came to its end. */
  finish(last: string): Promise<boolean>;
}

/** Begins a stream as a person who has no session yet. `length` is stated if it is not null. */
async function stream(subject: string, length: number | null): Promise<Streamed> {
  const body = new IdentityTransformStream();
  const writer = body.writable.getWriter();
  const headers = length === null ? {} : { "content-length": String(length) };
  tool = () => new Response(body.readable, { headers });
  const ctx = createExecutionContext();
  const request = new Request(`${GATEWAY}/c/tool/stream`, {
    headers: { authorization: `Bearer ${await sign(subject)}` },
  });
  const answer = await worker.fetch(request, env, ctx);
  expect(answer.status).toBe(200);
  const { sid, object } = await sessionOf(subject);
  const reader = (answer.body ?? new ReadableStream<Uint8Array>()).getReader();
  let got = "";
  const decoder = new TextDecoder();
  const read = async (): Promise<boolean> => {
    const { done, value } = await reader.read();
    if (value !== undefined) got += decoder.decode(value, { stream: true });
    return !done;
  };
  let sent = "";
  const send = async (part: string): Promise<void> => {
    sent += part;
    await writer.write(new TextEncoder().encode(part));
  };
  return {
    answer,
    session: bindings.SESSION.get(bindings.SESSION.idFromString(object)),
    sid,
    pass: async (part) => {
      const sending = send(part);
      while (!(sent === got) && (await read()));
      await sending;
    },
    finish: async (last) => {
      const sending = send(last).then(() => writer.close());
      try {
        while (await read());
        await sending;
        await waitOnExecutionContext(ctx);
        return got === sent;
      } catch {
        return false;
      }
    },
  };
}

async function sessionOf(subject: string): Promise<{ sid: SessionId; object: string }> {
  const owner = { issuer: ISSUER, subject };
  const entries = await Promise.all(
    REGISTRY_SHARDS.map((shard) => registryShard(bindings, shard).list({ owner, before: null, limit: 10 })),
  );
  const [entry, ...others] = entries.flat();
  if (entry === undefined || others.length > 0) throw new Error(`${subject} has not one session`);
  return entry;
}

/** Of lines, so that all of it is decided at once. */
const PART = "of a part\n".repeat(100);
const WHOLE = ["session.opened", "command.requested", "response.started", "command.completed"];

test.each([
  ["put away", "no stated length", null],
  ["put away", "a stated length", 100_000],
  ["ended by force", "no stated length", null],
  ["ended by force", "a stated length", 100_000],
])(
  "a session object %s in mid-stream with %s: the stream goes on, and its outcome is recorded once",
  async (how, what, length) => {
    pollMs = how === "put away" ? SHORT_POLL_MS : LONG_POLL_MS;
    const streamed = await stream(`${how} ${what}`, length);
    const goAway = (): Promise<void> =>
      how === "put away" ? evictDurableObject(streamed.session) : abortAllDurableObjects();
    const again = (): DurableObjectStub<SessionObject> => bindings.SESSION.get(streamed.session.id);
    await goAway();
    await streamed.pass(PART);
    // Wakes it, so that it can go away a second time.
    expect((await again().describe(streamed.sid))?.openCommands.length).toBe(1);
    await goAway();
    for (let part = 2; part < 100; part++) await streamed.pass(PART);
    expect(await streamed.finish(PART)).toBe(true);
    const { records, summary } = await checkSession(again(), streamed.sid);
    expect(kindsOf(records).filter((kind) => kind !== "stream.chunk")).toEqual(WHOLE);
    expect(classesOf(records.at(-1))).toMatchObject({ transport: "ok", status: 200, folded: 0, resp_bytes: 100_000 });
    expect(summary.openCommands).toEqual([]);
  },
);
