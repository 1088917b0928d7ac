// The difference of two texts as unified diff, bounded in work and in size, so that two texts with
// nothing in common cost no more than others. What it leaves out, it says.

import { formatPatch, structuredPatch } from "diff";

export interface TextDiff {
  /** Empty where the texts are the same. Never longer than the limit. */
  readonly text: string;
  /** Lines; null where the texts differ too much to be compared line by line. */
  readonly added: number | null;
  readonly removed: number | null;
  /** False if something was left out of `text`, which then ends with a sentence about it. */
  readonly isWhole: boolean;
}

export interface DiffNames {
  readonly before: string;
  readonly after: string;
}

/**
 * The search costs (lines + edits) × edits: under half a second for the worst texts of 512 KiB, and far more edits
 * than a person reads in a review.
 */
const MAX_EDITS = 2000;
/** UTF-16 units. As UTF-8 at most 192 KiB, so that a record of a change (256 KiB) takes it with its JSON escapes of lines. */
export const MAX_DIFF: number = 64 * 1024;

export function unifiedDiff(before: string, after: string, names: DiffNames, limit: number = MAX_DIFF): TextDiff {
  if (before === after) return { text: "", added: 0, removed: 0, isWhole: true };
  const patch = structuredPatch(names.before, names.after, before, after, undefined, undefined, {
    context: 3,
    maxEditLength: MAX_EDITS,
  });
  if (patch === undefined) {
    const note = `[more than ${MAX_EDITS} lines differ: ${countLines(before)} lines before, ${countLines(after)} after]`;
    return {
      text: `--- ${names.before}\n+++ ${names.after}\n${note}\n`.slice(0, limit),
      added: null,
      removed: null,
      isWhole: false,
    };
  }
  const lines = patch.hunks.flatMap((hunk) => hunk.lines);
  const text = formatPatch(patch, { includeIndex: false, includeUnderline: false, includeFileHeaders: true });
  const counts = {
    added: lines.filter((line) => line.startsWith("+")).length,
    removed: lines.filter((line) => line.startsWith("-")).length,
  };
  if (text.length <= limit) return { text, ...counts, isWhole: true };
  return { text: cutAtLine(text, limit), ...counts, isWhole: false };
}

const CUT = "[the rest of the difference is left out]\n";

function cutAtLine(text: string, limit: number): string {
  const end = text.lastIndexOf("\n", Math.max(0, limit - CUT.length - 1));
  return `${text.slice(0, end + 1)}${CUT}`.slice(0, limit);
}

function countLines(text: string): number {
  let count = text === "" || text.endsWith("\n") ? 0 : 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}
