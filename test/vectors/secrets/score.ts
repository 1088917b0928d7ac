// How much of the corpus a finder of secrets finds, and how much it takes for a secret that is none.

import { type Carried, carried, CARRIER_NAMES } from "./carriers.ts";
import { BODIES, lookAlikes } from "./look_alikes.ts";
import { Random } from "./random.ts";
import { secrets } from "./secrets.ts";

/** Bytes [from, to) of a body. */
export type Range = readonly [from: number, to: number];

export interface Document {
  readonly carrier: string;
  readonly what: string;
  readonly type: string;
  readonly body: string;
  /** Where the secret stands, and the value that it is a part of; null in a document without one. */
  readonly secret: Range | null;
  readonly value: Range | null;
}

const SEED = 2026;

/** Each secret in each carrier. */
export function documentsWithSecret(): Document[] {
  const random = new Random(SEED);
  return secrets(SEED).flatMap((secret) =>
    carried(secret, random).map((one) => ({ ...described(one, secret.kind), secret: [one.from, one.to] })),
  );
}

/** Every cookie may be a session's, and all are masked: nothing in them looks like a secret and is none. */
const ALL_SECRET = "cookie line";

/** Each look-alike in each carrier, and the bodies that stand for themselves. */
export function documentsWithout(): Document[] {
  const random = new Random(SEED);
  const alike = lookAlikes(SEED).flatMap(({ kind, name, value }) =>
    carried({ kind, name, value, secret: value }, random)
      .filter(({ carrier }) => carrier !== ALL_SECRET)
      .map((one) => ({ ...described(one, `${kind} as ${name}`), value: null })),
  );
  return [...alike, ...BODIES.map(([what, type, body]) => ({ carrier: "as it is", what, type, body, secret: null, value: null }))];
}

function described({ carrier, type, body, valueFrom, valueTo }: Carried, what: string): Document {
  return { carrier, what, type, body, secret: null, value: [valueFrom, valueTo] };
}

export interface Score {
  readonly carrier: string;
  secrets: number;
  found: number;
  /** Ranges that hold nothing of a secret. */
  wrong: number;
}

export type Find = (document: Document) => Promise<readonly Range[]> | readonly Range[];

export interface Scored {
  readonly scores: readonly Score[];
  readonly missed: readonly string[];
  readonly wrong: readonly string[];
}

/** `isFound`: whether the ranges found in a document are good enough for its secret. */
export async function score(
  documents: readonly Document[],
  find: Find,
  isFound: (found: readonly Range[], secret: Range) => boolean,
): Promise<Scored> {
  const scores = new Map<string, Score>(
    [...CARRIER_NAMES, "as it is"].map((carrier) => [carrier, { carrier, secrets: 0, found: 0, wrong: 0 }]),
  );
  const missed: string[] = [];
  const wrong: string[] = [];
  for (const document of documents) {
    const { carrier, what, body, secret, value } = document;
    const ranges = await find(document);
    const one = scores.get(carrier);
    if (one === undefined) throw new Error(`no carrier ${carrier}`);
    if (secret !== null) one.secrets++;
    if (secret !== null && isFound(ranges, secret)) one.found++;
    else if (secret !== null) missed.push(`${carrier}: ${what}`);
    for (const [from, to] of ranges) {
      if (value !== null && from < value[1] && to > value[0]) continue;
      one.wrong++;
      wrong.push(`${carrier}: ${what}: ${body.slice(Math.max(0, from - 20), to)}`);
    }
  }
  return { scores: [...scores.values()], missed, wrong };
}

/** No byte of it is left. */
export function covers(found: readonly Range[], [from, to]: Range): boolean {
  let upto = from;
  for (const [start, end] of found) if (start <= upto) upto = Math.max(upto, end);
  return upto >= to;
}

export function touches(found: readonly Range[], [from, to]: Range): boolean {
  return found.some(([start, end]) => start < to && end > from);
}

export interface Total {
  readonly secrets: number;
  readonly recall: number;
  readonly precision: number;
}

export function totalOf(scores: readonly Score[]): Total {
  const sum = (of: (score: Score) => number): number => scores.reduce((all, one) => all + of(one), 0);
  const found = sum((one) => one.found);
  return {
    secrets: sum((one) => one.secrets),
    recall: found / Math.max(1, sum((one) => one.secrets)),
    precision: found / Math.max(1, found + sum((one) => one.wrong)),
  };
}
