// The limits and lists of docs/record_format.md against the code that writes, the code that verifies and
// the reader that was written from the page.

import { expect, test } from "vitest";
import { SPANS_LIMIT } from "../../core/mask/payload_fields.ts";
import { LEAF_LIMIT } from "../../core/record/leaf.ts";
import { DETACHED_LIMIT, INLINE_LIMIT } from "../../core/record/payload.ts";
import { KINDS, OUTCOMES } from "../../core/record/record.ts";
import { LINE_LIMIT } from "../../core/verify/lines.ts";
import { DISCLOSURE_LIMIT } from "../../durable/well_formed.ts";
import { sectionOf, textOf } from "./text.ts";

const page = textOf("docs/record_format.md");
const reader = textOf("test/vectors/record/read_vectors.py");

test("the limits on the page are those of the code and of the independent reader", () => {
  const limits = sectionOf(page, "## 8. Limits").replaceAll(",", "");
  expect(limits).toContain(`| leaf | ${LEAF_LIMIT} bytes |`);
  expect(limits).toContain(`| line of an export LF included | ${LINE_LIMIT} bytes |`);
  expect(limits).toContain(`| disclosure | ${DISCLOSURE_LIMIT} UTF-16 units`);
  expect(limits).toContain("| fields a record | 64 |");
  expect(limits).toContain(`beside a record | ${INLINE_LIMIT} ${DETACHED_LIMIT} bytes |`);
  expect(page.replaceAll(",", "")).toContain(`counts what was left out of a list over ${SPANS_LIMIT} characters`);
  expect(reader).toContain(`${INLINE_LIMIT} < int(told.group(2)) <= ${DETACHED_LIMIT}`);
  expect(reader).toContain(`len(text) <= ${LEAF_LIMIT}`);
  expect(reader).toContain(`len(line) < ${LINE_LIMIT}`);
  expect(reader).toContain("len(fields) <= 64");
});

test("a record that the log takes fits the line that a reader takes", () => {
  // Each UTF-16 unit is three bytes of UTF-8 at most; in a leaf each character may be escaped.
  const around = '{"leaf":"","fields":}\n'.length;
  expect(around + 2 * LEAF_LIMIT + 3 * DISCLOSURE_LIMIT).toBeLessThanOrEqual(LINE_LIMIT);
});

test("the page's list of kinds, from which late parts are counted, is the code's, in its order", () => {
  const [, list = ""] = /^The list: (.*?)\. A late/ms.exec(sectionOf(page, "### 5.3 Parts")) ?? [];
  expect([...list.matchAll(/`([a-z.]+)`/g)].map(([, kind]) => kind)).toEqual([...KINDS]);
  expect(page).toContain(`1 + ${KINDS.length} × the part`);
  expect(page).toContain(`A late \`response.started\` therefore has part ${1 + KINDS.indexOf("response.started")}`);
  expect(page).toContain(`a first late \`gap\` part ${1 + KINDS.indexOf("gap")}`);
  for (const outcome of OUTCOMES) expect(page).toContain(`\`${outcome}\``);
});
