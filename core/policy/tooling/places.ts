// Where the names of roles and connections stand in a policy's text, for whoever is to find them there.

import { isMap, isScalar, LineCounter, parseDocument } from "yaml";

export interface Place {
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** Member of the file → name in it → where the name stands. The text is one that parsePolicy takes. */
export type Places = Readonly<Record<"roles" | "connections", ReadonlyMap<string, Place>>>;

export function placesIn(text: string): Places {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: "silent" });
  const namesOf = (member: string): ReadonlyMap<string, Place> => {
    const value = document.get(member, true);
    const found = new Map<string, Place>();
    for (const { key } of isMap(value) ? value.items : []) {
      if (!isScalar(key)) continue;
      const { line, col } = lines.linePos(key.range?.[0] ?? 0);
      found.set(String(key.value), { line, column: col });
    }
    return found;
  };
  return { roles: namesOf("roles"), connections: namesOf("connections") };
}
