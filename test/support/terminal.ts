// A person at a terminal, which script(1) makes: what a program asks is answered as if typed.

import { startProgram, type ProgramOptions } from "./program.ts";

export interface Shown {
  readonly code: number | null;
  /** Everything that stood on the screen, in its order. */
  readonly screen: string;
}

/** Each question is waited for in what is shown after the answer before. No argument may hold a `'`. */
export async function atTerminal(
  args: readonly string[],
  answers: readonly (readonly [question: RegExp, answer: string])[],
  options: ProgramOptions,
): Promise<Shown> {
  const command = args.map((arg) => `'${arg}'`).join(" ");
  const child = startProgram("script", ["--quiet", "--return", "--command", command, "/dev/null"], options);
  let screen = "";
  let from = 0;
  let next = 0;
  child.stdin.on("error", () => undefined);
  child.stderr.resume();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
    const [question, answer] = answers[next] ?? [];
    if (question === undefined || !question.test(screen.slice(from))) return;
    next += 1;
    from = screen.length;
    child.stdin.write(`${answer}\n`);
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  return { code, screen };
}
