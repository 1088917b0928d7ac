// Which bodies of an isolate are read in the largest pieces: a few at a time, because each of them holds
// several of these. Knows who they are, and keeps none of them.

/**
 * A chunk is gathered, one is on its way out, and the object gets copies: some 6 MiB a body, so 24 MiB of
 * an isolate's 128 (developers.cloudflare.com/workers/platform/limits). All others have 32 MiB (intake.ts).
 */
const AT_ONCE = 4;

/** Weak, because the runtime can drop a call without a word, and what it held with it. */
let holders: readonly WeakRef<object>[] = [];

/** False if as many as may have them already. */
export function takeLargest(body: object): boolean {
  giveLargestBack(body);
  if (holders.length >= AT_ONCE) return false;
  holders = [...holders, new WeakRef(body)];
  return true;
}

export function giveLargestBack(body: object): void {
  if (holders.length === 0) return;
  holders = holders.filter((holder) => {
    const held = holder.deref();
    return held !== undefined && held !== body;
  });
}
