// What a command may touch of its process.

import type { Style } from "./terminal.ts";

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly style: Style;
  /** Resolves when the line is accepted, so that a slow reader slows the command. */
  print(line: string): Promise<void>;
  /** A line on standard error that the next one overwrites; shown on terminals only. */
  progress(text: string): void;
  stdin(): AsyncIterable<Uint8Array>;
}
