import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { leavesTokenBehind, readCurlCall, readCurlHelp } from "../../../cli/curl_arguments.ts";

const GATEWAY = "https://eu.tools.example";
// As `curl --help all` writes it.
const HELP = `Usage: curl [options...] <url>
 -K, --config <file>      Read config from a file
 -d, --data <data>        HTTP POST data
     --disallow-username-in-url Disallow username in URL
     --expand-url <url>   Expand
 -f, --fail               Fail fast
 -H, --header <header/@file> Pass custom header(s) to server
 -h, --help <category>    Get help for commands
 -i, --include            Include protocol response headers in the output
 -k, --insecure           Allow insecure server connections
 -L, --location           Follow redirects
     --location-trusted   Like --location, and send auth to other hosts
 -:, --next               Make next URL use its separate set of options
     --no-keepalive       Disable TCP keepalive on the connection
 -o, --output <file>      Write to file instead of stdout
 -x, --proxy [protocol://]host[:port] Use this proxy
 -X, --request <method>   Specify request method to use
 -S, --show-error         Show error even when -s is used
 -s, --silent             Silent mode
     --url <url>          URL to work with
 -u, --user <user:password> Server user and password
`;
const options = readCurlHelp(HELP);
const read = (...args: string[]) => readCurlCall(args, GATEWAY, options);

describe("curl's own help", () => {
  test("says which options take a value", () => {
    expect(options.long.get("output")).toBe(true);
    expect(options.long.get("proxy")).toBe(true);
    expect(options.long.get("disallow-username-in-url")).toBe(false);
    expect([options.short.get("X"), options.short.get(":")]).toEqual(["request", "next"]);
  });
});

describe("a call", () => {
  test.each<[string[], string[], string]>([
    [["registry/left-pad"], [], "/c/registry/left-pad"],
    [["registry"], [], "/c/registry/"],
    [["registry?q=1"], [], "/c/registry/?q=1"],
    [["-sS", "registry/left-pad"], ["-sS"], "/c/registry/left-pad"],
    [["registry/left-pad", "--", "-sS"], ["-sS"], "/c/registry/left-pad"],
    [["registry/left-pad", "-X", "PUT"], ["-X", "PUT"], "/c/registry/left-pad"],
    [["--", "-s", "registry/x"], ["-s"], "/c/registry/x"],
    [["-sSo", "out", "registry/x"], ["-sSo", "out"], "/c/registry/x"],
    [["-oout", "registry/x"], ["-oout"], "/c/registry/x"],
    [["-H", "x: https://evil.example", "registry/x"], ["-H", "x: https://evil.example"], "/c/registry/x"],
    [
      ["--no-keepalive", "--keepalive", "--no-silent", "registry/x"],
      ["--no-keepalive", "--keepalive", "--no-silent"],
      "/c/registry/x",
    ],
    [[`${GATEWAY}/c/registry/x`], [], "/c/registry/x"],
    [["registry/@acme%2Fthing?a=b#c"], [], "/c/registry/@acme%2Fthing?a=b#c"],
  ])("%j is curl %j at %s", (given, args, path) => {
    expect(read(...given)).toEqual({ ok: true, value: { args, url: GATEWAY + path, isFollowing: false } });
  });

  test.each<[string, string[]]>([
    ["no target", []],
    ["no target but options", ["-s"]],
    ["a URL elsewhere", ["https://evil.example/c/registry/x"]],
    ["a URL that begins like the gateway's", [`${GATEWAY}.evil.example/c/registry/x`]],
    ["a user in the URL", ["https://eu.tools.example@evil.example/"]],
    ["a second URL", ["-s", "https://evil.example", "registry/x"]],
    ["a second URL after the first", ["registry/x", "--", "evil.example"]],
    ["a URL as an option", ["--url", "https://evil.example", "registry/x"]],
    ["a URL that is expanded", ["--expand-url", "{{x}}", "registry/x"]],
    ["a second call", ["-:", "registry/x"]],
    ["options from a file", ["-Kfile", "registry/x"]],
    ["no check of the certificate, in a bundle", ["-sk", "registry/x"]],
    ["redirects with the token", ["--location-trusted", "registry/x"]],
    ["a file that the token would be written to", ["--trace-ascii", "trace", "registry/x"]],
    ["another identity", ["-u", "a:b", "registry/x"]],
    ["another token", ["-H", "Authorization: Bearer x", "registry/x"]],
    ["another token, joined", ["-Hauthorization:x", "registry/x"]],
    ["the beginning of an option's name", ["--loc", "registry/x"]],
    ["an unknown option, whose value would be a URL", ["--new", "https://evil.example", "registry/x"]],
    ["an unknown letter", ["-sq", "registry/x"]],
    ["a missing value, which would be the token's header", ["registry/x", "-o"]],
    ["no connection's name", ["../x"]],
    ["a name with a colon", ["user:pass@evil.example/x"]],
    ["a line end in the path", ["registry/x\nurl=evil"]],
    ["a lone dash", ["-", "registry/x"]],
  ])("%s is refused", (_, args) => {
    expect(read(...args)).toMatchObject({ ok: false, reason: "usage" });
  });

  test("says whether it goes where an answer points", () => {
    expect(read("-sL", "registry/x")).toMatchObject({ value: { isFollowing: true } });
    expect([
      leavesTokenBehind("curl 7.88.1 (x)"),
      leavesTokenBehind("curl 8.0.0"),
      leavesTokenBehind("curl 7.82.0"),
      leavesTokenBehind("?"),
    ]).toEqual([true, true, false, false]);
  });

  test("whatever is given, the only URL is the gateway's, and every other argument is an option or its value", () => {
    const word = fc.oneof(
      fc.constantFrom("-s", "-o", "-X", "--url", "--", "-K", "-L", "evil.example", "registry/x", "-H", "--data"),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (args) => {
        const call = read(...args);
        if (!call.ok) return;
        expect(call.value.url.startsWith(`${GATEWAY}/c/`)).toBe(true);
        for (let at = 0; at < call.value.args.length; at++) {
          const one = call.value.args[at] ?? "";
          expect(one.startsWith("-")).toBe(true);
          const name = one.startsWith("--") ? one.slice(2) : options.short.get(one.at(-1) ?? "");
          const isJoined =
            !one.startsWith("--") &&
            [...one.slice(1, -1)].some((letter) => options.long.get(options.short.get(letter) ?? "") === true);
          if (!isJoined && options.long.get(name ?? "") === true) at += 1;
        }
      }),
    );
  });
});
