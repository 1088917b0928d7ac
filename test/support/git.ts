// The real git, as a person on a machine of their own has it. Nothing of the environment that runs the
// tests gets in, and nothing waits for a keyboard.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "./program.ts";

export interface GitRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class GitMachine {
  readonly folder: string = mkdtempSync(join(tmpdir(), "sallyport git "));
  readonly #settings: readonly string[];
  readonly #env: Readonly<Record<string, string>>;

  /** `settings` are git's, as `name=value`; `env` goes beside what git needs. */
  constructor(settings: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    this.#settings = settings;
    this.#env = env;
  }

  /** What git says; it never throws for a failed run. `where` is below this machine's folder. */
  async run(args: readonly string[], where = "."): Promise<GitRun> {
    const settings = ["user.name=Alice", "user.email=alice@example.test", ...this.#settings];
    const { code, stdout, stderr } = await runProgram("git", [...settings.flatMap((one) => ["-c", one]), ...args], {
      folder: join(this.folder, where),
      env: { HOME: this.folder, GIT_CONFIG_NOSYSTEM: "1", GIT_TERMINAL_PROMPT: "0", ...this.#env },
    });
    return { code, stdout: stdout.toString(), stderr };
  }

  /** What a run that must succeed prints. */
  async git(args: readonly string[], where = "."): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, where);
    if (code !== 0) throw new Error(`git ${args.join(" ")} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Every ref with its object, and every object that they reach: two repositories with the same are the same. */
  async contents(where: string): Promise<{ readonly refs: string; readonly objects: string[] }> {
    await this.git(["fsck", "--full", "--strict"], where);
    const refs = await this.git(
      ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"],
      where,
    );
    const objects = await this.git(["rev-list", "--objects", "--all", "--no-object-names"], where);
    return { refs, objects: objects.trim().split("\n").sort() };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
