// Passkeys of people: what they sign decisions with. Whether a signature is right is found out before, by
// whoever asks; here each challenge counts once, and the device's count goes up only.
//
// Invariant: a row is never taken away or given to somebody else, so that a decision's record can be held
// against it for good.

import type { CommandId } from "../core/ids.ts";
import type { Passkey, PasskeyAdded, PasskeyOrder, PasskeyUse, PasskeyUsed, Subject } from "./control_rpc.ts";
import { rows, run, type Sql } from "./migrate.ts";
import { useOnce } from "./used_once.ts";

/** Devices that one person has at hand, and then some. */
const PASSKEYS_OF_ONE = 20;

interface Row {
  readonly credential: string;
  readonly public_key: string;
  readonly counter: number;
  readonly transports: string;
  readonly name: string;
  readonly created: number;
  readonly command: string;
}

export function passkeysOf(sql: Sql, { issuer, subject }: Subject): readonly Passkey[] {
  return rows<Row & Record<string, SqlStorageValue>>(
    sql,
    `SELECT credential, public_key, counter, transports, name, created, command FROM passkey
     WHERE issuer = ? AND subject = ? AND removed IS NULL ORDER BY no`,
    issuer,
    subject,
  ).map(({ public_key: publicKey, transports, command, ...row }) => ({
    ...row,
    publicKey,
    transports: JSON.parse(transports) as readonly string[],
    command: command as CommandId,
  }));
}

export function addPasskey(sql: Sql, order: PasskeyOrder, now: number): PasskeyAdded {
  const { credential, publicKey, counter, transports, name, command, by, challenge } = order;
  // The same order again, because its answer was lost.
  if (rows(sql, "SELECT no FROM passkey WHERE command = ?", command).length > 0) return "added";
  if (!isFirstUse(sql, challenge, now)) return "challenge_used";
  if (rows(sql, "SELECT no FROM passkey WHERE credential = ?", credential).length > 0) return "passkey_known";
  if (passkeysOf(sql, by).length >= PASSKEYS_OF_ONE) return "passkeys_full";
  run(
    sql,
    `INSERT INTO passkey (credential, issuer, subject, public_key, counter, transports, name, created, command)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    credential,
    by.issuer,
    by.subject,
    publicKey,
    counter,
    JSON.stringify(transports),
    name,
    now,
    command,
  );
  return "added";
}

export function removePasskey(
  sql: Sql,
  { issuer, subject }: Subject,
  credential: string,
  command: CommandId,
  now: number,
): boolean {
  const own = "credential = ? AND issuer = ? AND subject = ?";
  if (rows(sql, `SELECT no FROM passkey WHERE ${own}`, credential, issuer, subject).length === 0) return false;
  run(
    sql,
    `UPDATE passkey SET removed = ?, removed_by = ? WHERE ${own} AND removed IS NULL`,
    now,
    command,
    credential,
    issuer,
    subject,
  );
  return true;
}

export function usePasskey(sql: Sql, { credential, by, counter, challenge }: PasskeyUse, now: number): PasskeyUsed {
  const known = passkeysOf(sql, by).find((one) => one.credential === credential);
  if (known === undefined) return "passkey_unknown";
  if (!isFirstUse(sql, challenge, now)) return "challenge_used";
  // WebAuthn §7.2: a count that does not grow may be a copy's of the key. Devices that never count say 0.
  if ((counter !== 0 || known.counter !== 0) && counter <= known.counter) return "passkey_counter";
  run(sql, "UPDATE passkey SET counter = ? WHERE credential = ?", counter, credential);
  return "used";
}

/** A challenge that is over could be forgotten already: it counts as used. */
function isFirstUse(sql: Sql, { nonce, until }: PasskeyUse["challenge"], now: number): boolean {
  return now < until && useOnce(sql, `passkey ${nonce}`, until, now);
}
