// curl's arguments, read as curl reads them, so that the token goes to one URL and that one is the
// gateway's. What cannot be understood is refused: a value taken for a URL, or a URL for a value,
// would be a token sent elsewhere. Pure.

import { parseConnectionName } from "../core/ids.ts";
import { ok, refuse, type Result } from "../core/result.ts";
import type { CliRefusal } from "./refusal.ts";
import { shown } from "./terminal.ts";

/** What `curl --help all` says of this machine's curl: long and short names → whether a value follows. */
export interface CurlOptions {
  readonly long: ReadonlyMap<string, boolean>;
  readonly short: ReadonlyMap<string, string>;
}

export function readCurlHelp(text: string): CurlOptions {
  const long = new Map<string, boolean>();
  const short = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, letter, name, rest = ""] = /^ *(?:-(\S), )?--([a-z0-9][a-z0-9.-]*)(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    // "<file>" and the like, or "[protocol://]host[:port]".
    long.set(name, /^ [<[]/.test(rest));
    if (letter !== undefined) short.set(letter, name);
  }
  return { long, short };
}

/** Options with which the token could leave for another place, or another could take its place. */
const REFUSED: Readonly<Record<string, string>> = {
  url: "the URL is the gateway's: <connection>/<path>",
  next: "one call at a time",
  config: "what is in that file could send the token elsewhere",
  "location-trusted": "it sends the token to wherever the answer points",
  "connect-to": "it sends the token to another host",
  resolve: "it sends the token to another address",
  "unix-socket": "it sends the token to another place",
  "abstract-unix-socket": "it sends the token to another place",
  "doh-url": "it may send the token to another address",
  "doh-insecure": "it may send the token to another address",
  insecure: "it sends the token to whoever answers",
  user: "the gateway's token takes that place",
  "oauth2-bearer": "the gateway's token takes that place",
  netrc: "the gateway's token takes that place",
  "netrc-optional": "the gateway's token takes that place",
  "netrc-file": "the gateway's token takes that place",
  "aws-sigv4": "the gateway's token takes that place",
  negotiate: "the gateway's token takes that place",
  ntlm: "the gateway's token takes that place",
  digest: "the gateway's token takes that place",
  anyauth: "the gateway's token takes that place",
  libcurl: "it writes the token into a file",
  trace: "it writes the token into a file",
  "trace-ascii": "it writes the token into a file",
};

export interface CurlCall {
  /** For curl, without the URL and the token. */
  readonly args: readonly string[];
  readonly url: string;
  /** Goes where the answer points: curl then leaves the token behind, from version 7.83 on. */
  readonly isFollowing: boolean;
}

function usage(what: string): { ok: false } & CliRefusal {
  return refuse({ reason: "usage", what });
}

/** `<connection>/<path>` stands first, or last. */
export function readCurlCall(
  given: readonly string[],
  gateway: string,
  options: CurlOptions,
): Result<CurlCall, CliRefusal> {
  const [first = "", ...others] = given[0] === "--" ? given.slice(1) : given;
  const isFirst = !first.startsWith("-");
  const all = [first, ...others];
  const target = isFirst ? first : (all.at(-1) ?? "");
  const args = isFirst ? (others[0] === "--" ? others.slice(1) : others) : all.slice(0, -1);
  if (target === "" || target.startsWith("-"))
    return usage("which connection? `sallyport curl <connection>/<path>`; `sallyport connections` lists them.");
  const url = targetUrl(target, gateway);
  if (!url.ok) return url;
  const names: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const read = readArgument(args[at] ?? "", args[at + 1], options);
    if (!read.ok) return read;
    const { name, value, takesNext } = read.value;
    const refused = name.map((one) => why(one, value)).find((one) => one !== null);
    if (refused !== undefined) return usage(`curl's ${shown(args[at] ?? "", 60)} is not passed on: ${refused ?? ""}.`);
    names.push(...name);
    if (takesNext) at += 1;
  }
  return ok({ args, url: url.value, isFollowing: names.includes("location") });
}

function why(name: string, value: string | null): string | null {
  if (name.startsWith("expand-")) return "what it expands to cannot be checked";
  const header = name === "header" && value !== null && /^\s*(proxy-)?authorization\s*[:;]/i.test(value);
  if (header) return "the gateway's token takes that place";
  return Object.hasOwn(REFUSED, name) ? (REFUSED[name] ?? null) : null;
}

interface ReadArgument {
  /** Several for joined short options, `-sS`. */
  readonly name: readonly string[];
  readonly value: string | null;
  /** The value is the next argument. */
  readonly takesNext: boolean;
}

function readArgument(arg: string, next: string | undefined, options: CurlOptions): Result<ReadArgument, CliRefusal> {
  if (!arg.startsWith("-") || arg === "-" || arg === "--")
    return usage(
      `${shown(arg, 80)} would be a second URL for curl, and the token would go there, too. One call at a time.`,
    );
  if (arg.startsWith("--")) {
    const name = arg.slice(2);
    const takes = longTakes(name, options.long);
    // curl also takes beginnings of names: which name is meant then depends on its version.
    if (takes === null) return usage(`this machine's curl has no option ${shown(arg, 60)}. Write options whole.`);
    if (takes && next === undefined) return usage(`curl's ${shown(arg, 60)} needs its value.`);
    return ok({ name: [name], value: takes ? (next ?? null) : null, takesNext: takes });
  }
  const names: string[] = [];
  const letters = [...arg.slice(1)];
  for (const [at, letter] of letters.entries()) {
    const name = options.short.get(letter);
    if (name === undefined) return usage(`this machine's curl has no option -${shown(letter, 4)}.`);
    names.push(name);
    if (options.long.get(name) !== true) continue;
    const rest = letters.slice(at + 1).join("");
    if (rest !== "") return ok({ name: names, value: rest, takesNext: false });
    if (next === undefined) return usage(`curl's -${letter} needs its value.`);
    return ok({ name: names, value: next, takesNext: true });
  }
  return ok({ name: names, value: null, takesNext: false });
}

/** Null for an option that there is not. Switches are also there with "no-", or without it. */
function longTakes(name: string, long: CurlOptions["long"]): boolean | null {
  const own = long.get(name);
  if (own !== undefined) return own;
  const opposite = name.startsWith("no-") ? long.get(name.slice(3)) : long.get(`no-${name}`);
  return opposite === false ? false : null;
}

function targetUrl(target: string, gateway: string): Result<string, CliRefusal> {
  const prefix = `${gateway}/c/`;
  const path = target.startsWith(prefix) ? target.slice(prefix.length) : target;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path))
    return usage(`${shown(target, 120)} is not at ${gateway}. The token goes nowhere else; use curl itself.`);
  const [name = ""] = path.split(/[/?#]/, 1);
  if (parseConnectionName(name) === null)
    return usage(
      `${shown(target, 80)} names no connection: <connection>/<path>. \`sallyport connections\` lists them.`,
    );
  if (/[\p{Cc}\s]/u.test(path)) return usage("a path has no blanks; write %20.");
  const rest = path.slice(name.length);
  return ok(`${prefix}${name}${rest.startsWith("/") ? rest : `/${rest}`}`);
}

/** curl leaves an `Authorization` header behind when it goes to another host, and since 7.83 to another port or protocol. */
export function leavesTokenBehind(version: string): boolean {
  const [, major = "0", minor = "0"] = /^curl (\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > 7 || (Number(major) === 7 && Number(minor) >= 83);
}
