// Commands as the trail tells them and exchanges as a tap saw them, each as one line of text: what
// happened is recorded rightly if the lines are the same.

import { expect } from "vitest";
import type { ReadRecord } from "./gateway.ts";
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

/** Target, outcome, and sizes and digests of both bodies. Checks on the way that the kinds are the right ones. */
export function commandLine({ target, kinds, outcome }: Command): string {
  const classes: ReadRecord["classes"] = outcome?.classes ?? {};
  const digests = JSON.parse(outcome?.fields.digests ?? "{}") as Record<string, { sha256: string } | null>;
  const started = classes.folded === 1 ? [] : ["response.started"];
  expect(kinds).toEqual(["command.requested", ...started, outcome?.kind]);
  return [
    target,
    outcome?.kind,
    classes.req_bytes,
    digests.request?.sha256 ?? "-",
    classes.resp_bytes,
    digests.response?.sha256 ?? "-",
  ].join(" ");
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
