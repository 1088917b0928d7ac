// A command's bodies under what became of it: their beginnings, or with `--all` all of them that a
// terminal can take.

import { ok, type Result } from "../../core/result.ts";
import type { Access } from "../access.ts";
import { bounded } from "../bounded_text.ts";
import { call } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import type { CliRefusal } from "../refusal.ts";
import { widthOf } from "../table.ts";
import { bytesText } from "../time_text.ts";
import { factsText, maskedText, type PayloadFacts, payloadPath, type Side, SIDES } from "./payload_facts.ts";
import { payloadLines } from "./payload_lines.ts";

const LINES = 40;
const BYTES: number = 8 * 1024;
/** More is for a file. */
const ALL_BYTES: number = 4 * 1024 * 1024;

export interface ShownCommand {
  readonly id: string;
  readonly sid: string;
  readonly payloads: Readonly<Record<Side, PayloadFacts>>;
}

export async function showBodies(
  command: ShownCommand,
  isAll: boolean,
  access: Access,
  io: Io,
): Promise<Result<null, CliRefusal>> {
  for (const side of SIDES) {
    const facts = command.payloads[side];
    const what = factsText(facts);
    if (what === null) continue;
    const masked = maskedText(facts);
    const { style, width } = io;
    await io.print("");
    const head = `${side}  ${what}`;
    const isOneLine = width === null || widthOf(head) + 2 + widthOf(masked) <= width;
    const beside = masked === "" ? "" : `${isOneLine ? "  " : "\n  "}${style.magenta(masked)}`;
    await io.print(`${style.bold(side)}  ${what}${beside}`);
    if (facts.state !== "recorded" || facts.size === 0) continue;
    const shownAll = await showBody(command, side, isAll, access, io);
    if (!shownAll.ok) return shownAll;
  }
  return ok(null);
}

async function showBody(
  { id, sid, payloads }: ShownCommand,
  side: Side,
  isAll: boolean,
  access: Access,
  io: Io,
): Promise<Result<null, CliRefusal>> {
  const facts = payloads[side];
  const most = isAll ? ALL_BYTES : BYTES;
  const headers = facts.size > most ? { range: `bytes=0-${most - 1}` } : {};
  const got = await call(access, { path: payloadPath(sid, id, side), headers });
  if (!got.ok) return got;
  const bytes = await bounded(got.value, most);
  const { style, width } = io;
  const lines = payloadLines({ bytes, format: facts.format, places: facts.masked.places }, narrower(width), style);
  const told = isAll ? lines : lines.slice(0, LINES);
  for (const line of told) await io.print(`  ${line}`);
  const left = facts.size - bytes.length;
  const isMore = left > 0 || told.length < lines.length;
  if (isMore) {
    const more = left > 0 ? `${bytesText(left)} more` : `${lines.length - told.length} lines more`;
    const how = isAll ? `--${side} -o FILE` : `--all, or --${side} for the body alone`;
    await io.print(style.dim(`  … ${more}: ${how}`));
  }
  if (facts.cut > 0) await io.print(style.yellow(`  … and ${bytesText(facts.cut)} of it that are in no record`));
  return ok(null);
}

function narrower(width: number | null): number | null {
  return width === null ? null : width - 2;
}
