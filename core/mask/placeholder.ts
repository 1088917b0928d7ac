// Values under a secret's name that only say where the secret comes from: `${DB_PASSWORD}`, and
// `{{ .Values.password }}` of a template, or nothing but stars. Whoever reads a record wants to know them, and they tell nothing.

const LIMIT = 64;
const LATIN1 = new TextDecoder("latin1");
const PLACEHOLDER = /^(?:\$\{[\w.:-]+\}|\{\{[\w.\s-]+\}\}|\*+)$/;

/** Of bytes [from, to) of a value, of which `whole` says whether there are no more. */
export function placeholder(buf: Uint8Array, from: number, to: number, whole: boolean): "yes" | "no" | "perhaps" {
  const byte = buf[from];
  if (from >= to) return whole ? "no" : "perhaps";
  if (to - from > LIMIT || (byte !== 0x24 && byte !== 0x7b && byte !== 0x2a)) return "no";
  if (!whole) return "perhaps";
  return PLACEHOLDER.test(LATIN1.decode(buf.subarray(from, to))) ? "yes" : "no";
}
