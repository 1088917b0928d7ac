// Secrets in a request's target and in the values of its headers that their own names do not tell of: by
// shape, within a value, encoded, and by an admin's own masks.

import fc from "fast-check";
import { expect, it, test } from "vitest";
import { exchangeRecord } from "../../../core/mask/mask_draft.ts";
import type { Header } from "../../../core/mask/mask_headers.ts";
import { EVERY_SECRET, maskPlan } from "../../../core/mask/mask_plan.ts";
import { maskTexts } from "../../../core/mask/mask_texts.ts";
import { SHAPED } from "../../support/masking.ts";

const DRAFT = { kind: "command.requested", command: null, part: 0, classes: {} } as const;
const KEY = SHAPED.accessKeyId;
const [RULE = ""] = /\[masked:[a-z-]+\]/.exec(maskTexts([KEY], EVERY_SECRET)[0] ?? "") ?? [];

function fields(path: string, query: string, headers: readonly Header[]): Readonly<Record<string, string>> {
  return exchangeRecord(DRAFT, { target: { method: "GET", path, query }, headers }, {}).fields;
}

test.each([
  ["in a path", `/files/${KEY}/x`, "", `GET /files/${RULE}/x`],
  ["in a query", "/x", `note=${KEY}&a=1`, `GET /x?note=${RULE}&a=1`],
  ["percent-encoded", "/x", `note=%41${KEY.slice(1)}&a=%20`, `GET /x?note=${RULE}&a=%20`],
  ["beside one that its name tells of", "/x", `note=${KEY}&token=t`, `GET /x?note=${RULE}&token=[masked:query]`],
])("is masked %s", (_, path, query, target) => {
  expect(RULE).not.toBe("");
  expect(fields(path, query, []).target).toBe(target);
});

it("is masked in a header's value, and the other headers stay", () => {
  const headers: Header[] = [
    ["x-note", `see ${KEY}, please`],
    ["accept", "*/*"],
    ["x-key-of", KEY],
  ];
  expect(JSON.parse(fields("/", "", headers).headers ?? "")).toEqual([
    ["x-note", `see ${RULE}, please`],
    ["accept", "*/*"],
    ["x-key-of", RULE],
  ]);
});

it("a key that never ends takes nothing of the next header", () => {
  const headers: Header[] = [
    ["x-a", `${SHAPED.keyBegins}\\n${"Ab1+".repeat(40)}`],
    ["x-b", "stays"],
  ];
  const masked = JSON.parse(fields("/", "", headers).headers ?? "") as string[][];
  expect(masked[0]?.[1]).toMatch(/^\[masked:[a-z-]+\]$/);
  expect(masked[1]?.[1]).toBe("stays");
});

test.each([
  ["/x", "next=%2Fy%3Ftoken%3Dhunter22", "GET /x?next=%2Fy%3Ftoken%3D[masked:token]"],
  ["/x", "a=1?token=hunter22", "GET /x?a=1?token=[masked:token]"],
  ["/x", "a=1%26token=hunter22", "GET /x?a=1%26token=[masked:token]"],
  ["/x", "q=%7B%22password%22%3A%22hunter22%22%7D", "GET /x?q=%7B%22password%22%3A%22[masked:password]%22%7D"],
  ["/x", "u=http%3A%2F%2Fbob%3Ahunter22%40h%2F", "GET /x?u=http%3A%2F%2Fbob%3A[masked:userinfo]%40h%2F"],
  ["/x;jsessionid=hunter22", "", "GET /x;jsessionid=[masked:session]"],
  ["/x;token=hunter22/y", "a=1", "GET /x;token=[masked:token]"],
  ["/x%3Ftoken=hunter22", "", "GET /x%3Ftoken=[masked:token]"],
  ["/http:%2F%2Fbob:hunter22@h/y", "", "GET /http:%2F%2Fbob:[masked:userinfo]@h/y"],
])("is masked where it is nested in a target: %s %s", (path, query, target) => {
  expect(fields(path, query, []).target).toBe(target);
});

test.each([
  ["x-config", '{"password":"hunter22"}', '{"password":"[masked:password]"}'],
  ["x-params", "a=1; password=hunter22", "a=1; password=[masked:password]"],
  [
    "x-callback",
    "http://bob:hunter22@h/x?token=hunter22&y=1",
    "http://bob:[masked:userinfo]@h/x?token=[masked:token]&y=1",
  ],
  ["user-agent", "tool/1 password=hunter22", "tool/1 password=[masked:password]"],
  ["location", "/login?next=%2Fy%3Ftoken%3Dhunter22", "/login?next=%2Fy%3Ftoken%3D[masked:token]"],
  ["x-pass", "hunter22", "[masked:header]"],
  ["x-session", "hunter22", "[masked:header]"],
  ["x-otp-code", "123456", "[masked:header]"],
  ["x-amz-meta-user-pw", "hunter22", "[masked:header]"],
])("is masked in a header's value: %s: %s", (name, value, masked) => {
  const headers: Header[] = [
    ["accept", "a/b;q=0.9"],
    [name, value],
    ["forwarded", "for=192.0.2.1;proto=https"],
  ];
  expect(JSON.parse(fields("/", "", headers).headers ?? "")).toEqual(headers.with(1, [name, masked]));
});

it("texts in which nothing is found stay what they are", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary", maxLength: 40 })), (texts) => {
      expect(maskTexts(texts, EVERY_SECRET)).toEqual(texts);
    }),
  );
});

it("a secret is found wherever it stands among other texts", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[ a-z%é]{0,20}$/)), fc.nat(), (others, place) => {
      const at = place % (others.length + 1);
      const texts = [...others.slice(0, at), `a ${KEY} b`, ...others.slice(at)];
      expect(maskTexts(texts, EVERY_SECRET)[at]).toBe(`a ${RULE} b`);
    }),
  );
});

it("is masked by an admin's own rules, too: a header, a parameter and a pattern of theirs", () => {
  const plan = maskPlan([
    { id: "employee-number", fields: [], pattern: "EMP-[0-9]{6}", keywords: ["EMP-"], pseudonym: false },
    { id: "notes", fields: ["customer_note"], pattern: null, keywords: [], pseudonym: false },
  ]);
  const sent = {
    target: { method: "GET", path: "/staff/EMP-123456", query: "customerNote=ill&page=2" },
    headers: [
      ["x-about", "see EMP-654321"],
      ["customer-note", "ill"],
      ["referer", "https://a.example/?customer_note=ill"],
    ] as Header[],
  };
  const masked = exchangeRecord(DRAFT, sent, {}, plan).fields;
  expect(masked.target).toBe("GET /staff/[masked:employee-number]?customerNote=[masked:notes]&page=2");
  expect(JSON.parse(masked.headers ?? "")).toEqual([
    ["x-about", "see [masked:employee-number]"],
    ["customer-note", "[masked:notes]"],
    ["referer", "https://a.example/?customer_note=[masked:notes]"],
  ]);
  expect(exchangeRecord(DRAFT, sent, {}).fields.target).toBe("GET /staff/EMP-123456?customerNote=ill&page=2");
});
