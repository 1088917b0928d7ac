// One pass over all bytes for all keywords at once: an Aho–Corasick automaton as one table of numbers,
// a column for each class of bytes. Letters count whatever their case, and any digit for any other: what
// a keyword means beyond that is for the rule that it stands for.

import { DIGITS, LOWER } from "./window.ts";

export interface Keywords {
  /** Column of each byte. */
  readonly classes: Uint8Array;
  /** Next state by state and column; a state is the index of its row's first cell. */
  readonly table: Int32Array;
  readonly width: number;
  /** States from here on end a keyword. */
  readonly accepting: number;
  /** By row: how many bytes of some keyword this state has read. */
  readonly depth: Uint8Array;
  /** By row: the keywords that end here, longest first. */
  readonly ends: readonly (readonly number[])[];
}

interface Node {
  readonly next: Map<number, number>;
  readonly depth: number;
  ends: number[];
  fail: number;
}

/** The keyword's index in `words` is what a state's `ends` holds. */
export function compileKeywords(words: readonly string[]): Keywords {
  const classes = classesOf(words);
  const nodes = trieOf(words, classes);
  const order = linkFailures(nodes, words);
  // Accepting states last, so that the walk knows them by one comparison; else as they were met, so that those near the root share cache lines.
  const sorted = [...order.filter((index) => !isEnd(nodes, index)), ...order.filter((index) => isEnd(nodes, index))];
  const rowOf = new Map(sorted.map((index, row) => [index, row]));
  const width = Math.max(...classes) + 1;
  const table = new Int32Array(sorted.length * width);
  for (const index of order) {
    const row = (rowOf.get(index) ?? 0) * width;
    const fail = (rowOf.get(nodes[index]?.fail ?? 0) ?? 0) * width;
    for (let column = 0; column < width; column++) {
      const next = nodes[index]?.next.get(column);
      table[row + column] =
        next !== undefined ? (rowOf.get(next) ?? 0) * width : index === 0 ? 0 : (table[fail + column] ?? 0);
    }
  }
  return {
    classes,
    table,
    width,
    accepting: order.filter((index) => !isEnd(nodes, index)).length * width,
    depth: Uint8Array.from(sorted, (index) => nodes[index]?.depth ?? 0),
    ends: sorted.map((index) => nodes[index]?.ends ?? []),
  };
}

const isEnd = (nodes: readonly Node[], index: number): boolean => (nodes[index]?.ends.length ?? 0) > 0;

function classesOf(words: readonly string[]): Uint8Array {
  const classes = new Uint8Array(256);
  let next = 1;
  for (const character of words.join("")) {
    const byte = character.charCodeAt(0);
    if (byte > 127) throw new Error("a keyword holds more than ASCII");
    if (classes[byte] !== 0) continue;
    const same = DIGITS.includes(character)
      ? DIGITS
      : LOWER.includes(character)
        ? character + character.toUpperCase()
        : character;
    for (const one of same) classes[one.charCodeAt(0)] = next;
    next++;
  }
  return classes;
}

function trieOf(words: readonly string[], classes: Uint8Array): Node[] {
  const nodes: Node[] = [{ next: new Map(), depth: 0, ends: [], fail: 0 }];
  words.forEach((word, index) => {
    let node = nodes[0];
    for (const character of word) {
      const column = classes[character.charCodeAt(0)] ?? 0;
      const known: number | undefined = node?.next.get(column);
      if (known === undefined) {
        node?.next.set(column, nodes.length);
        nodes.push({ next: new Map(), depth: (node?.depth ?? 0) + 1, ends: [], fail: 0 });
      }
      node = nodes[known ?? nodes.length - 1];
    }
    node?.ends.push(index);
  });
  return nodes;
}

/** Sets every node's longest suffix that is in the trie, and gathers what ends with it. The nodes breadth first. */
function linkFailures(nodes: readonly Node[], words: readonly string[]): number[] {
  const order = [0];
  for (const index of order) {
    const node = nodes[index];
    for (const [column, child] of node?.next ?? []) {
      order.push(child);
      const target = nodes[child];
      if (target === undefined || index === 0) continue;
      let fail = node?.fail ?? 0;
      while (fail !== 0 && nodes[fail]?.next.has(column) === false) fail = nodes[fail]?.fail ?? 0;
      target.fail = nodes[fail]?.next.get(column) ?? 0;
      target.ends = [...target.ends, ...(nodes[target.fail]?.ends ?? [])];
    }
  }
  for (const node of nodes) node.ends.sort((a, b) => (words[b]?.length ?? 0) - (words[a]?.length ?? 0));
  return order;
}

/** Walks from `state` over [from, to). Returns the index after the first byte that ends a keyword, or `to`; `out[0]` is the state there. */
export function walk(
  { classes, table, accepting }: Keywords,
  bytes: Uint8Array,
  from: number,
  to: number,
  out: Int32Array,
): number {
  let state = out[0] ?? 0;
  let at = from;
  while (at < to) {
    state = table[state + (classes[bytes[at++] ?? 0] ?? 0)] ?? 0;
    if (state >= accepting) break;
  }
  out[0] = state;
  return at;
}
