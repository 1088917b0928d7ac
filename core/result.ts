/** An expected refusal is a value; a broken invariant throws. */
export type Result<T, E extends { reason: string }> = { ok: true; value: T } | ({ ok: false } & E);

export function ok<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

export function refuse<const E extends { reason: string }>(refusal: E): { ok: false } & E {
  return { ok: false, ...refusal };
}
