// The check of import direction must be able to fail.

import { expect, test } from "vitest";
import { importsOf, violations } from "../../scripts/import_direction.ts";

const found = (from: string, text: string): string[] => violations(importsOf(from, text));

test.each([
  ["core/policy/x.ts", 'import { y } from "../../workers/y.ts";'],
  ["core/policy/x.ts", 'import type { Env } from "../../workers/env.ts";'],
  ["core/policy/x.ts", 'import { readFileSync } from "node:fs";'],
  ["core/policy/x.ts", 'import "cloudflare:workers";'],
  ["core/policy/x.ts", 'import { Hono } from "hono";'],
  ["core/policy/x.ts", 'const fs = await import("node:fs");'],
  ["core/policy/x.ts", 'import {\n  one,\n  two,\n} from "drizzle-orm";'],
  ["core/policy/x.ts", 'export { y } from "../../durable/y.ts";'],
  ["core/verify/x.ts", 'import { leafHash } from "../log/merkle.ts";'],
  ["core/verify/x.ts", 'import { type Leaf, parseLeaf } from "../record/leaf.ts";'],
  ["durable/x.ts", 'import { problem } from "../workers/problem.ts";'],
  ["durable/x.ts", 'import { type Env, read } from "../workers/env.ts";'],
  ["cli/x.ts", 'import type { Env } from "../workers/env.ts";'],
  ["workers/x.ts", 'import { startProvider } from "../local/oidc_provider.ts";'],
])("%s with %j is refused", (from, text) => {
  expect(found(from, text)).toHaveLength(1);
});

test.each([
  [
    "core/policy/x.ts",
    'import * as v from "valibot";\nimport { sha256 } from "@noble/hashes/sha2.js";\nimport { ok } from "../result.ts";',
  ],
  [
    "core/verify/x.ts",
    'import { toHex } from "../bytes.ts";\nimport type { Sha256 } from "../record/record.ts";\nimport { Order } from "./order.ts";',
  ],
  ["durable/x.ts", 'import type { Env } from "../workers/env.ts";\nimport { commit } from "../core/record/commit.ts";'],
  ["durable/x.ts", 'import { type Env } from "../workers/env.ts";'],
  ["workers/x.ts", 'import { Hono } from "hono";'],
])("%s with %j is taken", (from, text) => {
  expect(found(from, text)).toEqual([]);
});

test("a circle is named with its way, one of types alone is none", () => {
  const circle = [
    ...importsOf("core/a.ts", 'import { b } from "./b.ts";'),
    ...importsOf("core/b.ts", 'import { c } from "./c.ts";'),
    ...importsOf("core/c.ts", 'import { a } from "./a.ts";'),
  ];
  expect(violations(circle)).toEqual(["a circle: core/a.ts → core/b.ts → core/c.ts → core/a.ts"]);
  expect(
    violations([
      ...importsOf("core/a.ts", 'import { b } from "./b.ts";'),
      ...importsOf("core/b.ts", 'import type { A } from "./a.ts";'),
    ]),
  ).toEqual([]);
});
