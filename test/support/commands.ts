// Commands as the trail tells them and exchanges as a tap saw them, each as one line of text: what
// happened is recorded rightly if the lines are the same.

import { createHmac } from "node:crypto";
import { expect } from "vitest";
import type { ReadRecord, TestGateway } from "./gateway.ts";
import type { Tapped } from "./tap.ts";

export interface Command {
  readonly target: string;
  readonly kinds: string[];
  /** Null while it is under way. */
  readonly outcome: ReadRecord | null;
}

/** Those that were allowed, in the order in which they began. */
export function commandsOf(records: readonly ReadRecord[]): Command[] {
  const ids = records.filter((one) => one.kind === "command.requested").map((one) => one.command);
  return ids.map((id) => {
    const own = records.filter((one) => one.command === id);
    return {
      target: own[0]?.fields.target ?? "",
      kinds: own.map((one) => one.kind),
      outcome: own.find((one) => /^command\.(completed|failed|cancelled)$/.test(one.kind)) ?? null,
    };
  });
}

/**
 * Target, outcome, and sizes and digests of both bodies. A keyed digest is told as the one of those that
 * were seen under which it stands. Checks on the way that the kinds are the right ones.
 */
export function commandLine(
  { pseudonymKey }: Pick<TestGateway, "pseudonymKey">,
  seen: readonly Pick<Tapped, "request" | "response">[],
): (command: Command) => string {
  const plain = new Map(
    seen
      .flatMap(({ request, response }) => [request.sha256, response.sha256])
      .map((digest) => [keyedDigest(pseudonymKey, digest), digest]),
  );
  const told = (digest: Digest | null | undefined): string =>
    digest?.sha256 ?? (digest?.keyed === undefined ? "-" : (plain.get(digest.keyed) ?? `keyed ${digest.keyed}`));
  return ({ target, kinds, outcome }) => {
    const classes: ReadRecord["classes"] = outcome?.classes ?? {};
    const digests = JSON.parse(outcome?.fields.digests ?? "{}") as Record<string, Digest | null>;
    const started = classes.folded === 1 ? [] : ["response.started"];
    expect(kinds.filter((kind) => kind !== "stream.chunk")).toEqual(["command.requested", ...started, outcome?.kind]);
    const { req_bytes: sent, resp_bytes: received } = classes;
    return [target, outcome?.kind, sent, told(digests.request), received, told(digests.response)].join(" ");
  };
}

interface Digest {
  readonly sha256?: string;
  readonly keyed?: string;
}

/** docs/record_format.md §5.1: what stands for a digest (in hex) where the body is not recorded as it was. */
export function keyedDigest(pseudonymKey: string, digest: string): string {
  const key = createHmac("sha256", Buffer.from(pseudonymKey, "base64")).update("sallyport.content.v1").digest();
  return createHmac("sha256", key).update(Buffer.from(digest, "hex")).digest("hex");
}

export function tappedLine({ method, url, request, response, complete }: Tapped): string {
  return [
    `${method} ${url}`,
    complete ? "command.completed" : "command.cancelled",
    request.bytes,
    request.bytes > 0 ? request.sha256 : "-",
    response.bytes,
    response.sha256,
  ].join(" ");
}
