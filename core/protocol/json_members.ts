// Finds an object with the same member twice. JSON.parse keeps the last one, other parsers the first:
// a token or a policy that two readers could understand differently is refused.

/** Deeper than any honest token or policy. */
const MAX_DEPTH = 64;

export type MembersProblem =
  | { readonly problem: "duplicate"; readonly member: string }
  | { readonly problem: "deep" }
  | { readonly problem: "syntax" };

/** Looks at text that JSON.parse accepts, in one pass; null if every object's members are distinct. */
export function findMembersProblem(text: string): MembersProblem | null {
  const open: (Set<string> | null)[] = [];
  let expectsName = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{" || character === "[") {
      if (open.length >= MAX_DEPTH) return { problem: "deep" };
      open.push(character === "{" ? new Set() : null);
      expectsName = character === "{";
    } else if (character === "}" || character === "]") {
      open.pop();
      expectsName = false;
    } else if (character === ",") {
      expectsName = open.at(-1) instanceof Set;
    } else if (character === '"') {
      const end = endOfString(text, at);
      if (end < 0) return { problem: "syntax" };
      const members = open.at(-1);
      if (expectsName && members instanceof Set) {
        // Escapes spell the same name in different ways: compare what they mean.
        const name: unknown = JSON.parse(text.slice(at, end + 1));
        if (typeof name !== "string") return { problem: "syntax" };
        if (members.has(name)) return { problem: "duplicate", member: name };
        members.add(name);
        expectsName = false;
      }
      at = end;
    }
  }
  return null;
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at;
  }
  return -1;
}
