// The rules of shapes, compiled once and then only read.

import { KeyBlock } from "./key_block.ts";
import { compileKeywords, type Keywords } from "./keywords.ts";
import { OwnPattern, type OwnShape } from "./own_pattern.ts";
import { BankAccount, PaymentCard } from "./payment.ts";
import { PROVIDER_TOKENS } from "./provider_tokens.ts";
import { STANDARD_TOKENS } from "./standard_tokens.ts";
import { Token } from "./token.ts";
import type { Shape } from "./window.ts";

export type { OwnShape } from "./own_pattern.ts";

export interface ShapeRules {
  readonly keywords: Keywords;
  /** By keyword: the shapes it may begin, the most telling first. */
  readonly shapes: readonly (readonly Shape[])[];
  /** Length of each keyword. */
  readonly lengths: readonly number[];
  /** How many bytes before a keyword a hit may start. */
  readonly behind: number;
}

const BUILT_IN: readonly Shape[] = [
  new KeyBlock(),
  ...[...PROVIDER_TOKENS, ...STANDARD_TOKENS].map((rule) => new Token(rule)),
  new PaymentCard(),
  new BankAccount(),
];

/** Ids of the built-in rules. Values that stand after a name are not theirs: core/mask/secret_names.ts has the names. */
export const SHAPE_RULES: readonly string[] = [...new Set(BUILT_IN.map(({ id }) => id))];

/** `has`: the rules to look for, by id. */
export function compileShapes(own: readonly OwnShape[], has: (rule: string) => boolean = () => true): ShapeRules {
  const shapes: readonly Shape[] = [
    ...own.filter(({ id }) => has(id)).map((rule) => new OwnPattern(rule)),
    ...BUILT_IN.filter(({ id }) => has(id)),
  ];
  const byKeyword = new Map<string, Shape[]>();
  for (const shape of shapes)
    for (const keyword of shape.keywords) byKeyword.set(keyword, [...(byKeyword.get(keyword) ?? []), shape]);
  const words = [...byKeyword.keys()];
  return {
    keywords: compileKeywords(words),
    shapes: [...byKeyword.values()],
    lengths: words.map((word) => word.length),
    behind: Math.max(0, ...shapes.map(({ behind }) => behind)),
  };
}

export const EVERY_SHAPE: ShapeRules = compileShapes([]);
