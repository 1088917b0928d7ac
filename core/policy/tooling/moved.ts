/** Of the names in both lists, the fewest that must be taken out so that the others stand in the same order. */
export function movedBetween(before: readonly string[], after: readonly string[]): readonly string[] {
  const place = new Map(before.map((name, index) => [name, index]));
  const kept = after.filter((name) => place.has(name));
  // The longest rising run of old places, by patience: `tails[n]` ends the best run of n + 1.
  const tails: number[] = [];
  const previous: number[] = [];
  const placeAt = (index: number): number => place.get(kept[index] ?? "") ?? -1;
  for (let index = 0; index < kept.length; index++) {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (placeAt(tails[middle] ?? -1) < placeAt(index)) low = middle + 1;
      else high = middle;
    }
    previous[index] = tails[low - 1] ?? -1;
    tails[low] = index;
  }
  const stays = new Set<number>();
  for (let index = tails.at(-1) ?? -1; index >= 0; index = previous[index] ?? -1) stays.add(index);
  return kept.filter((_, index) => !stays.has(index));
}
