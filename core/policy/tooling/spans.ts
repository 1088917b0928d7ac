// Text for people as the policy's tools give it: lines of spans, each with what it means, so that a
// terminal paints it and a file gets it plain. Spans may hold anything that a policy's author wrote:
// whoever shows them makes them safe.

/** What a span means, not how it looks. */
export type Tone = "plain" | "strong" | "dim" | "good" | "bad" | "warn";

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

export type Line = readonly Span[];

export function span(text: string, tone: Tone = "plain"): Span {
  return { text, tone };
}

export function line(...parts: readonly (Span | string)[]): Line {
  return parts.map((part) => (typeof part === "string" ? span(part) : part));
}

export function plainText(lines: readonly Line[]): string {
  return lines.map((one) => one.map(({ text }) => text).join("")).join("\n");
}

/** A text of several lines as one: for a condition in a sentence. */
export function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]\s*/g, " ").trim();
}

/** `1 rule`, `2 rules`. */
export function counted(count: number, word: string, words: string = `${word}s`): string {
  return `${count} ${count === 1 ? word : words}`;
}
