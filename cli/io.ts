// What a command may touch of its process.

import type { Done } from "./refusal.ts";
import type { Style } from "./terminal.ts";

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Standard output is a terminal: a person reads. */
  readonly isTerminal: boolean;
  /** Columns that a line may have; null where nobody looks at columns, so that nothing is cut. */
  readonly width: number | null;
  readonly style: Style;
  /** Of standard error. */
  readonly noteStyle: Style;
  /** Resolves when the line is accepted, so that a slow reader slows the command. */
  print(line: string): Promise<void>;
  /** The same of bytes as they are, which are for no terminal. */
  write(bytes: Uint8Array): Promise<void>;
  /** A line on standard error, for who reads along: never part of the output. */
  note(line: string): void;
  /** A line on standard error that the next one overwrites; shown on terminals only. */
  progress(text: string): void;
  stdin(): AsyncIterable<Uint8Array>;
  /** The line that a person types after the question; null where nobody can be asked: no terminal. */
  ask(question: string): Promise<string | null>;
  /** Run before the process ends early (Ctrl-C, a closed pipe): takes away what must not stay. Returns how to cancel. */
  beforeEnd(clean: () => void): () => void;
  /** Says a refusal, and sets the code with which the process ends. */
  end(done: Done): void;
}
