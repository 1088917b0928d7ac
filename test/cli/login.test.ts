// Real logins: the real command, the real provider of `npm start`, the real gateway.

import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  chmodSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { walk } from "../../local/login.ts";
import { PEOPLE } from "../../local/oidc_people.ts";
import { type RunningProvider, startProvider } from "../../local/oidc_provider.ts";
import { type CliRan, followLogin, logIn, loginUrl, runCli, startCli } from "../support/cli.ts";
import { enterCode } from "../support/device_login.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { freePort, startGateway, type TestGateway, testPolicy } from "../support/gateway.ts";

/** Shorter than how early a token is renewed, so that each use of the short provider's renews. */
const SHORT_S = 20;
let folder = "";
let upstream: EchoUpstream;
let provider: RunningProvider;
let short: RunningProvider;
let gateway: TestGateway;
let homes = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-login-"));
  upstream = await startEchoUpstream();
  const port = await freePort();
  const resources = [`http://127.0.0.1:${port}`];
  provider = await startProvider({ port: 0, people: PEOPLE, resources, state: null });
  short = await startProvider({ port: 0, people: PEOPLE, resources, state: null, lifetime: SHORT_S });
  gateway = await startGateway({
    port,
    policy: testPolicy({ demo: upstream.url }),
    issuers: [provider, short].map(({ issuer }) => ({
      issuer,
      audiences: resources,
      token_types: ["at+jwt"],
      algorithms: ["ES256"],
    })),
  });
});
afterAll(async () => {
  await gateway?.stop();
  await provider?.stop();
  await short?.stop();
  await upstream?.stop();
  rmSync(folder, { recursive: true });
});

const newHome = (): string => join(folder, `home-${homes++}`);
const tokenFile = (home: string): string => {
  const [name = ""] = readdirSync(join(home, ".config/sallyport/tokens"));
  return join(home, ".config/sallyport/tokens", name);
};
const stored = (home: string): Record<string, unknown> =>
  JSON.parse(readFileSync(tokenFile(home), "utf8")) as Record<string, unknown>;
const ended = (ran: CliRan): [number | null, string] => [ran.code, ran.err];

describe("with a browser", () => {
  test("logs in, keeps the tokens for oneself, and is then somebody to the gateway", async () => {
    const home = newHome();
    const ran = await logIn(gateway.url, "alice", { home });
    expect(ended(ran)[0]).toBe(0);
    expect(ran.out).toContain(`logged in at ${gateway.url} as alice (Alice Archer)`);
    expect(statSync(tokenFile(home)).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, ".config/sallyport/tokens")).mode & 0o777).toBe(0o700);
    const { access_token: access, refresh_token: refresh } = stored(home);
    for (const secret of [access, refresh]) expect(ran.out + ran.err).not.toContain(secret);
    expect((await runCli(["whoami", "--json"], { home })).out).toContain('"subject":"alice"');
    expect((await runCli(["token"], { home })).out).toBe(`${String(access)}\n`);
    expect((await runCli(["token", "--header"], { home })).out).toBe(`Authorization: Bearer ${String(access)}\n`);
  });

  test("opens the browser that there is", async () => {
    const home = newHome();
    const bin = mkdtempSync(join(folder, "bin-"));
    writeFileSync(
      join(bin, "xdg-open"),
      `#!/bin/sh\necho "$1" >"${bin}/opened.part" && mv "${bin}/opened.part" "${bin}/opened"\n`,
    );
    chmodSync(join(bin, "xdg-open"), 0o755);
    const env = { PATH: `${bin}:${process.env.PATH ?? ""}`, DISPLAY: ":0" };
    const cli = startCli(["login", gateway.url], { home, env });
    const url = await loginUrl(cli);
    while (!existsSync(join(bin, "opened"))) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(readFileSync(join(bin, "opened"), "utf8").trim()).toBe(url.href);
    await (await followLogin(cli, "bob")).text();
    expect((await cli.ended).out).toContain("as bob");
  });

  test("asks with PKCE, state, nonce and the gateway's name, at a loopback port of its own", async () => {
    const cli = startCli(["login", gateway.url, "--no-browser", "--scope", "openid email"], { home: newHome() });
    const { searchParams: asked } = await loginUrl(cli);
    cli.signal("SIGINT");
    expect(Object.fromEntries(asked)).toMatchObject({
      response_type: "code",
      code_challenge_method: "S256",
      resource: gateway.url,
      scope: "openid email",
      client_id: "sallyport-cli",
    });
    for (const name of ["state", "nonce", "code_challenge"]) expect(asked.get(name)?.length).toBeGreaterThan(40);
    expect(asked.get("redirect_uri")).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    expect((await cli.ended).code).toBe(130);
  });

  test("turns away an answer to another login, and takes its own once", async () => {
    const cli = startCli(["login", gateway.url, "--no-browser"], { home: newHome() });
    const url = await loginUrl(cli);
    const redirect = url.searchParams.get("redirect_uri") ?? "";
    const state = url.searchParams.get("state") ?? "";
    const at = (path: string, init?: RequestInit): Promise<number> =>
      fetch(path, init).then(async (answer) => (await answer.text(), answer.status));
    expect(await at(`${redirect}?code=stolen&state=other`)).toBe(400);
    expect(await at(`${redirect}?code=stolen`)).toBe(400);
    expect(await at(`${redirect}?code=stolen&state=${state}&state=other`)).toBe(400);
    expect(await at(`${redirect}?code=stolen&state=${state}`, { method: "POST" })).toBe(404);
    expect(await at(`${redirect.replace("127.0.0.1", "localhost")}?code=stolen&state=${state}`)).not.toBe(200);
    const answer = await walk(url, "alice", redirect);
    expect(await at(`${redirect}?${answer.toString()}`)).toBe(200);
    const ran = await cli.ended;
    expect([ran.code, ran.err.includes("turned away")]).toEqual([0, true]);
    await expect(fetch(`${redirect}?${answer.toString()}`)).rejects.toThrow();
  });

  test("says that the login was declined, and keeps nothing", async () => {
    const home = newHome();
    const cli = startCli(["login", gateway.url, "--no-browser"], { home });
    const url = await loginUrl(cli);
    const answer = new URLSearchParams({
      error: "access_denied",
      state: url.searchParams.get("state") ?? "",
      iss: provider.issuer,
    });
    await fetch(`${url.searchParams.get("redirect_uri") ?? ""}?${answer.toString()}`);
    expect(ended(await cli.ended)).toEqual([5, expect.stringContaining("the login was declined")]);
    expect(existsSync(join(home, ".config/sallyport"))).toBe(false);
  });
});

describe("with another device", () => {
  test("shows a code, waits until it is entered, and is logged in", async () => {
    const home = newHome();
    // No display: so it is the default.
    const cli = startCli(["login", gateway.url], { home });
    const [, page = ""] = (await cli.says(/open {3}(\S+)/)) ?? [];
    const [, code = ""] = (await cli.says(/enter the code {4}(\S+)/)) ?? [];
    expect(page).toBe(`${provider.issuer}/device`);
    expect(await enterCode(page, code, "carol")).toContain("Your device is logged in");
    const ran = await cli.ended;
    expect([ran.code, ran.out]).toEqual([0, expect.stringContaining("as carol (Carol Castillo)")]);
    expect(stored(home).refresh_token).not.toBeNull();
  });
});

describe("a login that ends", () => {
  const loginShort = (home: string, subject = "alice"): Promise<CliRan> =>
    logIn(gateway.url, subject, { home }, ["--issuer", short.issuer]);

  test("is renewed before its end, by one process of many", async () => {
    const home = newHome();
    await logIn(gateway.url, "alice", { home }, ["--issuer", provider.issuer]);
    const before = stored(home);
    writeFileSync(tokenFile(home), JSON.stringify({ ...before, expires: Math.floor(Date.now() / 1000) + 5 }));
    let renewals = 0;
    provider.server.on("request", ({ url }) => url === "/token" && (renewals += 1));
    const all = await Promise.all([...Array(5).keys()].map(() => runCli(["whoami", "--json"], { home })));
    expect(all.map(ended)).toEqual(all.map(() => [0, ""]));
    expect(renewals).toBe(1);
    expect(stored(home).access_token).not.toBe(before.access_token);
    expect(stored(home).refresh_token).not.toBe(before.refresh_token);
    expect(readdirSync(join(home, ".config/sallyport/tokens"))).toHaveLength(1);
  });

  test("is renewed again and again", async () => {
    const home = newHome();
    await loginShort(home);
    // The provider lets a refresh token be used once, and ends the login if it comes twice.
    for (let round = 0; round < 3; round++) expect(ended(await runCli(["whoami"], { home }))).toEqual([0, ""]);
  });

  test("is taken over from a process that died while it renewed", async () => {
    const home = newHome();
    await loginShort(home);
    writeFileSync(`${tokenFile(home)}.lock`, "999999999 1 gone");
    expect(ended(await runCli(["whoami"], { home }))).toEqual([0, ""]);
  });

  test("says how to log in again once it cannot be renewed", async () => {
    const home = newHome();
    await loginShort(home);
    const path = tokenFile(home);
    writeFileSync(path, JSON.stringify({ ...stored(home), expires: 1, refresh_token: "unknown" }));
    const ran = await runCli(["whoami"], { home });
    expect(ended(ran)).toEqual([5, expect.stringContaining(`sallyport login ${gateway.url}`)]);
  });

  test("is revoked at the provider and removed here by logout", async () => {
    const home = newHome();
    await loginShort(home);
    const before = readFileSync(tokenFile(home), "utf8");
    const path = tokenFile(home);
    const ran = await runCli(["logout"], { home });
    expect([ran.code, ran.out]).toEqual([0, expect.stringContaining("its refresh token is revoked")]);
    expect(existsSync(path)).toBe(false);
    expect(ended(await runCli(["whoami"], { home }))).toEqual([5, expect.stringContaining("not logged in")]);
    writeFileSync(path, before.replace(/"expires": \d+/, '"expires": 1'), { mode: 0o600 });
    expect((await runCli(["whoami"], { home })).code).toBe(5);
  });
});

describe("a token's file", () => {
  test.each([
    ["that others can read", (path: string) => chmodSync(path, 0o644), "chmod 600"],
    ["in a folder that others can write to", (path: string) => chmodSync(join(path, ".."), 0o770), "chmod 700"],
    ["with something else in it", (path: string) => writeFileSync(path, "{}"), "not what this program writes"],
  ])("%s is refused", async (_, spoil, said) => {
    const home = newHome();
    await logIn(gateway.url, "alice", { home });
    spoil(tokenFile(home));
    expect(ended(await runCli(["whoami"], { home }))).toEqual([3, expect.stringContaining(said)]);
  });

  test("goes to no other gateway than the one it is for", async () => {
    const home = newHome();
    await logIn(gateway.url, "alice", { home });
    const other = ["whoami", "--gateway", `http://localhost:${gateway.port}`];
    expect(ended(await runCli(other, { home }))).toEqual([
      5,
      expect.stringContaining("not logged in at http://localhost"),
    ]);
    const config = join(home, ".config/sallyport/config.json");
    writeFileSync(config, readFileSync(config, "utf8").replace(gateway.url, `http://localhost:${gateway.port}`));
    expect(ended(await runCli(["whoami"], { home }))).toEqual([5, expect.stringContaining("for another gateway")]);
  });
});

describe("contexts", () => {
  test("are added, chosen, shown and removed; the environment wins over the current one, a named one over both", async () => {
    const home = newHome();
    const json = async (args: string[], env = {}): Promise<unknown> =>
      JSON.parse((await runCli([...args, "--json"], { home, env })).out) as unknown;
    await logIn(gateway.url, "alice", { home }, ["--context", "first"]);
    expect((await runCli(["context", "add", `http://localhost:${gateway.port}`, "second"], { home })).code).toBe(0);
    expect(await json(["context", "list"])).toMatchObject([
      { name: "first", gateway: gateway.url, current: true, login: "logged in" },
      { name: "second", current: false, login: "not logged in" },
    ]);
    const token = await gateway.token("bob");
    const subject = async (args: string[], env = {}): Promise<unknown> =>
      ((await json(["whoami", ...args], env)) as { principal: { subject: string } }).principal.subject;
    expect(await subject([])).toBe("alice");
    expect(await subject([], { SALLYPORT_TOKEN: token })).toBe("bob");
    expect(await subject(["--context", "first"], { SALLYPORT_TOKEN: token })).toBe("alice");
    await runCli(["context", "use", "second"], { home });
    expect((await runCli(["whoami"], { home })).code).toBe(5);
    expect(await subject(["--context", "first"])).toBe("alice");
    expect((await runCli(["context", "remove", "second"], { home })).code).toBe(0);
    expect(await json(["context", "list"])).toMatchObject([{ name: "first" }]);
    expect(ended(await runCli(["context", "use", "second"], { home }))).toEqual([
      2,
      expect.stringContaining("no context second"),
    ]);
    expect((await runCli(["context", "add", "https://x.example", "../evil"], { home })).code).toBe(2);
  });
});
