// Passkeys in the control object: whose they are, that a challenge counts once, that counts go up only.

import { describe, expect, test } from "vitest";
import { run, migrate, type Sql } from "../../durable/migrate.ts";
import { addPasskey, passkeysOf, removePasskey, usePasskey } from "../../durable/passkeys.ts";
import type { PasskeyOrder, PasskeyUse } from "../../durable/control_rpc.ts";
import { CONTROL_MIGRATIONS } from "../../migrations/objects/control.ts";
import { newCommand, withStorage } from "../support/objects.ts";

const NOW = 1_700_000_000_000;
const ERIN = { issuer: "https://id.example", subject: "erin" };
const FRANK = { ...ERIN, subject: "frank" };
let nonces = 0;

const challenge = (until = NOW + 1): PasskeyUse["challenge"] => ({ nonce: `nonce${(nonces += 1)}`, until });

function order(credential: string, more: Partial<PasskeyOrder> = {}): PasskeyOrder {
  return {
    ...{ credential, publicKey: "AQ", counter: 0, transports: ["usb"], name: "key" },
    ...{ command: newCommand(), by: ERIN, challenge: challenge(), ...more },
  };
}

function use(credential: string, counter: number, more: Partial<PasskeyUse> = {}): PasskeyUse {
  return { credential, by: ERIN, counter, challenge: challenge(), ...more };
}

/** An object's storage with the control object's tables. */
function withTables(work: (sql: Sql) => void): Promise<void> {
  return withStorage(`passkeys ${(nonces += 1)}`, ({ sql }) => {
    run(sql, "DROP TABLE migration");
    migrate(sql, CONTROL_MIGRATIONS);
    work(sql);
  });
}

describe("passkeys", () => {
  test("are their person's alone, and removed for good", () =>
    withTables((sql) => {
      const first = order("one");
      expect(addPasskey(sql, first, NOW)).toBe("added");
      expect(addPasskey(sql, first, NOW)).toBe("added");
      expect(addPasskey(sql, order("one"), NOW)).toBe("passkey_known");
      expect(addPasskey(sql, order("two", { by: FRANK }), NOW)).toBe("added");
      expect(passkeysOf(sql, ERIN)).toEqual([
        {
          ...{ credential: "one", publicKey: "AQ", counter: 0, transports: ["usb"], name: "key" },
          ...{ created: NOW, command: first.command },
        },
      ]);
      expect(removePasskey(sql, FRANK, "one", newCommand(), NOW)).toBe(false);
      expect(usePasskey(sql, use("one", 0, { by: FRANK }), NOW)).toBe("passkey_unknown");
      expect(removePasskey(sql, ERIN, "one", newCommand(), NOW)).toBe(true);
      expect(removePasskey(sql, ERIN, "one", newCommand(), NOW)).toBe(true);
      expect(passkeysOf(sql, ERIN)).toEqual([]);
      expect(usePasskey(sql, use("one", 0), NOW)).toBe("passkey_unknown");
      expect(addPasskey(sql, order("one", { by: FRANK }), NOW)).toBe("passkey_known");
    }));

  test("take a challenge once, and none that is over", () =>
    withTables((sql) => {
      const once = challenge();
      expect(addPasskey(sql, order("one", { challenge: once }), NOW)).toBe("added");
      expect(addPasskey(sql, order("two", { challenge: once }), NOW)).toBe("challenge_used");
      expect(usePasskey(sql, use("one", 0, { challenge: once }), NOW)).toBe("challenge_used");
      expect(usePasskey(sql, use("one", 0, { challenge: challenge(NOW) }), NOW)).toBe("challenge_used");
    }));

  test("count up, or never", () =>
    withTables((sql) => {
      addPasskey(sql, order("one"), NOW);
      expect(usePasskey(sql, use("one", 0), NOW)).toBe("used");
      expect(usePasskey(sql, use("one", 7), NOW)).toBe("used");
      for (const counter of [7, 6, 0]) expect(usePasskey(sql, use("one", counter), NOW)).toBe("passkey_counter");
      expect(usePasskey(sql, use("one", 8), NOW)).toBe("used");
    }));

  test("are twenty for one person at most", () =>
    withTables((sql) => {
      for (let i = 0; i < 20; i += 1) expect(addPasskey(sql, order(`c${i}`), NOW)).toBe("added");
      expect(addPasskey(sql, order("more"), NOW)).toBe("passkeys_full");
      removePasskey(sql, ERIN, "c3", newCommand(), NOW);
      expect(addPasskey(sql, order("more"), NOW)).toBe("added");
    }));

  test.each([
    ["deleted", "DELETE FROM passkey"],
    ["given to somebody else", "UPDATE passkey SET subject = 'frank'"],
    ["changed", "UPDATE passkey SET public_key = 'BQ'"],
    ["counted back", "UPDATE passkey SET counter = 4"],
    ["replaced", "INSERT OR REPLACE INTO passkey SELECT * FROM passkey"],
  ])("cannot be %s", (_, statement) =>
    withTables((sql) => {
      addPasskey(sql, order("one", { counter: 5 }), NOW);
      expect(() => run(sql, statement)).toThrow("append-only");
    }),
  );
});
