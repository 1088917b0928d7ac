// What of a record somebody is shown. A pseudonym tells that two secrets are the same one, and whose calls
// they came in: that is for auditors, and everybody else gets its commitment.
//
// Invariant: no record leaves the API but by this.

import type { StoredRecord } from "../../core/record/record.ts";
import { withhold } from "../../core/record/withhold.ts";
import { sha256 } from "../../durable/sha256.ts";
import type { Caller } from "../caller.ts";

const AUDITORS_ONLY: ReadonlySet<string> = new Set(["pseudonyms"]);

export type Shown = (record: StoredRecord) => StoredRecord;

export function shownTo({ roles }: Caller): Shown {
  return roles.has("auditor") ? (record) => record : withoutPseudonyms;
}

function withoutPseudonyms(record: StoredRecord): StoredRecord {
  const disclosure = withhold(record.disclosure, AUDITORS_ONLY, sha256);
  return disclosure === record.disclosure ? record : { leaf: record.leaf, disclosure };
}
