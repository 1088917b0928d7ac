// The real curl, called at a place: the tool itself, or the tool's connection at the gateway. What
// comes back is told without where it came from, so that two calls can be compared.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ProgramOptions, runProgram, startProgram } from "./program.ts";

export interface CurlAnswer {
  /** curl's own verdict: 0, or one of the codes in curl(1). */
  readonly code: number | null;
  /** The status line and headers of each answer, in the order in which they came: interim ones, redirects, the last. */
  readonly heads: readonly CurlHead[];
  readonly body: Buffer;
  /** A line for each address: its last status, bytes received, redirects followed, connections made. */
  readonly told: string;
  readonly stderr: string;
}

export interface CurlHead {
  readonly status: string;
  /** Sorted lines `name: value`, names in lower case. */
  readonly headers: readonly string[];
}

const WRITE_OUT = "%{http_code} bytes=%{size_download} redirects=%{num_redirects} connections=%{num_connects}\\n";

export class CurlPlace {
  readonly folder: string = mkdtempSync(join(tmpdir(), "sallyport curl "));
  readonly url: string;
  readonly #credential: readonly string[];

  /** `url` without a slash at the end. `credential` is what curl is told of who calls. */
  constructor(url: string, credential: readonly string[]) {
    this.url = url;
    this.#credential = credential;
  }

  /**
   * `path` begins with a slash; `args` come before it, `<here>` in them is this place. The body is what
   * stands in `file` afterwards.
   */
  async call(
    args: readonly string[],
    path: string,
    { input, file = "body" }: { input?: ProgramOptions["input"]; file?: string } = {},
  ): Promise<CurlAnswer> {
    for (const name of ["head", "body"]) rmSync(join(this.folder, name), { force: true });
    const own = ["-q", "-sS", "--max-time", "60", "-D", "head", "-o", file, "-w", WRITE_OUT];
    const { code, stdout, stderr } = await runProgram(
      "curl",
      [...own, ...this.#credential, ...args.map((arg) => arg.replaceAll("<here>", this.url)), this.url + path],
      input === undefined ? { folder: this.folder } : { folder: this.folder, input },
    );
    const read = (name: string): Buffer => {
      try {
        return readFileSync(join(this.folder, name));
      } catch {
        return Buffer.alloc(0);
      }
    };
    const heads = read("head").toString("latin1").split("\r\n\r\n").slice(0, -1);
    // What `-I` writes as the body is the head once more.
    const body = args.includes("-I") ? Buffer.alloc(0) : read(file);
    return { code, heads: heads.map((head) => this.#head(head, path)), body, told: stdout.toString(), stderr };
  }

  /** A call that goes on while it is read. */
  start(args: readonly string[], path: string): ReturnType<typeof startProgram> {
    return startProgram("curl", ["-q", "-sS", ...this.#credential, ...args, this.url + path], { folder: this.folder });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  #head(text: string, path: string): CurlHead {
    const [status = "", ...lines] = text.split("\r\n");
    const headers = lines.map((line) => {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      return `${name}: ${/^(content-)?location$/.test(name) ? this.#place(value, path) : value}`;
    });
    return { status, headers: headers.sort() };
  }

  /** Where a place is, relative to this one. */
  #place(value: string, path: string): string {
    const { href } = new URL(value, this.url + path);
    return href.startsWith(`${this.url}/`) ? `<here>${href.slice(this.url.length)}` : href;
  }
}
