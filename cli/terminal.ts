// Text for a terminal. Everything that came from a record or a server passes `shown`: a record may
// hold what an attacker wrote, and a terminal obeys what it reads.

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  magenta(text: string): string;
  cyan(text: string): string;
}

/** NO_COLOR (no-color.org) and --no-color win over FORCE_COLOR, which wins over what the stream is. */
export function wantsColor(
  isTty: boolean,
  env: Readonly<Record<string, string | undefined>>,
  isRefused: boolean,
): boolean {
  if (isRefused || (env.NO_COLOR ?? "") !== "") return false;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined && forced !== "") return forced !== "0";
  return isTty && env.TERM !== "dumb";
}

export function styleOf(isColored: boolean): Style {
  const sgr =
    (code: number) =>
    (text: string): string =>
      isColored ? `\x1b[${code}m${text}\x1b[0m` : text;
  return { bold: sgr(1), dim: sgr(2), red: sgr(31), green: sgr(32), yellow: sgr(33), magenta: sgr(35), cyan: sgr(36) };
}

/** Without the colours that `styleOf` gives. */
export function plainOf(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replaceAll(/\x1b\[\d+m/g, "");
}

// Controls (ANSI escapes start with one), line and paragraph separators, bidirectional and invisible
// format characters that make a line read as another (Unicode UTS #55), tags, private use, and halves
// of surrogate pairs.
// eslint-disable-next-line no-misleading-character-class
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Cn}]/gu;

/** One line, safe to print, cut to `limit` characters. */
export function shown(text: string, limit = 200): string {
  const cut = [...text.slice(0, limit * 2)].slice(0, limit).join("");
  const safe = cut.replace(UNSAFE, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
  return cut.length < text.length ? `${safe}…` : safe;
}

/** JSON in which nothing moves a terminal either: the same value, with what `shown` escapes as \u escapes. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (char) =>
    [...Array(char.length).keys()].map((at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, "0")}`).join(""),
  );
}
