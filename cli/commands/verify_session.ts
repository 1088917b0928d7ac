// `sallyport verify-session` and `show`: an export from a file, standard input or a gateway, verified
// as it streams, and told to a person or as JSON.

import { createHash } from "node:crypto";
import type { Command } from "commander";
import { parseDigest } from "../../core/ids.ts";
import { ok, refuse, type Result } from "../../core/result.ts";
import type { SessionVerdict } from "../../core/verify/verdict.ts";
import { type SignaturesVerdict, SignaturesVerifier } from "../../core/verify/verify_signatures.ts";
import { verifySession } from "../../core/verify/verify_session.ts";
import { accessOf, type AccessOptions } from "../access.ts";
import { acting, withAccess, withExamples, withJson } from "../acting.ts";
import type { Io } from "../io.ts";
import { type PayloadsVerdict, PayloadsVerifier } from "../payload/verify_payloads.ts";
import { RecordLines } from "../record_line.ts";
import { type CliRefusal, type Done, EXIT } from "../refusal.ts";
import { openSource } from "../session_source.ts";
import { jsonText } from "../terminal.ts";
import { payloadsText, signaturesText, verdictText } from "../verdict_text.ts";

export function verifySessionCommand(program: Command, io: Io): Command {
  const command = program
    .command("verify-session")
    .summary("say whether a session's records are intact and complete")
    .description(
      `Says whether a session's records are intact (nothing was changed) and complete (nothing is missing),
and whether decisions that a rule wants signed with a passkey were signed.

A source is a file with an export, - for standard input, a session's id, or "latest":
your newest session that is not one of reading the trail.`,
    )
    .argument("[source]")
    .usage("<source> [options]")
    .option("--head <size:root>", "verify against a head that you noted earlier")
    .option("--show", "print the records while verifying")
    .option("--payloads", "fetch each recorded body, and hold it against the records")
    .action(acting(io, (options: VerifyCliOptions, source?: string) => verify("verify-session", source, options, io)));
  withExamples(withAccess(withJson(command)), [
    ["sallyport verify-session latest", "your newest session"],
    ["sallyport verify-session latest --payloads", "and whether bodies are those of the records"],
    ["sallyport verify-session export.ndjson", "a file"],
    ["curl … | sallyport verify-session -", "standard input"],
    ["sallyport verify-session <sid> --head 3:c2f1…", "a head that you noted earlier"],
  ]);
  return command.addHelpText(
    "after",
    `
Exit codes:
  0  intact and complete
  1  altered: the first wrong record is named; or a body is not that of its records,
     or a decision was not signed as its record says
  3  the export or a body cannot be read
  4  intact, but completeness is not shown`,
  );
}

export interface VerifyCliOptions extends AccessOptions {
  readonly head?: string;
  readonly show?: boolean;
  readonly payloads?: boolean;
  readonly json?: boolean;
}

/** 0 intact and complete, 1 altered, 4 intact but completeness not shown. */
export async function verify(
  name: string,
  source: string | undefined,
  options: VerifyCliOptions,
  io: Io,
): Promise<Done> {
  if (source === undefined)
    return refuse({ reason: "usage", what: `${name} needs a file, "-", a session's id, or "latest".` });
  const head = parseHead(options.head);
  if (head === null)
    return refuse({ reason: "usage", what: "--head takes <size>:<root>, the root as 64 lower-case hex digits." });
  const opened = await openSource(source, options, io);
  if (!opened.ok) return opened;
  const lines = new RecordLines(io.style, io.width);
  const payloads = options.payloads === true ? payloadsOf(options, io) : null;
  const signatures = new SignaturesVerifier();
  let count = 0;
  let verdict: SessionVerdict;
  try {
    verdict = await verifySession(opened.value, {
      sha256: (bytes) => createHash("sha256").update(bytes).digest(),
      head,
      onRecord: async (record) => {
        count += 1;
        if (count % 1000 === 0) io.progress(`${count} records …`);
        if (options.show === true && options.json !== true) await io.print(lines.line(record));
        await signatures.take(record);
        if (payloads === null) return;
        const before = payloads.looked;
        await payloads.take(record);
        if (payloads.looked > before) io.progress(`${count} records, ${payloads.looked} bodies …`);
      },
    });
  } catch {
    return refuse({ reason: "unreachable", what: "the export could not be read to its end. Try again." });
  } finally {
    io.progress("");
  }
  return told(verdict, signatures.verdict(), payloads?.verdict() ?? null, options.json === true, io);
}

async function told(
  verdict: SessionVerdict,
  signatures: SignaturesVerdict | null,
  payloads: Result<PayloadsVerdict, CliRefusal> | null,
  isJson: boolean,
  io: Io,
): Promise<Done> {
  const found = payloads !== null && payloads.ok ? payloads.value : null;
  const more = {
    ...(signatures === null ? {} : { signatures }),
    ...(found === null ? {} : { payloads: found }),
  };
  if (isJson) await io.print(jsonText({ ...verdict, ...more }));
  else await io.print(verdictText(verdict, io.style));
  if (!isJson && signatures !== null) await io.print(signaturesText(signatures, io.style));
  if (!isJson && found !== null) await io.print(payloadsText(found, io.style));
  if (verdict.integrity.kind === "altered") return ok(EXIT.different);
  if (payloads !== null && !payloads.ok) return payloads;
  if (signatures !== null && signatures.wrongCount > 0) return ok(EXIT.different);
  if (found !== null && found.differing > 0) return ok(EXIT.different);
  return ok(verdict.completeness.kind === "shown" ? EXIT.ok : EXIT.incomplete);
}

function payloadsOf(options: AccessOptions, io: Io): PayloadsVerifier {
  return new PayloadsVerifier(
    () => accessOf(options, io),
    (milliseconds) => io.progress(`too many calls; again in ${milliseconds / 1000} s …`),
  );
}

function parseHead(text: string | undefined): { size: number; root: string } | null | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  const root = match?.[2] === undefined ? null : parseDigest(match[2]);
  return root === null ? null : { size: Number(match?.[1]), root };
}
