// A policy's text from a file or from standard input, parsed. At most as long as a policy may be, so
// that naming the wrong file costs nothing.

import { createHash } from "node:crypto";
import { createReadStream, existsSync, statSync } from "node:fs";
import { parseDigest } from "../../core/ids.ts";
import { type Policy, parsePolicy, type PolicyProblem } from "../../core/policy/policy.ts";
import { ok, refuse, type Result } from "../../core/result.ts";
import type { Io } from "../io.ts";
import type { CliRefusal } from "../refusal.ts";
import { shown } from "../terminal.ts";
import { DEFAULT_FILE } from "./default_file.ts";

/** A policy may have 512 KiB; what is longer is read this far, and then refused by the parser as too long. */
const READ_LIMIT = 1024 * 1024;

export interface PolicyText {
  /** As it was named; `<stdin>` for standard input. */
  readonly name: string;
  readonly text: string;
}

export interface ReadPolicy extends PolicyText {
  readonly hash: string;
  readonly parsed:
    | { readonly ok: true; readonly value: Policy }
    | { readonly ok: false; readonly problems: readonly PolicyProblem[] };
}

export async function readPolicyFile(file: string | undefined, io: Io): Promise<Result<ReadPolicy, CliRefusal>> {
  const text = await readText(file, io);
  return text.ok ? ok(parsed(text.value)) : text;
}

export function parsed({ name, text }: PolicyText): ReadPolicy {
  const hash = createHash("sha256").update(text).digest("hex");
  const digest = parseDigest(hash);
  if (digest === null) throw new TypeError("a digest that is none");
  return { name, text, hash, parsed: parsePolicy(text, digest) };
}

async function readText(file: string | undefined, io: Io): Promise<Result<PolicyText, CliRefusal>> {
  if (file === "-") return bounded("<stdin>", io.stdin());
  const path = file ?? DEFAULT_FILE;
  if (!existsSync(path)) {
    const what =
      file === undefined
        ? `there is no ${DEFAULT_FILE} in this folder. Name a policy's file, or - for standard input.`
        : `there is no file ${shown(path)}.`;
    return refuse({ reason: "usage", what });
  }
  if (statSync(path).isDirectory()) return refuse({ reason: "usage", what: `${shown(path)} is a folder, not a file.` });
  return bounded(path, createReadStream(path, { end: READ_LIMIT }) as AsyncIterable<Uint8Array>);
}

async function bounded(name: string, chunks: AsyncIterable<Uint8Array>): Promise<Result<PolicyText, CliRefusal>> {
  const bytes: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of chunks) {
      bytes.push(chunk);
      size += chunk.byteLength;
      if (size > READ_LIMIT) break;
    }
  } catch {
    return refuse({ reason: "unreachable", what: `${shown(name)} cannot be read.` });
  }
  try {
    // Not replaced: the hash is of the bytes, and a policy with bytes that are no text is none.
    return ok({ name, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes)) });
  } catch {
    return refuse({ reason: "usage", what: `${shown(name)} is not UTF-8 text.` });
  }
}
