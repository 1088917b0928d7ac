// A tool and two places where curl finds it: its own, and its connection at a gateway. What curl does
// at both must come to the same, but for what is listed here.

import { expect } from "vitest";
import { commandLine, commandsOf, tappedLine } from "./commands.ts";
import { type CurlAnswer, CurlPlace } from "./curl.ts";
import { sha256 } from "./echo_upstream.ts";
import { eventually, startGateway, testPolicy, type TestGateway } from "./gateway.ts";
import { type ObservedTool, type Route, startObservedTool } from "./observed_tool.ts";
import type { Tapped } from "./tap.ts";

const NOTHING: string = sha256(Buffer.alloc(0));

/** Of an answer: what differs by the moment or by design. All else must be equal, in name and value. */
const ANSWER_EXCLUSIONS: readonly RegExp[] = [
  /^date: /,
  // Of one connection each (RFC 9110 §7.6.1).
  /^(connection|keep-alive): /,
  // Added, so that an upstream's page can do nothing on the gateway's origin.
  /^content-security-policy: sandbox$/,
  /^x-content-type-options: nosniff$/,
];
/** Of a request as the tool gets it. */
const REQUEST_EXCLUSIONS: readonly RegExp[] = [
  // Where it was sent, who sent it, and of one connection each.
  /^(host|authorization|connection): /,
  // What the gateway and its platform say of themselves.
  /^(via: 1\.1 sallyport|forwarded: for=.*|cf-worker: .*)$/,
  // The gateway has said "100 Continue" itself, and states the length of a body that is empty.
  /^(expect: 100-continue|content-length: 0)$/,
  // An offer to change the protocol goes no further than the gateway.
  /^(upgrade: h2c|http2-settings: .*)$/,
  // No coding that the client did not ask for, and no answer from a cache.
  /^(accept-encoding: identity|cache-control: no-cache|pragma: no-cache)$/,
];

export interface CurlPair {
  readonly tool: ObservedTool;
  readonly gateway: TestGateway;
  readonly direct: CurlPlace;
  readonly through: CurlPlace;
  /** The same call at both places, which must have the same end here and there; what came through the gateway. */
  both(args: readonly string[], path: string, options?: Parameters<CurlPlace["call"]>[2]): Promise<CurlAnswer>;
  /** Fails unless each exchange that the tool had through the gateway is a command of alice's: two records, three if it was streamed. */
  expectRecorded(): Promise<void>;
  stop(): Promise<void>;
}

/** `routes` by path below the tool's base, `/base`. */
export async function startCurlPair(routes: Readonly<Record<string, Route>>): Promise<CurlPair> {
  const tool = await startObservedTool(
    Object.fromEntries(Object.entries(routes).map(([path, route]) => [`/base${path}`, route])),
  );
  const gateway = await startGateway({ policy: testPolicy({ tool: `${tool.url}/base` }) });
  const direct = new CurlPlace(`${tool.url}/base`, []);
  const through = new CurlPlace(`${gateway.url}/c/tool`, ["--oauth2-bearer", await gateway.token("alice")]);
  const pair = { tool, gateway, direct, through };
  return {
    ...pair,
    both: (args, path, options = {}) => both(pair, args, path, options),
    expectRecorded: () => expectRecorded(pair),
    stop: async () => {
      for (const one of [direct, through]) one.remove();
      await gateway.stop();
      await tool.stop();
    },
  };
}

async function both(
  { tool, direct, through }: Pick<CurlPair, "tool" | "direct" | "through">,
  args: readonly string[],
  path: string,
  options: Parameters<CurlPlace["call"]>[2],
): Promise<CurlAnswer> {
  const before = { direct: tool.direct.length, through: tool.through.length };
  const expected = await direct.call(args, path, options);
  const got = await through.call(args, path, options);
  expect(comparable(got)).toEqual(comparable(expected));
  expect(asked(tool.through.slice(before.through))).toEqual(asked(tool.direct.slice(before.direct)));
  return got;
}

function comparable({ heads, body, ...rest }: CurlAnswer): unknown {
  const kept = heads.map(({ status, headers }) => ({
    // The gateway answers HTTP/1.0 with HTTP/1.0, Node with HTTP/1.1; RFC 9110 §2.5 allows both.
    status: status.replace(/^HTTP\/1\.[01] /, ""),
    headers: without(headers, ANSWER_EXCLUSIONS),
  }));
  return { ...rest, heads: kept, bytes: body.length, sha256: sha256(body) };
}

function asked(tapped: readonly Tapped[]): unknown[] {
  return tapped.map(({ method, url, sent, request }) => {
    const headers = Object.entries(sent).map(([name, value]) => `${name}: ${String(value)}`);
    return {
      line: `${method} ${url} ${request.bytes} ${request.sha256}`,
      headers: without(headers, REQUEST_EXCLUSIONS),
    };
  });
}

function without(lines: readonly string[], exclusions: readonly RegExp[]): string[] {
  return lines.filter((line) => !exclusions.some((one) => one.test(line))).toSorted();
}

async function expectRecorded({ tool, gateway }: Pick<CurlPair, "tool" | "gateway">): Promise<void> {
  const commands = await eventually(
    async () => commandsOf(await gateway.records("alice", "tool")),
    (all) => all.every((one) => one.outcome !== null),
  );
  const seen = tool.through.map((one) => `${one.status} ${tappedLine({ ...one, url: one.url.slice("/base".length) })}`);
  // A body that is stated and empty has the digest of nothing, one that is not there has none; at the tool both look alike.
  const lineOf = commandLine(gateway, tool.through);
  const lines = commands.map(
    (one) => `${one.outcome?.classes.status} ${lineOf(one).replace(` 0 ${NOTHING} `, " 0 - ")}`,
  );
  expect(lines.sort()).toEqual(seen.sort());
}
