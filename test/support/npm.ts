// The real npm, as a person on a machine of their own has it: a home, a cache and an .npmrc that
// names one registry with a credential. Nothing of the environment that runs the tests gets in.

import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "./program.ts";

export interface NpmRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Registry {
  /** With a slash at the end. */
  readonly url: string;
  /** The name and value of npm's setting: `_authToken` or `_auth`. */
  readonly credential: readonly [name: "_authToken" | "_auth", value: string] | null;
}

export class NpmMachine {
  readonly folder: string = mkdtempSync(join(tmpdir(), "sallyport npm "));
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
    const { url, credential } = registry;
    const lines = [
      `registry=${url}`,
      ...(credential === null ? [] : [`${url.slice(url.indexOf("//"))}:${credential[0]}=${credential[1]}`]),
      "update-notifier=false",
      "fund=false",
      "audit=false",
      "fetch-retries=0",
      "ignore-scripts=true",
    ];
    writeFileSync(join(this.folder, ".npmrc"), `${lines.join("\n")}\n`, { mode: 0o600 });
    writeFileSync(join(this.folder, "global"), "");
  }

  /** What npm says on its way out; it never throws for a failed run. */
  async run(args: readonly string[], where = this.folder): Promise<NpmRun> {
    const { code, stdout, stderr } = await runProgram("npm", args, {
      folder: where,
      env: {
        HOME: this.folder,
        NO_COLOR: "1",
        npm_config_userconfig: join(this.folder, ".npmrc"),
        npm_config_globalconfig: join(this.folder, "global"),
        npm_config_cache: join(this.folder, "cache"),
      },
    });
    return { code, stdout: stdout.toString(), stderr };
  }

  /** A run that must succeed, as JSON. */
  async json(args: readonly string[], where = this.folder): Promise<unknown> {
    const { code, stdout, stderr } = await this.run([...args, "--json"], where);
    if (code !== 0) throw new Error(`npm ${args.join(" ")} ended with ${code}: ${stderr}${stdout}`);
    return this.#anywhere(JSON.parse(stdout));
  }

  /** A run that must fail: npm's code for it as scripts read it, or what it says where it has none. */
  async failure(args: readonly string[], where = this.folder): Promise<string> {
    const { code, stdout, stderr } = await this.run([...args, "--json"], where);
    if (code === 0) throw new Error(`npm ${args.join(" ")} succeeded: ${stdout}`);
    const { error } = JSON.parse(stdout) as { error?: { code?: string; summary?: string } };
    const said = error?.code ?? error?.summary;
    if (said === undefined) throw new Error(`npm ${args.join(" ")} failed without a reason: ${stderr}${stdout}`);
    return said;
  }

  /** A folder with files in it, below this machine's. */
  write(name: string, files: Readonly<Record<string, string | Uint8Array>>): string {
    const folder = join(this.folder, name);
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(folder, path, ".."), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    return folder;
  }

  read(path: string): unknown {
    return this.#anywhere(JSON.parse(readFileSync(join(this.folder, path), "utf8")));
  }

  /** Without what differs between two registries: where they are, when something was published, and revisions, which are random. */
  #anywhere(value: unknown): unknown {
    const text = JSON.stringify(value)
      .replaceAll(this.#registry.url, "<registry>/")
      .replaceAll(/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g, '"<time>"')
      .replaceAll(/"_rev":"(\d+)-[0-9a-f]{16}"/g, '"_rev":"$1-<random>"')
      .replaceAll(/"_contentLength":\d+/g, '"_contentLength":0');
    return JSON.parse(text);
  }

  /** Empties the cache. */
  forget(): void {
    rmSync(join(this.folder, "cache"), { recursive: true });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Every file below a folder with the digest of its bytes, in order, but for npm's own note of where all came from. */
export function tree(folder: string, below = ""): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true })
    .filter((one) => one.name !== ".package-lock.json")
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((one) => {
      const path = join(below, one.name);
      if (one.isDirectory()) return tree(folder, path);
      return [
        `${path} ${createHash("sha256")
          .update(readFileSync(join(folder, path)))
          .digest("hex")}`,
      ];
    });
}

/** Bytes that no compression makes fewer, the same each time. */
export function noise(bytes: number): Uint8Array {
  const block = (index: number): Buffer => createHash("sha256").update(String(index)).digest();
  return Buffer.concat(Array.from({ length: Math.ceil(bytes / 32) }, (_, index) => block(index))).subarray(0, bytes);
}
