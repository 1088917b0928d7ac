// `sallyport curl`: the real curl at a connection, with the token in an open file without a name: neither
// its arguments nor its environment hold it, which other processes of the machine can read.

import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { ok, refuse, type Result } from "../../core/result.ts";
import { accessOf, type AccessOptions } from "../access.ts";
import { acting, withAccess, withExamples } from "../acting.ts";
import { type CurlOptions, leavesTokenBehind, readCurlCall, readCurlHelp } from "../curl_arguments.ts";
import type { Io } from "../io.ts";
import type { CliRefusal, Done } from "../refusal.ts";

export function curlCommand(program: Command, io: Io): Command {
  const command = program
    .command("curl")
    .summary("call a tool with curl, as yourself")
    .description(
      `Runs curl on <connection>/<path>, with your token, which appears in no process list. Everything
that is not sallyport's is curl's, and so is the exit code. ~/.curlrc is not read; options that
would send the token elsewhere are refused.`,
    )
    .argument("[args...]")
    .usage("[curl's options] <connection>/<path>\n       sallyport curl <connection>/<path> [--] [curl's options]")
    .passThroughOptions()
    .allowUnknownOption()
    .action(acting(io, (options: AccessOptions, args: readonly string[]) => runCurl(options, args, io)));
  return withExamples(withAccess(command), [
    ["sallyport curl registry/left-pad", ""],
    ["sallyport curl -sS -o pad.tgz registry/left-pad/-/left-pad-1.3.0.tgz", ""],
    ["sallyport curl wiki/page -- -X PUT -T page.txt", ""],
    ["sallyport --context us curl -i registry/left-pad", "at another gateway"],
  ]);
}

async function runCurl(options: AccessOptions, args: readonly string[], io: Io): Promise<Done> {
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const { gateway, token } = access.value;
  const known = curlOptions();
  if (!known.ok) return known;
  const read = readCurlCall(args, gateway, known.value.options);
  if (!read.ok) return read;
  if (read.value.isFollowing && !leavesTokenBehind(known.value.version))
    return refuse({
      reason: "usage",
      what: "this machine's curl is older than 7.83 and would take the token along where -L leads. Do without -L.",
    });
  return start(read.value.args, read.value.url, `Authorization: Bearer ${token}\n`, io);
}

function curlOptions(): Result<{ readonly options: CurlOptions; readonly version: string }, CliRefusal> {
  try {
    const ask = (...args: string[]): string =>
      execFileSync("curl", ["-q", ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return ok({ options: readCurlHelp(ask("--help", "all")), version: ask("--version") });
  } catch {
    return refuse({ reason: "unreachable", what: "there is no curl here that can be run. Install curl ≥ 7.73." });
  }
}

async function start(args: readonly string[], url: string, header: string, io: Io): Promise<Done> {
  const held = holdHeader(header);
  const stop = io.beforeEnd(held.remove);
  // No proxy between this machine and itself: it would see the token in the clear.
  const direct = url.startsWith("http:") ? ["--noproxy", "*"] : [];
  const whole = ["-q", ...args, ...direct, "-H", `@${held.path}`, "--url", url];
  const child = spawn("curl", whole, { stdio: ["inherit", "inherit", "inherit", held.handle ?? "ignore"] });
  const stopChild = io.beforeEnd(() => child.kill("SIGINT"));
  try {
    return await new Promise<Done>((resolve) => {
      child.on("error", () => resolve(refuse({ reason: "unreachable", what: "curl cannot be run." })));
      child.on("close", (code, signal) => resolve(ok(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))));
    });
  } finally {
    stop();
    stopChild();
    held.remove();
  }
}

interface Held {
  /** As the child sees it. */
  readonly path: string;
  readonly handle: number | null;
  remove(): void;
}

/**
 * A file that only this person may read, without a name from before the child begins: nothing stays
 * if both are killed. (A pipe of Node's is a socket, which cannot be opened by a path.)
 */
function holdHeader(header: string): Held {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-"));
  const file = join(folder, "header");
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    writeFileSync(file, header, { mode: 0o600, flag: "wx" });
    // Windows has no /dev/fd.
    if (process.platform === "win32") return { path: file, handle: null, remove: removeFolder };
    const handle = openSync(file, "r");
    removeFolder();
    let isOpen = true;
    const remove = (): void => {
      if (isOpen) closeSync(handle);
      isOpen = false;
    };
    return { path: "/dev/fd/3", handle, remove };
  } catch (error) {
    removeFolder();
    throw error;
  }
}
