// What masking tells of a payload: what was taken out, where, and by which rule. Never the value.

/** What a body was read as. `binary` is left alone, and said to be. */
export type Format = "json" | "ndjson" | "sse" | "form" | "multipart" | "xml" | "text" | "binary";

/** Where something was taken out. */
export interface Span {
  /** Byte offset in the plain body (opened of its content coding). */
  readonly at: number;
  /** Bytes taken out. */
  readonly length: number;
  /** Bytes put in their place. */
  readonly put: number;
  readonly rule: string;
  /** What the same secret is called wherever this rule meets it in this connection; null for rules of low entropy. */
  readonly pseudonym: string | null;
}

/** What became decided with the last bytes. The pieces of a body, one after the other, are the body except for its spans. */
export interface MaskedPiece {
  /** May be a view of the bytes that were pushed, where nothing was taken out of them. */
  readonly bytes: Uint8Array;
  /** Plain bytes of the body that are decided by now, from its start. */
  readonly upto: number;
  readonly spans: readonly Span[];
}

/** Keyed by connection and rule. Not asked for by rules of low entropy, whose values could be guessed. */
export type Pseudonym = (rule: string, secret: Uint8Array) => string;
