// The text that a passkey signs: byte for byte, and another one for whatever differs.

import { describe, expect, test } from "vitest";
import { commentLine, type SignedDecision, signedText } from "../../../core/approval/signed_decision.ts";
import type { CommandId, Digest } from "../../../core/ids.ts";

const DECISION: SignedDecision = {
  approval: "01935b6e-8c00-7abc-9000-000000000001" as CommandId,
  digest: "ab".repeat(32),
  decision: "approve",
  grantMs: 60_000,
  comment: "go ahead",
  policy: "cd".repeat(32) as Digest,
  issuer: "https://id.example.org",
  subject: "carol",
  nonce: "bm9uY2U",
  expires: 1_732_406_700_000,
};

describe("the text that a passkey signs", () => {
  test("is this, byte for byte", () => {
    const text = `{"approval":"01935b6e-8c00-7abc-9000-000000000001","comment":"go ahead","decision":"approve","digest":"${"ab".repeat(32)}","expires":1732406700000,"grantMs":60000,"issuer":"https://id.example.org","label":"sallyport.decision.v1","nonce":"bm9uY2U","policy":"${"cd".repeat(32)}","subject":"carol"}`;
    expect(signedText(DECISION)).toBe(text);
  });

  test.each([
    { approval: "01935b6e-8c00-7abc-9000-000000000002" as CommandId },
    { digest: "ac".repeat(32) },
    { decision: "deny" as const },
    { grantMs: 0 },
    { comment: null },
    { comment: "go  ahead" },
    { policy: "ce".repeat(32) as Digest },
    { issuer: "https://id.example.net" },
    { subject: "Carol" },
    { nonce: "bm9uY2V" },
    { expires: 1_732_406_700_001 },
  ])("is another one with %j", (change) => {
    expect(signedText({ ...DECISION, ...change })).not.toBe(signedText(DECISION));
  });

  test("holds a comment as one line, however the form ended its lines", () => {
    expect(commentLine(" a\r\nb\tc\n")).toBe("a b c");
    expect(commentLine("a\nb\tc")).toBe("a b c");
    expect(commentLine(" \n")).toBeNull();
  });
});
