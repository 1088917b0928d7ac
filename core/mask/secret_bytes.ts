// A secret as it means, from how it was written: the same one has the same pseudonym in JSON, in a form
// and in plain text.

import type { Form } from "./carriers/carrier.ts";
import { Base64Decoder, type Decoder, JsonEscapeDecoder, PercentDecoder, type Put } from "./carriers/decoders.ts";

/** A pseudonym is made of at most so many bytes of a secret, as it was written. */
export const PSEUDONYM_LIMIT = 4096;

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["&amp;", "&"],
  ["&lt;", "<"],
  ["&gt;", ">"],
  ["&quot;", '"'],
  ["&apos;", "'"],
]);

export function secretBytes(form: Form, written: Uint8Array): Uint8Array {
  switch (form.coding) {
    case "none":
      return written;
    case "json":
      return written.includes(0x5c) ? decoded(written, (put) => new JsonEscapeDecoder(put)) : written;
    case "percent":
      return decoded(written, (put) => new PercentDecoder(put, true));
    case "xml":
      return written.includes(0x26) ? withoutEntities(written) : written;
    case "base64": {
      const all = decoded(written, (put) => new Base64Decoder(put));
      return all.subarray(form.lead ?? 0, all.length - (form.trail ?? 0));
    }
  }
}

function decoded(written: Uint8Array, make: (put: Put) => Decoder): Uint8Array {
  const bytes: number[] = [];
  const decoder = make((byte) => bytes.push(byte));
  decoder.feed(written, 0, written.length, 0);
  decoder.end();
  return Uint8Array.from(bytes);
}

function withoutEntities(written: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(written);
  const plain = text.replaceAll(
    /&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|[a-z]{2,4});/g,
    (whole, hex?: string, decimal?: string) => {
      if (hex === undefined && decimal === undefined) return ENTITIES.get(whole) ?? whole;
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code < 0x110000 ? String.fromCodePoint(code) : whole;
    },
  );
  return new TextEncoder().encode(plain);
}
