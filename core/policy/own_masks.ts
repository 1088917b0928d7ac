// An admin's own masks: what a policy says of them, checked. A pattern is compiled here once, so that
// one that no engine takes in linear time is a problem of the file and not of a payload.

import { RE2JS, RE2JSSyntaxException } from "re2js";
import { BUILT_IN_RULES, type OwnMask } from "../mask/mask_plan.ts";
import type { FileMask } from "./file.ts";

/** What a rule's `mask` calls all built-in masks. */
export const ALL_BUILT_IN: string = "secrets";
const BUILT_IN: ReadonlySet<string> = new Set([ALL_BUILT_IN, ...BUILT_IN_RULES]);

/** Whether a rule's `mask` may name it without the file's defining it. */
export function isBuiltInMask(name: string): boolean {
  return BUILT_IN.has(name);
}

/** Instructions of a compiled pattern; each may be looked at for every byte near a keyword. */
const MAX_PROGRAM = 2_000;
const MAX_PATTERN = 512;

/** Says what is wrong with a member of the mask; `at` is a place within its text. */
export type ReportMask = (member: "fields" | "pattern" | "keywords" | null, expected: string, at?: number) => void;

export function ownMask(id: string, mask: FileMask, report: ReportMask): OwnMask {
  const { fields, keywords, pseudonym } = mask;
  const pattern = mask.pattern ?? null;
  if (isBuiltInMask(id)) report(null, "a name that no built-in mask has");
  if (pattern === null && fields.length === 0) report(null, "fields, a pattern with keywords, or both");
  if (pattern !== null && keywords.length === 0)
    report("pattern", "keywords beside it: it is tried where one of them stands");
  if (pattern === null && keywords.length > 0) report("keywords", "a pattern beside them");
  if (pattern !== null) checkPattern(pattern, (expected, at) => report("pattern", expected, at));
  return { id, fields, pattern, keywords, pseudonym };
}

function checkPattern(pattern: string, report: (expected: string, at: number) => void): void {
  if (pattern.length > MAX_PATTERN) return report(`a pattern of at most ${MAX_PATTERN} characters`, 0);
  // Repetitions of repetitions multiply while a pattern is compiled, before its size can be asked for.
  let copies = 1;
  for (const [, least, most] of pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g))
    copies *= Math.max(Number(least), Number(most ?? 0), 1);
  if (copies > MAX_PROGRAM) return report("a pattern with fewer repetitions", 0);
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    return report("a pattern in RE2's syntax", placeOf(error, pattern));
  }
  if (compiled.programSize() > MAX_PROGRAM) report("a pattern with fewer repetitions", 0);
  // It would be found between any two characters, and take nothing out.
  else if (compiled.test("")) report("a pattern that does not fit the empty text", 0);
}

/** The library quotes what it stumbled over; where that stands more than once, the last is as good as any. */
function placeOf(error: unknown, pattern: string): number {
  const quoted: unknown = error instanceof RE2JSSyntaxException ? (error as { input?: unknown }).input : null;
  return typeof quoted === "string" ? Math.max(0, pattern.lastIndexOf(quoted)) : 0;
}
