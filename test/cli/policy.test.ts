// `sallyport policy …` without a gateway: files in, sentences and exit codes out.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rule } from "../core/policy/sample_policy.ts";
import { type CliOptions, type CliRan, runCli } from "../support/cli.ts";
import { isSafe } from "../support/safe_text.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-policy-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (args: readonly string[], options: Partial<CliOptions> = {}): Promise<CliRan> =>
  runCli(args, { home: folder, ...options });

let files = 0;
function file(content: unknown): string {
  const path = join(folder, `${(files += 1)}.yaml`);
  writeFileSync(path, typeof content === "string" ? content : `${JSON.stringify(content, null, 2)}\n`);
  return path;
}

const RULE = rule();

function policy(rules: readonly object[] = [RULE], parts: object = {}): object {
  return {
    version: 1,
    roles: { engineer: { groups: ["engineers"] }, lead: { groups: ["leads"] } },
    connections: { registry: { protocol: "http", upstream: "https://registry.example", region: "eu" } },
    rules,
    ...parts,
  };
}

const LEADS = { ...RULE, id: "publish", who: { roles: ["lead"] }, methods: ["PUT"] };
const NO_USERS = {
  ...RULE,
  id: "no-users",
  effect: "deny",
  who: { groups: ["leads"] },
  methods: ["*"],
  routes: ["/-/**"],
};
const GOOD = policy([RULE, LEADS, NO_USERS]);

describe("policy check", () => {
  it("says ok of a policy, with what is in it, from a file, from standard input and by its usual name", async () => {
    const text = JSON.stringify(GOOD);
    const home = join(folder, "home");
    mkdirSync(home);
    writeFileSync(join(home, "sallyport.yaml"), text);
    const ran = [
      await run(["policy", "check", "-f", file(GOOD)]),
      await run(["policy", "check", "-f", "-"], { input: text }),
      await run(["policy", "check"], { home }),
    ];
    for (const { code, out, err } of ran) {
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).toMatch(/: ok \(3 rules, 1 connection, 2 roles, 0 examples\)\n$/);
    }
    expect(ran[1]?.out).toMatch(/^<stdin>: /);
  });

  it("names a problem as compilers do, with the line and a caret, and ends with 1", async () => {
    const path = file(policy([{ ...RULE, methods: ["get"] }]));
    const { code, out } = await run(["policy", "check", "-f", path]);
    expect(code).toBe(1);
    const [head = "", source = "", caret = ""] = out.split("\n");
    expect(head).toMatch(/\.yaml:\d+:\d+: error: expected an HTTP method .*\[rules\[0\]\.methods\[0\]\]$/);
    const [, line = "", column = ""] = /:(\d+):(\d+): error/.exec(head) ?? [];
    expect(source.startsWith(`${line.padStart(5)} | `)).toBe(true);
    expect(caret.indexOf("^")).toBe("      | ".length - 1 + Number(column));
    expect(out).toMatch(/1 problem, it cannot be applied\n$/);
  });

  it("warns, which ends with 1 only if warnings are to count", async () => {
    const path = file(policy([RULE, { ...RULE, id: "late", routes: ["/a"] }, LEADS]));
    const usual = await run(["policy", "check", "-f", path]);
    expect(usual.code).toBe(0);
    expect(usual.out).toMatch(/: warning: late never decides: read \(line \d+\) .*\[rule_unreachable\]\n/);
    expect(usual.out).toContain("= Remove late, or narrow read.");
    expect((await run(["policy", "check", "--strict", "-f", path])).code).toBe(1);
  });

  it("gives JSON on request", async () => {
    const good = await run(["policy", "check", "--json", "-f", file(GOOD)]);
    expect(JSON.parse(good.out)).toMatchObject({ ok: true, problems: [], warnings: [] });
    const bad = await run(["policy", "check", "--json", "-f", file({ version: 2 })]);
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.out)).toMatchObject({ ok: false, problems: [{ path: "version", line: 2 }] });
  });

  it("never prints a line in which a secret may stand", async () => {
    const credential = { as: "basic", secret: "hunter2-hunter2" };
    const connections = {
      registry: { protocol: "http", upstream: "https://registry.example", region: "eu", credential },
    };
    const upstream = { ...connections.registry, upstream: "https://user:hunter2-hunter2@registry.example" };
    for (const one of [connections, { registry: upstream }]) {
      const ran = await run(["policy", "check", "-f", file(policy([], { connections: one }))]);
      expect(ran.code).toBe(1);
      expect(ran.out + ran.err).not.toContain("hunter2");
    }
  });

  it("says what to do about a file that is not there, no text, or a folder", async () => {
    const bytes = join(folder, "bytes");
    writeFileSync(bytes, Uint8Array.of(0xff, 0xfe));
    const cases: [string[], string][] = [
      [["-f", join(folder, "missing.yaml")], "there is no file"],
      [["-f", folder], "is a folder"],
      [["-f", bytes], "is not UTF-8"],
      [[], "there is no sallyport.yaml in this folder"],
    ];
    for (const [args, text] of cases) {
      const ran = await run(["policy", "check", ...args]);
      expect(ran).toMatchObject({ code: 2, out: "" });
      expect(ran.err).toContain(text);
    }
  });
});

describe("policy explain", () => {
  const ask = (...args: string[]) => run(["policy", "explain", "-f", file(GOOD), "--on", "registry", ...args]);

  it("says what is decided, by which rule and line, and what would be without it", async () => {
    const { code, out } = await ask("--as", "bob", "--group", "leads", "PUT", "/-/x");
    expect(code).toBe(0);
    expect(out).toMatch(/^denied by rule no-users \(line \d+\): the rule denies it\n/);
    expect(out).toMatch(/\n {2}without no-users: allow by publish \(line \d+\)\n/);
    expect(out).toMatch(/\n {2}▶ no-users +line \d+ +deny +decides\n/);
    expect(out).toMatch(/\n {2}· publish +line \d+ +allow +would decide if no rule before it did\n/);
    expect(out).toContain("and 1 rule about other connections, methods or routes (--all)");
  });

  it("says why a rule does not fit: people, method, route", async () => {
    const { out } = await ask("--as", "bob", "--group", "engineers", "--all", "PUT", "/a");
    expect(out).toMatch(/^denied by default: no rule allows it\n/);
    expect(out).toMatch(/no-users .*for another route: \/-\/\*\*/);
    expect(out).toMatch(/read .*for another method: GET/);
    expect(out).toMatch(/publish .*for other people: role lead/);
  });

  it("refuses a path that the gateway refuses, and options that cannot be", async () => {
    expect((await ask("--as", "bob", "GET", "/a/../b")).out).toBe("refused before any rule is asked: target_climbs\n");
    expect(await ask("--as", "bob", "--header", "nothing", "GET", "/")).toMatchObject({ code: 2 });
    expect(await ask("--as", "bob", "--time", "soon", "GET", "/")).toMatchObject({ code: 2 });
    expect(await ask("GET", "/")).toMatchObject({ code: 2 });
  });

  it("gives JSON on request", async () => {
    const { out } = await ask("--as", "eve", "--group", "engineers", "--json", "GET", "/a?b=1");
    expect(JSON.parse(out)).toMatchObject({
      kind: "decided",
      decision: { effect: "allow", rule: "read" },
      roles: ["engineer"],
      asked: { path: "/a", query: "b=1" },
      trail: [{ rule: "no-users", outcome: { kind: "other_route" } }, { rule: "read" }, { rule: "publish" }],
    });
  });
});

describe("policy who", () => {
  it("names who may, and who is denied", async () => {
    const { code, out } = await run(["policy", "who", "-f", file(GOOD), "--on", "registry", "PUT", "/a"]);
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(
        /^allow\n {2}role lead {2}by publish \(line \d+\)\neverybody else: denied, no rule allows it\n$/,
      ),
    ]);
  });
});

describe("policy diff", () => {
  it("shows what changes by line and by meaning, and ends as diff(1) does", async () => {
    const [before, after] = [file(GOOD), file(policy([RULE, { ...LEADS, methods: ["PUT", "DELETE"] }]))];
    const ran = await run(["policy", "diff", "--against", before, after]);
    expect(ran).toMatchObject({ code: 1, err: "" });
    expect(ran.out).toMatch(/^--- .*\n\+\+\+ .*\n@@ /);
    expect(ran.out).toMatch(/\nrules\n {2}- no-users\n {2}~ publish\n {6}methods +\+ DELETE\n$/);
    expect(await run(["policy", "diff", "--against", before, before])).toMatchObject({ code: 0 });
  });

  it("needs a gateway, or a file, to compare with", async () => {
    const ran = await run(["policy", "diff", file(GOOD)]);
    expect(ran).toMatchObject({ code: 2, out: "" });
    expect(ran.err).toContain("SALLYPORT_GATEWAY");
    expect((await run(["policy", "diff", "--against", "nothing", file(GOOD)])).err).toContain("no file nothing");
  });
});

describe("what is printed of a policy", () => {
  const EVIL = "\u001b[2J\u009b31m\u0007\u202egnp.\u200b\u2028";

  it("holds no control, escape or direction change, in any command, as text and as JSON", async () => {
    const path = file(
      policy([{ ...RULE, who: { groups: [EVIL] } }], { roles: { r: { subjects: [{ issuer: EVIL, subject: EVIL }] } } }),
    );
    const bad = file(`{"version": 1, "${EVIL}": "${EVIL}"}`);
    const commands = [
      ["check", "-f", path],
      ["check", "-f", bad],
      ["explain", "-f", path, "--as", EVIL, "--group", EVIL, "--issuer", EVIL, "--on", "registry", "GET", "/a"],
      ["explain", "-f", path, "--as", EVIL, "--on", EVIL, "GET", EVIL],
      ["who", "-f", path, "--on", "registry", "GET", "/a"],
      ["diff", "--against", file(GOOD), path],
      ["diff", "--against", EVIL, path],
    ];
    for (const command of commands)
      for (const more of [[], ["--json"]]) {
        const ran = await run(["policy", ...command, ...more], { env: { FORCE_COLOR: "1" } });
        expect([command[0], isSafe(ran.out), isSafe(ran.err)]).toEqual([command[0], true, true]);
        expect(ran.out + ran.err).not.toBe("");
      }
  });
});
