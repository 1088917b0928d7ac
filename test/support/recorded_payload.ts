// What the trail has of a command's bodies, held against what really passed.

import { expect } from "vitest";
import { eventually, type ReadRecord, type TestGateway } from "./gateway.ts";
import type { Person } from "./issuer.ts";

export type Side = "request" | "response";

export interface RecordedSpan {
  readonly at: number;
  readonly length: number;
  readonly put: number;
  readonly rule: string;
}

export interface RecordedCommand {
  readonly id: string;
  readonly sid: string;
  readonly records: readonly ReadRecord[];
  readonly begun: ReadRecord;
  readonly outcome: ReadRecord;
  /** The masked body, as the API gives it. */
  payload(side: Side): Promise<Buffer>;
  spans(side: Side): readonly RecordedSpan[];
  chunks(side: Side): readonly ReadRecord[];
}

/** A command of that target (a method, a space and a path), once it has its outcome: the last one, or the `at`-th. */
export async function recordedCommand(
  gateway: TestGateway,
  person: string | Person,
  connection: string,
  target: string,
  at = -1,
): Promise<RecordedCommand> {
  const ofLast = async (): Promise<ReadRecord[]> => {
    const all = await gateway.records(person, connection);
    const last = all
      .filter(({ kind, fields }) => /^command\.(requested|denied)$/.test(kind) && fields.target === target)
      .at(at);
    return all.filter(({ command }) => command !== null && command === last?.command);
  };
  const isOutcome = ({ kind }: ReadRecord): boolean => /^command\.(denied|completed|failed|cancelled)$/.test(kind);
  const records = await eventually(ofLast, (found) => found.some(isOutcome));
  const [begun] = records;
  const outcome = records.find(isOutcome);
  if (begun === undefined || begun.command === null || outcome === undefined) throw new Error(`no command ${target}`);
  const chunks = (side: Side): ReadRecord[] =>
    records.filter(({ kind, classes }) => kind === "stream.chunk" && classes.side === side);
  return {
    id: begun.command,
    sid: begun.sid,
    records,
    begun,
    outcome,
    chunks,
    payload: async (side) => {
      const path = `/api/v1/sessions/${begun.sid}/payload/${begun.command}/${side}`;
      const answer = await gateway.fetch(person, path);
      if (answer.status !== 200) throw new Error(`no payload: ${answer.status} ${await answer.text()}`);
      return Buffer.from(await answer.arrayBuffer());
    },
    spans: (side) => {
      const holder = side === "request" ? begun : outcome;
      const holding = chunks(side).length > 0 ? chunks(side) : [holder];
      return holding.flatMap(({ fields }) => JSON.parse(fields.spans ?? "[]") as RecordedSpan[]);
    },
  };
}

/** Fails unless the recorded body is the plain one byte for byte, except for its spans. */
export async function expectRecordedAs(command: RecordedCommand, side: Side, plain: Uint8Array): Promise<void> {
  const recorded = await command.payload(side);
  const body = Buffer.from(plain);
  const kept: Buffer[] = [];
  let at = 0;
  let from = 0;
  for (const span of command.spans(side)) {
    kept.push(recorded.subarray(from, from + span.at - at));
    from += span.at - at;
    expect(recorded.subarray(from, from + span.put).toString()).toBe(`[masked:${span.rule}]`);
    from += span.put;
    kept.push(body.subarray(span.at, span.at + span.length));
    at = span.at + span.length;
  }
  kept.push(recorded.subarray(from));
  const rebuilt = Buffer.concat(kept);
  expect(rebuilt.length).toBe(body.length);
  expect(rebuilt.equals(body)).toBe(true);
}
