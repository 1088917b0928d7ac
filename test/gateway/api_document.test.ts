// The OpenAPI document that the gateway serves: that it is one, and that it says what the table says.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROUTES } from "../../workers/console/route_table.ts";
import { VERSION } from "../../workers/version.ts";
import { startGateway, testPolicy, type TestGateway } from "../support/gateway.ts";

let gateway: TestGateway;
let document: Record<string, unknown>;

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, unknown>>;
}
interface Schema {
  readonly additionalProperties?: boolean;
  readonly type?: string;
  readonly anyOf?: readonly Schema[];
}

beforeAll(async () => {
  gateway = await startGateway({ policy: testPolicy({ tool: "http://127.0.0.1:1" }) });
  document = (await (await fetch(`${gateway.url}/api/v1/openapi.json`)).json()) as Record<string, unknown>;
});
afterAll(() => gateway?.stop());

function operations(): Map<string, Operation> {
  const paths = document.paths as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  return new Map(
    Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item)
        .filter(([method]) => method !== "parameters")
        .map(([method, operation]): [string, Operation] => [`${method.toUpperCase()} ${path}`, operation as Operation]),
    ),
  );
}

test("it is an OpenAPI 3.1 document by the standard's own schema", async () => {
  const { valid, errors } = await new Validator().validate(document);
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  expect(document).toMatchObject({ openapi: "3.1.0", servers: [{ url: gateway.url }] });
});

test("it has every route of the table and no other, each with an id of its own", () => {
  const described = operations();
  expect([...described.keys()].sort()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
  const ids = [...described.values()].map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { method, path, query, body } of ROUTES) {
    const operation = described.get(`${method} ${path}`);
    const named = operation?.parameters.filter((one) => one.in === "query").map(({ name }) => name) ?? [];
    expect(named.sort(), path).toEqual(Object.keys(query?.entries ?? {}).sort());
    expect(Object.keys(operation?.requestBody?.content ?? {}), path).toEqual(body === null ? [] : [body.mediaType]);
  }
});

test("every body that is JSON is closed: no member passes that is not described", () => {
  const open = [...operations()].flatMap(([key, { requestBody }]) => {
    const schema = requestBody?.content["application/json"]?.schema;
    if (schema === undefined) return [];
    return (schema.anyOf ?? [schema]).every((one) => one.additionalProperties === false) ? [] : [key];
  });
  expect(open).toEqual([]);
});

test("it is served without a login, known again by its tag, and leaves no record", async () => {
  const first = await fetch(`${gateway.url}/api/v1/openapi.json`);
  const etag = first.headers.get("etag") ?? "";
  expect(first.headers.get("cache-control")).toBe("public, max-age=300");
  const again = await fetch(`${gateway.url}/api/v1/openapi.json`, { headers: { "if-none-match": `"x", W/${etag}` } });
  expect([again.status, await again.text(), again.headers.get("etag")]).toEqual([304, "", etag]);
  expect((await fetch(`${gateway.url}/api/v1/openapi.json`, { headers: { "if-none-match": '"x"' } })).status).toBe(200);
  const head = await fetch(`${gateway.url}/api/v1/openapi.json`, { method: "HEAD" });
  expect([head.status, await head.text(), head.headers.get("etag")]).toEqual([200, "", etag]);
  const token = await gateway.token("dan");
  await fetch(`${gateway.url}/api/v1/openapi.json`, { headers: { authorization: `Bearer ${token}` } });
  const text = (await gateway.exports("dan", "console")).join("");
  expect(text).not.toContain("openapi.json");
});

test("the version is the package's", () => {
  const path = fileURLToPath(new URL("../../package.json", import.meta.url).href);
  const manifest = JSON.parse(readFileSync(path, "utf8")) as { version: string };
  expect(VERSION).toBe(manifest.version);
});
