// The command line against a running gateway: calling tools, and reading what was recorded of it.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliOptions, type CliRan, runCli, startCli } from "../support/cli.ts";
import { type EchoUpstream, startEchoUpstream } from "../support/echo_upstream.ts";
import { eventually, startGateway, type TestGateway, testPolicy } from "../support/gateway.ts";
import { listen, stopServer } from "../support/loopback.ts";

let folder = "";
let upstream: EchoUpstream;
let gateway: TestGateway;
let elsewhere: Server;
let elsewhereUrl = "";
/** Headers that the other server got. */
const heard: Record<string, unknown>[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-calling-"));
  upstream = await startEchoUpstream();
  elsewhere = createServer((request, response) => {
    heard.push(request.headers);
    response.end("elsewhere");
  });
  elsewhereUrl = await listen(elsewhere);
  gateway = await startGateway({ policy: testPolicy({ demo: upstream.url, other: upstream.url }) });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
  await stopServer(elsewhere);
  rmSync(folder, { recursive: true });
});

async function as(person: string): Promise<CliOptions & { readonly env: Record<string, string> }> {
  const env = { SALLYPORT_GATEWAY: gateway.url, SALLYPORT_TOKEN: await gateway.token(person) };
  return { home: join(folder, person), env };
}
const json = (ran: CliRan): unknown => JSON.parse(ran.out) as unknown;

describe("curl", () => {
  test("calls a tool as oneself, with curl's own options and exit code", async () => {
    const alice = await as("alice");
    const ran = await runCli(["curl", "-sS", "-X", "PUT", "-d", "@-", "demo/some/path?q=1"], {
      ...alice,
      input: "sent",
    });
    expect([ran.code, ran.err]).toEqual([0, ""]);
    expect(json(ran)).toMatchObject({ method: "PUT", url: "/some/path?q=1" });
    const after = await runCli(["curl", "demo/x", "--", "-sS", "-o", "out", "-w", "%{http_code}"], alice);
    expect([after.code, after.out]).toEqual([0, "200"]);
    expect(readFileSync(join(alice.home, "out"), "utf8")).toContain('"/x"');
    const failed = await runCli(["curl", "-sSf", "no-such-name/x"], alice);
    expect([failed.code, failed.err]).toEqual([22, expect.stringContaining("403")]);
  });

  test("shows its token to no other process, in arguments or environment", async () => {
    const { home, env } = await as("alice");
    const { SALLYPORT_TOKEN: token = "", ...rest } = env;
    const file = join(folder, "token");
    writeFileSync(file, token, { mode: 0o600 });
    let open = (): void => undefined;
    const reached = new Promise<void>((resolve) => {
      upstream.handlers.set("/held", (_, response) => {
        open = () => response.end("done");
        resolve();
      });
    });
    const cli = startCli(["curl", "--token-file", file, "-sS", "demo/held"], { home, env: rest });
    await reached;
    const children = readFileSync(`/proc/${cli.pid}/task/${cli.pid}/children`, "utf8").trim().split(" ");
    const seen = [String(cli.pid), ...children].map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8"));
    const environment = [String(cli.pid), ...children].map((pid) => readFileSync(`/proc/${pid}/environ`, "utf8"));
    open();
    expect(await cli.ended).toMatchObject({ code: 0, out: "done" });
    expect(seen.some((line) => line.startsWith("curl\0"))).toBe(true);
    expect([...seen, ...environment].filter((text) => text.includes(token))).toEqual([]);
  });

  test("leaves the token behind where an answer points elsewhere", async () => {
    upstream.handlers.set("/away", (_, response) => response.writeHead(302, { location: `${elsewhereUrl}/x` }).end());
    heard.length = 0;
    const ran = await runCli(["curl", "-sSL", "demo/away"], await as("alice"));
    expect(ran).toMatchObject({ code: 0, out: "elsewhere" });
    expect(heard).toHaveLength(1);
    expect(heard[0]).not.toHaveProperty("authorization");
  });

  test("sends nothing to a second URL, or to another gateway", async () => {
    heard.length = 0;
    for (const args of [
      ["-sS", elsewhereUrl, "demo/x"],
      ["-sS", "--url", elsewhereUrl, "demo/x"],
      [`${elsewhereUrl}/c/demo/x`],
      ["-sS", "--next", "demo/x"],
    ]) {
      const ran = await runCli(["curl", ...args], await as("alice"));
      expect([args, ran.code, ran.out]).toEqual([args, 2, ""]);
    }
    expect(heard).toEqual([]);
  });

  test("passes Ctrl-C on", async () => {
    const reached = new Promise<void>((resolve) =>
      upstream.handlers.set("/endless", (_, response) => (response.write("x"), resolve())),
    );
    const cli = startCli(["curl", "-sSN", "demo/endless"], await as("alice"));
    await reached;
    await cli.prints(/x/);
    cli.signal("SIGINT");
    expect((await cli.ended).code).toBe(130);
  });
});

describe("reading", () => {
  test("sessions are listed, narrowed and counted; a table for a person, JSON for a script", async () => {
    const carol = await as("carol");
    await runCli(["curl", "-sS", "other/one"], await as("bob"));
    const all = json(await runCli(["sessions", "--json"], carol)) as {
      connection: string;
      owner: { subject: string };
    }[];
    expect(new Set(all.map((one) => one.connection)).size).toBeGreaterThan(1);
    const bobs = json(
      await runCli(["sessions", "--json", "--subject", "bob", "--connection", "other", "--since", "1h"], carol),
    );
    expect(bobs).toMatchObject([{ connection: "other", owner: { subject: "bob" }, closed: null }]);
    const table = await runCli(["sessions", "--subject", "bob"], carol);
    expect(table.out.split("\n")[0]).toMatch(/^SESSION +OPENED +CONNECTION +WHO +STATE +RECORDS +WHY$/);
    const limited = await runCli(["sessions", "-n", "1"], carol);
    expect([limited.out.split("\n").length, limited.err]).toEqual([3, expect.stringContaining("there are more")]);
    expect((await runCli(["sessions", "--until", "1w"], carol)).err).toContain("no sessions found");
    for (const [args, said] of [
      [["--state", "ajar"], "open, closed"],
      [["--since", "yesterday"], "--since takes"],
      [["--connection", "No Name"], "a connection's name"],
      [["--limit", "0"], "--limit takes"],
    ] as const) {
      const ran = await runCli(["sessions", ...args], carol);
      expect([args, ran.code, ran.err.includes(said)]).toEqual([args, 2, true]);
    }
  });

  test("connections are listed with their URLs, and remembered for completion", async () => {
    const alice = await as("alice");
    const ran = await runCli(["connections", "--json"], alice);
    expect(json(ran)).toMatchObject([
      { name: "demo", url: expect.stringContaining("/c/demo") as string },
      { name: "other" },
    ]);
    expect((await runCli(["complete", "--", "curl", "d"], alice)).out).toBe("demo/\n:open\n");
  });

  test("a session's records are followed as they come, from where one wants, until Ctrl-C", async () => {
    const alice = await as("alice");
    await runCli(["curl", "-sS", "other/before"], alice);
    await runCli(["curl", "-sS", "other/first"], alice);
    const cli = startCli(["tail", "-f", "-n", "2"], alice);
    expect(await cli.prints(/command\.completed .*GET \/first/)).not.toBeNull();
    await runCli(["curl", "-sS", "other/second"], alice);
    expect(
      await cli.prints(/command\.requested .*GET \/second[\s\S]*command\.completed .*GET \/second/),
    ).not.toBeNull();
    cli.signal("SIGINT");
    const ran = await cli.ended;
    expect([ran.code, ran.out.includes("session.opened")]).toEqual([130, false]);
  });

  test("what tail gives a script is an export that can be verified", async () => {
    const alice = await as("alice");
    const tail = await runCli(["tail", "-n", "10000", "--json"], alice);
    expect(await runCli(["verify-session", "-"], { ...alice, input: tail.out })).toMatchObject({ code: 4 });
    const shown = await runCli(["show", "latest"], alice);
    expect([shown.code, shown.out.includes("session.opened"), shown.out.includes("intact")]).toEqual([0, true, true]);
  });

  test("what is not there, or not one's own, is said with what to do", async () => {
    const sid = "01935b6e-9999-7000-8000-0123456789ab";
    for (const args of [
      ["show", sid],
      ["tail", sid],
      ["verify-session", sid],
    ])
      expect([args, await runCli(args, await as("mallory"))]).toMatchObject([
        args,
        { code: 3, err: expect.stringContaining("sallyport sessions") as string },
      ]);
    expect((await runCli(["tail", "nonsense"], await as("alice"))).code).toBe(2);
  });

  test("what was called is found within seconds, by what it was, and shown with its records", async () => {
    const [bob, carol] = [await as("bob"), await as("carol")];
    await runCli(["curl", "-sS", "demo/found?q=1"], bob);
    await runCli(["curl", "-sS", "-X", "PUT", "nowhere/x"], bob);
    type Row = { id: string; sid: string };
    const find = async (...args: string[]): Promise<Row[]> =>
      json(await runCli(["commands", "--json", ...args], carol)) as Row[];
    const [found] = await eventually(
      () => find("--subject", "bob", "--route", "/found"),
      (rows) => rows.length > 0,
    );
    expect(found).toMatchObject({
      connection: "demo",
      method: "GET",
      path: "/found",
      outcome: "completed",
      status: 200,
    });
    const denied = await eventually(
      () => find("--outcome", "denied", "--since", "1h", "--method", "PUT"),
      (rows) => rows.length > 0,
    );
    expect(denied[0]).toMatchObject({ subject: "bob", outcome: "denied" });
    expect((await runCli(["commands", "--connection", "demo"], carol)).out).toMatch(
      /^COMMAND .*\n.*GET \/found\?q=1 +200/,
    );
    const shown = await runCli(["show", found?.id ?? ""], bob);
    expect([shown.code, shown.err]).toEqual([0, ""]);
    expect(shown.out).toMatch(
      /request +GET \/found\?q=1 at demo[\s\S]*outcome +200[\s\S]*command\.requested[\s\S]*command\.completed/,
    );
    // Another's is as if it were not there.
    expect((await runCli(["show", found?.id ?? ""], await as("alice"))).code).toBe(3);
  });

  test("a session is ended by its owner, with a reason, and what follows it stops", async () => {
    const bob = await as("bob");
    await runCli(["curl", "-sS", "other/to-end"], bob);
    const [session] = json(await runCli(["sessions", "--json", "--connection", "other", "--state", "open"], bob)) as {
      sid: string;
    }[];
    const sid = session?.sid ?? "";
    const tail = startCli(["tail", "-f", sid], bob);
    await tail.prints(/GET \/to-end/);
    expect(await runCli(["kill", sid, "--reason", "test"], await as("alice"))).toMatchObject({ code: 3 });
    const killed = await runCli(["kill", sid, "--reason", "test"], bob);
    expect([killed.code, killed.out]).toEqual([0, expect.stringContaining("has ended")]);
    const ended = await tail.ended;
    expect([ended.code, ended.out.includes("session.closed"), ended.err.includes("the session is closed")]).toEqual([
      0,
      true,
      true,
    ]);
    expect((await runCli(["curl", "-sSf", "other/again"], bob)).code).toBe(22);
  });

  test("health says by which policy the gateway decides", async () => {
    const ran = await runCli(["health", "--json"], await as("alice"));
    expect(json(ran)).toMatchObject({
      region: "local",
      policy: { hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    });
    expect((await runCli(["health"], await as("alice"))).out).toMatch(/policy +no\. 1/);
  });
});
