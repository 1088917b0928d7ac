// A login provider, or a gateway, that lies: no token is kept, none is sent where it does not belong,
// and the terminal is not moved.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { loginUrl, runCli, startCli, type CliRan } from "../support/cli.ts";
import { type HostileProvider, type Lies, startHostileProvider } from "../support/hostile_provider.ts";

let folder = "";
let provider: HostileProvider;
let other: HostileProvider;
let homes = 0;
let home = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-hostile-"));
  provider = await startHostileProvider();
  other = await startHostileProvider();
});
afterAll(async () => {
  await provider?.stop();
  await other?.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  home = join(folder, `home-${homes++}`);
  for (const one of [provider, other]) {
    one.lies = {};
    one.asked.length = 0;
    one.forms.length = 0;
  }
});

/** Nothing moves a terminal but line ends and colour, of which there is none here. */
const isPlain = ({ out, err }: CliRan): boolean =>
  !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test((out + err).replaceAll("\n", ""));
const isKept = (): boolean => existsSync(join(home, ".config/sallyport/tokens"));

/** Logs in by a browser that comes back with what `answer` says beside the right state. */
async function withBrowser(lies: Lies, answer: Readonly<Record<string, string>> = {}): Promise<CliRan> {
  provider.lies = lies;
  const cli = startCli(["login", provider.url, "--no-browser"], { home });
  const url = await loginUrl(cli);
  const parameters = new URLSearchParams({
    state: url.searchParams.get("state") ?? "",
    code: `nonce:${url.searchParams.get("nonce") ?? ""}`,
    iss: provider.url,
    ...answer,
  });
  await (await fetch(`${url.searchParams.get("redirect_uri") ?? ""}?${parameters.toString()}`)).text();
  return cli.ended;
}

/** Ends before anybody is asked to log in. */
async function early(lies: Lies, more: readonly string[] = ["--no-browser"]): Promise<CliRan> {
  provider.lies = lies;
  return runCli(["login", provider.url, ...more], { home });
}

describe("a browser's answer", () => {
  test("logs in if everything in it is right", async () => {
    const ran = await withBrowser({});
    expect([ran.code, ran.out.includes("as alice"), isKept()]).toEqual([0, true, true]);
  });

  test.each<[string, Lies, Record<string, string>]>([
    ["of another issuer (mix-up)", {}, { iss: "https://evil.example" }],
    ["with another nonce", { idToken: { nonce: "other" } }, {}],
    ["without a nonce", { idToken: { nonce: undefined } }, {}],
    ["with an ID token of another issuer", { idToken: { iss: "https://evil.example" } }, {}],
    ["with an ID token for another client", { idToken: { aud: "other" } }, {}],
    ["with an ID token that has ended", { idToken: { exp: 1 } }, {}],
    ["with an ID token that nobody signed whom the provider knows", { isForged: true }, {}],
    ["without an ID token", { token: { id_token: undefined } }, {}],
    ["with a token that is no bearer token", { token: { access_token: "a\r\nx: y" } }, {}],
    [
      "with an error that moves the terminal",
      {},
      { error: "no\u001b[2J", error_description: "\u202egnp\u001b]0;x\u0007" },
    ],
  ])("%s is refused, and nothing is kept", async (_, lies, answer) => {
    const ran = await withBrowser(lies, answer);
    expect([ran.code, ran.out, isKept(), isPlain(ran)]).toEqual([5, "", false, true]);
  });

  test("that lacks the issuer is refused where the provider says that it names itself (RFC 9207)", async () => {
    provider.lies = {};
    const cli = startCli(["login", provider.url, "--no-browser"], { home });
    const url = await loginUrl(cli);
    const parameters = new URLSearchParams({ state: url.searchParams.get("state") ?? "", code: "x" });
    await (await fetch(`${url.searchParams.get("redirect_uri") ?? ""}?${parameters.toString()}`)).text();
    expect([(await cli.ended).code, provider.forms]).toEqual([5, []]);
  });
});

describe("before a login", () => {
  test.each<[string, () => Lies, string]>([
    ["a provider that calls itself by another name", () => ({ discovery: { issuer: other.url } }), "cannot be trusted"],
    ["a gateway that speaks for another", () => ({ metadata: { resource: other.url } }), "calls itself"],
    [
      "an issuer elsewhere without TLS",
      () => ({ metadata: { authorization_servers: ["http://login.example"] } }),
      "neither https",
    ],
    ["an issuer that is no URL", () => ({ metadata: { authorization_servers: ["\u001b[2J"] } }), "neither https"],
    [
      "a login page elsewhere without TLS",
      () => ({ discovery: { authorization_endpoint: "http://login.example/" } }),
      "a page",
    ],
    ["a login page that is a script", () => ({ discovery: { authorization_endpoint: "javascript:alert(1)" } }), ""],
    [
      "metadata of 10 MB",
      () => ({ answer: huge("/.well-known/oauth-protected-resource") }),
      "does not say where to log in",
    ],
    ["a discovery document of 10 MB", () => ({ answer: huge("/.well-known/openid-configuration") }), ""],
    [
      "metadata that is no JSON",
      () => ({ answer: plain("/.well-known/oauth-protected-resource") }),
      "does not say where",
    ],
    ["a redirect elsewhere", () => ({ answer: redirect("/.well-known/openid-configuration") }), "cannot be trusted"],
  ])("%s is refused, and nobody is asked to log in", async (_, lies, said) => {
    const ran = await early(lies());
    expect([3, 5]).toContain(ran.code);
    expect([ran.err.includes(said), ran.err.includes("Open in a browser"), isKept(), isPlain(ran)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect(other.asked).toEqual([]);
  });

  test("an issuer that the gateway does not name is not asked", async () => {
    const ran = await early({}, ["--no-browser", "--issuer", other.url]);
    expect([ran.code, ran.err.includes("takes no logins of"), other.asked]).toEqual([5, true, []]);
  });

  test("a gateway that names another provider than at the last login is refused until one is chosen", async () => {
    await withBrowser({});
    const ran = await early({ metadata: { authorization_servers: [other.url] } });
    expect([ran.code, ran.err.includes("takes no logins of"), other.asked]).toEqual([5, true, []]);
  });
});

function huge(path: string): NonNullable<Lies["answer"]> {
  return (asked, response) => {
    if (asked !== path) return false;
    response.on("error", () => undefined).writeHead(200, { "content-type": "application/json" });
    response.end(`{"x":"${"a".repeat(10_000_000)}"}`);
    return true;
  };
}

function plain(path: string): NonNullable<Lies["answer"]> {
  return (asked, response) => (asked === path ? (response.end("<html>\u001b[2J"), true) : false);
}

function redirect(path: string): NonNullable<Lies["answer"]> {
  return (asked, response) =>
    asked === path ? (response.writeHead(302, { location: `${other.url}${path}` }).end(), true) : false;
}

describe("another device", () => {
  test.each([
    ["that is a script", "javascript:alert(1)"],
    ["that is a file", "file:///etc/passwd"],
    ["elsewhere without TLS", "http://login.example/device"],
    ["with a name and password in it", "https://good.example@evil.example/"],
  ])("is sent to no page %s", async (_, uri) => {
    const ran = await early({ device: { verification_uri: uri } }, ["--device"]);
    expect([ran.code, ran.err.includes(uri), provider.forms, isPlain(ran)]).toEqual([5, false, [], true]);
  });

  test("is shown a page and a code that move no terminal, and no second page of another site", async () => {
    const ran = await early(
      {
        device: {
          verification_uri: "https://login.example/\u001b[2J\u202e",
          verification_uri_complete: "https://evil.example/?c=1",
          user_code: "AB\u001b[2J\u202eCD",
        },
      },
      ["--device"],
    );
    expect([isPlain(ran), ran.err.includes("https://login.example/%1B[2J%E2%80%AE"), ran.err.includes("evil")]).toEqual(
      [true, true, false],
    );
    expect(ran.err).toContain("AB\\u{1b}[2J\\u{202e}CD");
  });

  test("is waited for more slowly when the provider says so, then logged in", async () => {
    const ran = await early({ pending: ["authorization_pending", "slow_down"] }, ["--device"]);
    expect([ran.code, provider.forms.length]).toEqual([0, 3]);
    expect(provider.forms.map((form) => form.get("resource"))).toEqual(Array(3).fill(provider.url));
  });

  test.each([
    [{ pending: ["access_denied"] }, "declined"],
    [{ pending: ["expired_token"] }, "in time"],
    [{ device: { expires_in: 1, interval: 600 } }, "in time"],
  ])("that says no, or nothing, ends the login: %j", async (lies: Lies, said) => {
    const ran = await early(lies, ["--device"]);
    expect([ran.code, ran.err.includes(said), isKept()]).toEqual([5, true, false]);
  });
});
