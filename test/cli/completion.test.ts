// The completion scripts, sourced by the real shells: at a terminal with the key pressed, and bash's
// function by itself, which a test can ask directly.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { runProgram } from "../support/program.ts";
import { atTerminal } from "../support/terminal.ts";

const program = fileURLToPath(new URL("../../cli/sallyport.ts", import.meta.url).href);
let home = "";
let env: Record<string, string> = {};

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "sallyport-completion-"));
  const bin = join(home, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "sallyport"), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
  chmodSync(join(bin, "sallyport"), 0o755);
  env = { PATH: `${bin}${delimiter}${process.env.PATH ?? ""}`, TERM: "xterm", NO_COLOR: "1" };
  for (const [name, url] of [
    ["eu", "https://eu.example"],
    ["us", "https://us.example"],
  ] as const)
    await runCli(["context", "add", url, name], { home });
  mkdirSync(join(home, ".cache/sallyport"), { recursive: true });
  // As if a gateway had been asked; the last two are no names, and must not reach a shell.
  const names = ["registry", "wiki", "$(touch evil)", "a b"];
  writeFileSync(join(home, ".cache/sallyport/connections.json"), JSON.stringify({ "https://eu.example": names }));
  writeFileSync(join(home, "export file.ndjson"), "");
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(" ");

async function bash(...words: string[]): Promise<string[]> {
  const script = `source <(sallyport completion bash); COMP_WORDS=(sallyport ${quoted(words)}); COMP_CWORD=${words.length}; _sallyport; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const ran = await runProgram("bash", ["--norc", "--noprofile", "-c", script], { folder: home, env });
  expect([ran.code, ran.stderr]).toEqual([0, ""]);
  return ran.stdout.toString().trim().split("\n");
}

describe("bash's function", () => {
  test.each<[string[], string[]]>([
    [["verif"], ["verify-session"]],
    [
      ["context", "use", ""],
      ["eu", "us"],
    ],
    [["sessions", "--context", "=", "u"], ["us"]],
    [
      ["curl", ""],
      ["registry/", "wiki/"],
    ],
    [["show", "./exp"], ["./export file.ndjson"]],
    [["show", "lat"], ["latest"]],
    [["sessions", "--sta"], ["--state"]],
  ])("offers for %j %j", async (words, expected) => {
    expect(await bash(...words)).toEqual(expected);
  });

  test("evaluates nothing that was typed", async () => {
    await bash("show", "$(touch evil)", "`touch evil`", ";touch evil", "");
    expect(existsSync(join(home, "evil"))).toBe(false);
  });

  test("can be sourced twice", async () => {
    const script = "source <(sallyport completion bash); source <(sallyport completion bash)";
    expect(await runProgram("bash", ["--norc", "--noprofile", "-c", script], { folder: home, env })).toMatchObject({
      code: 0,
      stderr: "",
    });
  });
});

describe("at a terminal", () => {
  test.each([
    ["bash", ["bash", "--norc", "--noprofile", "-i"], "source <(sallyport completion bash)", "PS1=REA''DY:"],
    [
      "zsh",
      ["zsh", "-f", "-i"],
      "autoload -U compinit; compinit -u -D; source <(sallyport completion zsh)",
      "PS1=REA''DY:",
    ],
    [
      "fish",
      ["fish", "--no-config", "-i"],
      "sallyport completion fish | source",
      "function fish_prompt; echo REA''DY:; end",
    ],
  ])("%s completes a command, a name and an option when the key is pressed", async (_, shell, load, prompt) => {
    const { screen } = await atTerminal(
      shell,
      [
        [/[$%#>] ?/, `${load}; ${prompt}`],
        [/READY:/, "sallyport conte\tus\teu"],
        [/now at eu/, "sallyport context li\t--js\t"],
        [/"current":true/, "exit"],
      ],
      { folder: home, env },
    );
    expect(screen).toContain('"name":"eu"');
    expect(existsSync(join(home, "evil"))).toBe(false);
  });
});
