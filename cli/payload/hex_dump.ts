// Bytes for a person: place, hexadecimal digits, and the printable ones of them.

/** Columns that a line of 16 takes. */
const WIDE = 78;

export function hexLines(bytes: Uint8Array, width: number | null): string[] {
  const each = width !== null && width < WIDE ? 8 : 16;
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += each) {
    const some = [...bytes.subarray(at, at + each)];
    const digits = some
      .map((byte, index) => `${index === 8 ? " " : ""}${byte.toString(16).padStart(2, "0")}`)
      .join(" ");
    const text = some.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    const room = each * 3 - 1 + (each > 8 ? 1 : 0);
    lines.push(`${at.toString(16).padStart(8, "0")}  ${digits.padEnd(room)}  |${text}|`);
  }
  return lines;
}
