// Keyed names for what must not be guessed from a record: secrets that were masked, and digests of
// bodies that are not in the records as they were. docs/keys.md.

import { createHmac } from "node:crypto";
import { toBase64Url } from "../core/bytes.ts";
import type { Mac } from "../core/approval/digest.ts";
import type { Pseudonym } from "../core/mask/span.ts";

/** Labels no name of an object begins with (workers/caller.ts): those begin with a bracket. */
const CONTENT_LABEL = "sallyport.content.v1";
const PSEUDONYM_LABEL = "sallyport.pseudonym.v1";
const APPROVAL_LABEL = "sallyport.approval.v1";
/** 96 bits: two secrets of one rule get the same name by chance once in 2^48 of them. */
const PSEUDONYM_BYTES = 12;

export class Pseudonyms {
  readonly #key: Uint8Array;
  readonly #content: Uint8Array;
  readonly #ofConnections = new Map<string, Pseudonym>();

  /** `key` is PSEUDONYM_KEY. */
  constructor(key: Uint8Array) {
    this.#key = key;
    this.#content = createHmac("sha256", key).update(CONTENT_LABEL).digest();
  }

  /** HMAC-SHA-256, in hex, over the SHA-256 of some content. */
  commitment(digest: Uint8Array): string {
    return createHmac("sha256", this.#content).update(digest).digest("hex");
  }

  /** Of the commands on a connection that approvals are bound to. */
  approvals(connection: string): Mac {
    const key = createHmac("sha256", this.#key)
      .update(`${APPROVAL_LABEL}${JSON.stringify(connection)}`)
      .digest();
    return (bytes) => createHmac("sha256", key).update(bytes).digest();
  }

  /** The same secret has the same name under one rule of one connection, and another everywhere else. */
  of(connection: string): Pseudonym {
    const before = this.#ofConnections.get(connection);
    if (before !== undefined) return before;
    const keys = new Map<string, Uint8Array>();
    const pseudonym: Pseudonym = (rule, secret) => {
      let key = keys.get(rule);
      if (key === undefined) {
        const derived = createHmac("sha256", this.#key);
        key = derived.update(`${PSEUDONYM_LABEL}${JSON.stringify([connection, rule])}`).digest();
        keys.set(rule, key);
      }
      return toBase64Url(createHmac("sha256", key).update(secret).digest().subarray(0, PSEUDONYM_BYTES));
    };
    this.#ofConnections.set(connection, pseudonym);
    return pseudonym;
  }
}
