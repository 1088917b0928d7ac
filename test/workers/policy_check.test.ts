// What of a policy only its region's configuration can tell.

import { describe, expect, it, test } from "vitest";
import { parseHostForm } from "../../core/protocol/http/host_form.ts";
import { checkAgainstConfig } from "../../workers/policy_check.ts";
import { file, policyOf } from "../core/policy/sample_policy.ts";

const form = parseHostForm("https://*--eu.tools.example", "eu");
if (form === null) throw new TypeError("no host form");
type Config = Parameters<typeof checkAgainstConfig>[1];
const CONFIG = {
  hosts: new Set(["eu.gateway.example", "localhost:8787"]),
  hostForm: form as Config["hostForm"],
  console: { origin: "https://console.example" } as Config["console"],
  allowInsecureHttp: false,
};

function found(url: string, config: Config = CONFIG): readonly string[] {
  const notify = { ops: { format: "webhook", url, secret: "NOTIFY_OPS" } };
  return checkAgainstConfig(policyOf(file({ notify })), config).map(({ path, expected }) => `${path}: ${expected}`);
}

describe("a notice goes", () => {
  it("over https, unless the region allows otherwise", () => {
    expect(found("https://hooks.example/in")).toEqual([]);
    expect(found("http://hooks.example/in")).toEqual(["notify.ops.url: a URL over https"]);
    expect(found("http://127.0.0.1:9000/in", { ...CONFIG, allowInsecureHttp: true })).toEqual([]);
  });

  test.each([
    "https://eu.gateway.example/in",
    "https://eu.gateway.example./in",
    "http://localhost:8787/",
    "https://wiki--eu.tools.example",
    "https://console.example/x",
  ])("never to the gateway itself, at %s", (url) => {
    expect(found(url)).toEqual(["notify.ops.url: a URL that is not the gateway's own"]);
  });

  it("to an address that only a secret knows, unseen", () => {
    const policy = policyOf(file({ notify: { chat: { format: "slack", secret: "NOTIFY_CHAT" } } }));
    expect(checkAgainstConfig(policy, CONFIG)).toEqual([]);
  });

  it("with the place of what is wrong", () => {
    const value = file({ notify: { ops: { format: "slack", url: "http://hooks.example" } } });
    expect(checkAgainstConfig(policyOf(value), CONFIG)).toMatchObject([
      { line: 1, column: 1 + JSON.stringify(value).indexOf('"http://hooks') },
    ]);
  });
});

test("an upstream is not the gateway itself, and over https", () => {
  const upstreams = (upstream: string): readonly string[] =>
    checkAgainstConfig(
      policyOf(file({ connections: { registry: { protocol: "http", upstream, region: "eu" } } })),
      CONFIG,
    ).map(({ expected }) => expected);
  expect(upstreams("https://registry.example")).toEqual([]);
  expect(upstreams("http://registry.example")).toEqual(["an upstream over https"]);
  expect(upstreams("https://eu.gateway.example")).toEqual(["an upstream that is not the gateway itself"]);
});
