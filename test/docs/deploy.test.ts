// docs/deploy.md against what it describes: the bindings, wrangler.toml, the policy it shows and the wrangler that
// is installed. Also the check an admin runs before a deployment.

import { randomBytes } from "node:crypto";
import { experimental_getWranglerCommands, unstable_readConfig } from "wrangler";
import { describe, expect, test } from "vitest";
import { parseIssuers } from "../../core/auth/issuer.ts";
import type { Digest } from "../../core/ids.ts";
import { parsePolicy } from "../../core/policy/policy.ts";
import { readConfig } from "../../workers/config.ts";
import { checkAgainstConfig } from "../../workers/policy_check.ts";
import type { Env } from "../../workers/env.ts";
import { blocksOf, firstColumn, ROOT, sectionOf, textOf } from "./text.ts";

const page = textOf("docs/deploy.md");
const bindings = [...textOf("workers/env.ts").matchAll(/^ {2}readonly (\w+)\??: ([^;]+);$/gm)].map(
  ([, name, type]) => ({
    name: name ?? "",
    isText: !/Namespace|Database|RateLimit/.test(type ?? ""),
  }),
);
const texts = bindings.filter((one) => one.isText).map((one) => one.name);
const objects = bindings.filter((one) => !one.isText).map((one) => one.name);
const SECRETS: readonly string[] = ["PSEUDONYM_KEY", "LOGIN_KEY", "LOGIN_CLIENT_SECRET"];
const ENVIRONMENTS = ["eu", "us", "local"] as const;

/** What is looked at here of wrangler's reading; its own types come from a package that is not published. */
interface Deployed {
  readonly vars: Readonly<Record<string, unknown>>;
  readonly durable_objects: { readonly bindings: readonly { readonly name: string }[] };
  readonly d1_databases: readonly { readonly binding: string }[];
  readonly ratelimits: readonly {
    readonly name: string;
    readonly namespace_id: string;
    readonly simple: { readonly limit: number; readonly period: number };
  }[];
}

function configOf(environment: string): Deployed {
  return unstable_readConfig({ config: `${ROOT}/wrangler.toml`, env: environment }, { hideWarnings: true });
}

describe("docs/deploy.md", () => {
  const variables = firstColumn(sectionOf(page, "## 3. Variables")).filter((name) => /^[A-Z_]+$/.test(name));
  const secrets = firstColumn(sectionOf(page, "## 5. Secrets")).filter((name) => /^[A-Z_]+…?$/.test(name));

  test("has each variable and secret of workers/env.ts in its tables, and no other", () => {
    expect(texts.length).toBeGreaterThan(5);
    expect([...variables].sort()).toEqual(texts.filter((name) => !SECRETS.includes(name)).sort());
    expect([...secrets].sort()).toEqual([...SECRETS, "UPSTREAM_…", "NOTIFY_…"].sort());
  });

  test("names each binding that is no text", () => {
    expect(objects).toEqual(["SESSION", "REGISTRY", "PERIMETER", "CONTROL", "DB", "API_LIMIT", "SEARCH"]);
    for (const name of objects) expect(page).toContain(`\`${name}\``);
  });

  test("shows issuers and a policy that the gateway accepts", () => {
    const [issuers = "", policy = ""] = blocksOf(page, "json");
    expect(parseIssuers(issuers, false)).toMatchObject({ ok: true });
    const parsed = parsePolicy(policy, "0".repeat(64) as Digest);
    expect(parsed).toMatchObject({ ok: true });
    expect(parsed.ok && parsed.value.connections.size).toBe(1);
    const config = {
      hosts: new Set(["eu.tools.example.com"]),
      hostForm: null,
      console: null,
      allowInsecureHttp: false,
    };
    expect(parsed.ok && checkAgainstConfig(parsed.value, config)).toEqual([]);
    const looping = parsePolicy(policy.replace("npm.example.net", "eu.tools.example.com"), "0".repeat(64) as Digest);
    expect(looping.ok && checkAgainstConfig(looping.value, config).map(({ path }) => path)).toEqual([
      "connections.registry.upstream",
    ]);
    const insecure = parsePolicy(policy.replace("https://npm", "http://npm"), "0".repeat(64) as Digest);
    expect(insecure.ok && checkAgainstConfig(insecure.value, config)).toHaveLength(1);
  });

  test("has a row for each member of an issuer", () => {
    const members = [...textOf("core/auth/issuer.ts").matchAll(/^ {2}readonly (\w+): /gm)].map(([, name]) => name);
    expect(firstColumn(sectionOf(page, "## 3. Variables")).filter((name) => /^[a-z_]+$/.test(name))).toEqual(members);
  });
});

/** `npx wrangler <words> <flags>` as the page's commands and sentences have it. */
function wranglerCalls(text: string): readonly { readonly words: string[]; readonly flags: string[] }[] {
  return [...text.matchAll(/npx wrangler ([^`\n#|]+)/g)].map(([, call = ""]) => {
    const parts = call.trim().split(/\s+/);
    return {
      words: parts.filter((part) => !part.startsWith("-")),
      flags: parts.filter((part) => part.startsWith("--")).map((part) => part.slice(2)),
    };
  });
}

test.each(["README.md", "docs/deploy.md", "docs/keys.md", "docs/storage_schema.md"])(
  "the wrangler that is installed has each command and flag that %s names",
  (path) => {
    const { registry, globalFlags } = experimental_getWranglerCommands();
    for (const { words, flags } of wranglerCalls(textOf(path))) {
      let node = registry;
      for (const word of words) {
        const below: typeof node | undefined = node.subtree.get(word);
        if (below === undefined) break;
        node = below;
      }
      const { definition } = node;
      expect(definition?.type, words.join(" ")).toBe("command");
      const args = definition !== undefined && "args" in definition ? Object.keys(definition.args ?? {}) : [];
      for (const flag of flags) expect([...args, ...Object.keys(globalFlags)], words.join(" ")).toContain(flag);
    }
  },
);

describe("wrangler.toml", () => {
  test.each(ENVIRONMENTS)("binds for %s what workers/env.ts expects, and no unknown variable", (environment) => {
    const config = configOf(environment);
    const bound: string[] = [
      ...config.durable_objects.bindings.map((one) => one.name),
      ...config.d1_databases.map((one) => one.binding),
      ...config.ratelimits.map((one) => one.name),
    ];
    expect(bound.sort()).toEqual([...objects].sort());
    for (const name of Object.keys(config.vars)) expect(texts).toContain(name);
    expect(Object.keys(config.vars).filter((name) => SECRETS.includes(name))).toEqual([]);
    expect(config).toMatchObject({ workers_dev: false, preview_urls: false, observability: { enabled: false } });
  });

  test("counts each Worker's calls of the API by itself, and tells callers what it is set to", () => {
    const limits = ENVIRONMENTS.map((name) => configOf(name).ratelimits[0]);
    expect(new Set(limits.map((one) => one?.namespace_id)).size).toBe(ENVIRONMENTS.length);
    for (const [index, name] of ENVIRONMENTS.entries()) {
      const { limit, period } = limits[index]?.simple ?? {};
      expect(configOf(name).vars.API_RATE).toBe(`${limit}/${period}`);
    }
  });

  test("has the same keys for eu and us, in the same order", () => {
    expect(keysOf("eu").length).toBeGreaterThan(20);
    expect(keysOf("us")).toEqual(keysOf("eu"));
  });

  test.each(["eu", "us"])("has variables for %s that the gateway accepts", (name) => {
    const { vars } = configOf(name);
    const key = (): string => randomBytes(32).toString("base64");
    const env = { ...vars, PSEUDONYM_KEY: key(), LOGIN_KEY: key() } as unknown as Env;
    expect(readConfig(env)).toMatchObject({
      ok: true,
      value: { region: name, allowInsecureHttp: false },
    });
    expect(vars.JURISDICTION).toBe(name);
  });
});

/** Headings and keys of an environment's part, without its name and values. */
function keysOf(environment: string): readonly string[] {
  const keys: string[] = [];
  let isInside = false;
  for (const line of textOf("wrangler.toml").split("\n")) {
    const heading = /^(\[+)env\.(\w+)(.*)$/.exec(line);
    if (heading !== null) {
      isInside = heading[2] === environment;
      if (isInside) keys.push(`${heading[1] ?? ""}${heading[3] ?? ""}`);
    } else if (isInside && /^\w+ = /.test(line)) {
      keys.push(line.split(" = ", 1)[0] ?? "");
    }
  }
  return keys;
}
