// Where a value stands in JSON text, so that whoever wrote a policy finds what was refused.

/** Keys and indexes from the root to a value. */
export type JsonPath = readonly (string | number)[];

/**
 * Line, from 1, of the value at the path, or of the nearest value around it that exists. The text is
 * one that JSON.parse accepts. One pass, no recursion, so that depth costs no stack.
 */
export function lineOf(text: string, path: JsonPath): number {
  // Keys and indexes to the scanner's place, and for each how many of them the wanted path shares.
  const here: (string | number)[] = [];
  const opened: boolean[] = [];
  let best = 0;
  let deepest = -1;
  const reached = (offset: number): void => {
    if (here.length <= deepest || here.length > path.length) return;
    if (here.some((key, index) => key !== path[index])) return;
    deepest = here.length;
    best = offset;
  };
  let nameNext = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === "{" || c === "[") {
      reached(i);
      opened.push(c === "{");
      here.push(c === "{" ? "" : 0);
      nameNext = c === "{";
    } else if (c === "}" || c === "]") {
      opened.pop();
      here.pop();
      nameNext = false;
    } else if (c === ",") {
      const last = here.pop();
      here.push(typeof last === "number" ? last + 1 : "");
      nameNext = opened.at(-1) === true;
    } else if (c === '"') {
      const end = endOfString(text, i);
      if (nameNext) {
        here[here.length - 1] = String(JSON.parse(text.slice(i, end)));
        nameNext = false;
      } else reached(i);
      i = end - 1;
    } else if (!" \n\r\t:".includes(c)) {
      reached(i);
    }
    if (deepest === path.length) break;
  }
  return 1 + (text.slice(0, best).match(/\n/g)?.length ?? 0);
}

function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text.charAt(i) !== '"') i += text.charAt(i) === "\\" ? 2 : 1;
  return i + 1;
}
