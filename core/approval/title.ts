// What lists and notices call an approval: the target that its request has on record, masked as there.

/** Characters. */
const TITLE_LIMIT = 256;

/** Masked text in, and cut. */
export function titleOf(target: string): string {
  return target.length <= TITLE_LIMIT ? target : `${target.slice(0, TITLE_LIMIT - 1)}…`.toWellFormed();
}
