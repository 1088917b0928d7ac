// Makes of a body's bytes a stream of one byte for each of its characters' units, in which ASCII stands
// as itself and everything else as a byte past it: what is looked for is ASCII, and where a unit stands
// is a multiplication. So the bytes that travel are never decoded and encoded again.
//
// UTF-8, Latin-1 and whatever else has ASCII in it are that stream already. UTF-7, ISO-2022 and EBCDIC
// are read as bytes, too: names in them are not found.

export interface Charset {
  /** Bytes of a unit. */
  readonly width: 1 | 2 | 4;
  readonly little: boolean;
  /** Two-byte characters of East Asian charsets, whose second byte may look like ASCII. */
  readonly double: boolean;
}

const BYTES: Charset = { width: 1, little: false, double: false };
const DOUBLE: Charset = { width: 1, little: false, double: true };
/** How many bytes tell the charset. */
export const CHARSET_PROBE = 4;

const DOUBLE_NAMES =
  /^(?:shift[_-]?jis|sjis|ms_kanji|x-sjis|windows-31j|cp932|gbk|gb2312|gb18030|gb_2312(?:-80)?|x-gbk|chinese|big5(?:-hkscs)?|cn-big5|x-x-big5|euc-kr|ks_c_5601-1987|cp949|uhc|windows-949|johab|korean)$/;

function units(width: 2 | 4, little: boolean): Charset {
  return { width, little, double: false };
}

/** By the byte order mark, then by what is declared, then by where zeros stand in the first bytes. */
export function charsetOf(declared: string, first: Uint8Array): Charset {
  const [a = -1, b = -1, c = -1, d = -1] = first;
  if (a === 0xff && b === 0xfe) return units(c === 0 && d === 0 ? 4 : 2, true);
  if (a === 0xfe && b === 0xff) return units(2, false);
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return units(4, false);
  if (a === 0xef && b === 0xbb && c === 0xbf) return BYTES;
  if (DOUBLE_NAMES.test(declared)) return DOUBLE;
  if (isText(a) && b === 0 && isText(c) && d === 0) return units(2, true);
  if (a === 0 && isText(b) && c === 0 && isText(d)) return units(2, false);
  if (isText(a) && b === 0 && c === 0 && d === 0) return units(4, true);
  if (a === 0 && b === 0 && c === 0 && isText(d)) return units(4, false);
  if (!/^(?:utf-?16|utf-?32|ucs-?2|unicode|iso-10646-ucs-2)/.test(declared)) return BYTES;
  // A body that says UTF-16 and is plain ASCII is read as what it is.
  if (isText(a) && isText(b)) return BYTES;
  return units(/32/.test(declared) ? 4 : 2, !declared.endsWith("be"));
}

function isText(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

/** Stands for a unit that is no ASCII. */
const OTHER = 0xff;

export class Projection {
  readonly #charset: Charset;
  #bytes = 0;
  #unit = 0;
  #lead = false;

  constructor(charset: Charset) {
    this.#charset = charset;
  }

  /** The next bytes' units. The bytes themselves, where they are that already. */
  of(bytes: Uint8Array): Uint8Array {
    if (this.#charset.width !== 1) return this.#wide(bytes);
    return this.#charset.double ? this.#double(bytes) : bytes;
  }

  #wide(bytes: Uint8Array): Uint8Array {
    const { width, little } = this.#charset;
    const out = new Uint8Array(Math.floor((this.#bytes + bytes.length) / width));
    let at = 0;
    for (const byte of bytes) {
      this.#unit = little ? this.#unit + byte * 2 ** (8 * this.#bytes) : this.#unit * 256 + byte;
      if (++this.#bytes < width) continue;
      out[at++] = this.#unit < 0x80 ? this.#unit : OTHER;
      this.#bytes = 0;
      this.#unit = 0;
    }
    return out;
  }

  #double(bytes: Uint8Array): Uint8Array {
    const out = new Uint8Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] as number;
      const trail = this.#lead && byte >= 0x30;
      out[i] = trail ? OTHER : byte;
      this.#lead = !trail && byte >= 0x81 && byte !== OTHER;
    }
    return out;
  }
}

/** ASCII text in the charset. */
export function inCharset(charset: Charset, text: string): Uint8Array {
  const { width, little } = charset;
  const out = new Uint8Array(text.length * width);
  for (let i = 0; i < text.length; i++) out[i * width + (little ? 0 : width - 1)] = text.charCodeAt(i);
  return out;
}

const ENCODER = new TextEncoder();

/** A secret's bytes as UTF-8, so that the same one is known again in another charset. */
export function asUtf8(charset: Charset, bytes: Uint8Array): Uint8Array {
  if (charset.width === 1) return bytes;
  if (charset.width === 2)
    return ENCODER.encode(new TextDecoder(charset.little ? "utf-16le" : "utf-16be").decode(bytes));
  let text = "";
  for (let i = 0; i + 3 < bytes.length; i += 4) {
    let code = 0;
    for (let k = 0; k < 4; k++) code = code * 256 + (bytes[charset.little ? i + 3 - k : i + k] as number);
    text += code < 0x110000 ? String.fromCodePoint(code) : "\ufffd";
  }
  return ENCODER.encode(text);
}
