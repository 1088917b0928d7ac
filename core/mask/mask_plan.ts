// What is looked for in payloads: the built-in names and shapes, and what a policy's admin added.
// Compiled once for a connection of a policy. What is compiled is only read, but for a bounded memory
// of names that were judged.

import { NameTable } from "./name_table.ts";
import { judgeOf, NAME_RULES, plainName, TELLING, USERINFO } from "./secret_names.ts";
import { compileShapes, EVERY_SHAPE, SHAPE_RULES, type ShapeRules } from "./shapes/rules.ts";

/** An admin's own rule: fields by name, a pattern (RE2) that is tried where one of its keywords stands, or both. */
export interface OwnMask {
  readonly id: string;
  readonly fields: readonly string[];
  readonly pattern: string | null;
  /** At least three characters each; required with a pattern. */
  readonly keywords: readonly string[];
  /** Whether the same secret is to be known again: false where its values could be guessed. */
  readonly pseudonym: boolean;
}

/** The id of the admin's rule that names this field, or null. */
export type OwnNames = (name: string) => string | null;

export interface MaskPlan {
  readonly names: NameTable;
  /** Null if nothing is looked for by shape. */
  readonly shapes: ShapeRules | null;
  /** User information in URLs is masked. */
  readonly urls: boolean;
  /** The admin's rule for a header or parameter of this name; null if there are none by name. */
  readonly own: OwnNames | null;
}

/** Stands for every built-in rule. */
const SECRETS = "secrets";

/** `only` holds ids of rules, built-in or own; `secrets` means every built-in one. Without it, everything is masked. */
export function maskPlan(own: readonly OwnMask[], only?: ReadonlySet<string>): MaskPlan {
  const every = only === undefined || only.has(SECRETS);
  const mine = own.filter(({ id }) => only === undefined || only.has(id));
  const ids = new Set(mine.map(({ id }) => id));
  const has = (rule: string): boolean => every || ids.has(rule) || (only?.has(rule) ?? false);
  const fields = mine.flatMap((one) => one.fields.map(plainName));
  return {
    names: new NameTable(judgeOf(mine, has), [...TELLING, ...fields]),
    shapes: shapesOf(mine, every, only),
    urls: has(USERINFO.rule),
    own: ownNames(mine),
  };
}

function ownNames(mine: readonly OwnMask[]): OwnNames | null {
  const ids = new Map(
    mine.flatMap(({ id, fields }) => fields.map((field): [string, string] => [plainName(field), id])),
  );
  return ids.size === 0 ? null : (name) => ids.get(plainName(name)) ?? null;
}

function shapesOf(mine: readonly OwnMask[], every: boolean, only: ReadonlySet<string> | undefined): ShapeRules | null {
  const patterns = mine.flatMap(({ id, pattern, keywords, pseudonym }) =>
    pattern === null ? [] : [{ id, pattern, keywords, pseudonym }],
  );
  if (every) return patterns.length === 0 ? EVERY_SHAPE : compileShapes(patterns);
  const has = (rule: string): boolean => only?.has(rule) ?? false;
  return patterns.length === 0 && !SHAPE_RULES.some(has) ? null : compileShapes(patterns, has);
}

/** The built-in names and shapes. */
export const EVERY_SECRET: MaskPlan = maskPlan([]);

/** Every built-in rule by its id, as `only` takes them. */
export const BUILT_IN_RULES: readonly string[] = [...new Set([...NAME_RULES, ...SHAPE_RULES])];
