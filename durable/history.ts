// Copies the control object's tables to D1, row by row from an outbox. D1 being down only makes it late.

import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { kill, policyApplication, policyVersion, revocation } from "../migrations/d1_schema.ts";
import { run, rows, type Sql } from "./migrate.ts";

type Db = ReturnType<typeof drizzle>;

type PolicyRow = { hash: string; text: string; first_seen: number };
type ApplicationRow = typeof policyApplication.$inferSelect;
type RevocationRow = Omit<typeof revocation.$inferSelect, "tokenId" | "issuedBefore"> & {
  token_id: string | null;
  issued_before: number | null;
};
type KillRow = Omit<typeof kill.$inferSelect, "issuedBefore"> & { issued_before: number };

/** True once the outbox is empty. A crash between D1's write and the outbox's delete repeats a row, which D1 then ignores. */
export async function sendHistory(sql: Sql, database: D1Database | undefined): Promise<boolean> {
  if (database === undefined) return true;
  const db = drizzle(database);
  for (const { no, kind, key } of rows<{ no: number; kind: string; key: string }>(
    sql,
    "SELECT no, kind, key FROM history_outbox ORDER BY no LIMIT 100",
  )) {
    try {
      await send(sql, db, kind, key);
    } catch {
      return false;
    }
    run(sql, "DELETE FROM history_outbox WHERE no = ?", no);
  }
  return rows(sql, "SELECT 1 AS one FROM history_outbox LIMIT 1").length === 0;
}

async function send(sql: Sql, db: Db, kind: string, key: string): Promise<void> {
  switch (kind) {
    case "policy":
      return sendPolicy(sql, db, key);
    case "policy_application":
      return sendApplication(sql, db, Number(key));
    case "revocation":
      return sendRevocation(sql, db, Number(key));
    case "kill":
      return sendKill(sql, db, Number(key));
    default:
      throw new Error(`nothing of the kind ${kind} goes to D1`);
  }
}

async function sendPolicy(sql: Sql, db: Db, hash: string): Promise<void> {
  const [row] = rows<PolicyRow>(sql, "SELECT hash, text, first_seen FROM policy WHERE hash = ?", hash);
  if (row === undefined || (await db.$count(policyVersion, eq(policyVersion.hash, hash))) > 0) return;
  await db.insert(policyVersion).values({ hash: row.hash, text: row.text, firstSeen: row.first_seen });
}

async function sendApplication(sql: Sql, db: Db, no: number): Promise<void> {
  const [row] = rows<ApplicationRow>(sql, "SELECT * FROM policy_application WHERE no = ?", no);
  if (row === undefined || (await db.$count(policyApplication, eq(policyApplication.no, no))) > 0) return;
  await db.insert(policyApplication).values(row);
}

async function sendRevocation(sql: Sql, db: Db, no: number): Promise<void> {
  const [row] = rows<RevocationRow>(sql, "SELECT * FROM revocation WHERE no = ?", no);
  if (row === undefined || (await db.$count(revocation, eq(revocation.no, no))) > 0) return;
  const { token_id: tokenId, issuer, subject, issued_before: issuedBefore, command, reason, time } = row;
  await db.insert(revocation).values({ no, tokenId, issuer, subject, issuedBefore, command, reason, time });
}

async function sendKill(sql: Sql, db: Db, no: number): Promise<void> {
  const [row] = rows<KillRow>(sql, "SELECT * FROM kill WHERE no = ?", no);
  if (row === undefined || (await db.$count(kill, eq(kill.no, no))) > 0) return;
  const { issued_before: issuedBefore, ...rest } = row;
  await db.insert(kill).values({ ...rest, issuedBefore });
}
