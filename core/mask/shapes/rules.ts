// The rules of shapes, compiled once. A set of them is opaque to whoever scans.

/** An admin's own rule: RE2 syntax, looked for in a bounded window around its keywords. */
export interface OwnShape {
  readonly id: string;
  readonly pattern: string;
  readonly keywords: readonly string[];
  readonly pseudonym: boolean;
}

export interface ShapeRules {
  readonly ids: readonly string[];
}

/** `only`: the built-in rules to keep, all if absent. */
export function compileShapes(own: readonly OwnShape[], only?: ReadonlySet<string>): ShapeRules {
  return { ids: [...own.map(({ id }) => id), ...(only ?? [])] };
}

export const EVERY_SHAPE: ShapeRules = compileShapes([]);
