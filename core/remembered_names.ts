// Judgements of names, remembered, because the same few dozen come with every exchange. Callers and
// upstreams choose the names, so the memory is bounded: once it is full, a name that is not in it is
// judged each time it comes.

const MAX_NAMES = 1024;
/** Longer than any honest header's name. */
const MAX_LENGTH = 64;

/** The same judgement, made once for each of the first names that come. */
export function rememberNames<Judged extends string | boolean>(judge: (name: string) => Judged): typeof judge {
  const known = new Map<string, Judged>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const judged = judge(name);
    if (known.size < MAX_NAMES && name.length <= MAX_LENGTH) known.set(name, judged);
    return judged;
  };
}
