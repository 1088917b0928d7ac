// The command line of the benchmark.

import { parseArgs } from "node:util";

export const HELP = `npm run bench -- [options]

Closed-loop load through the gateway and through simpler Workers, side by side.

  --quick            three scenarios, within 50 seconds
  --json             one JSON object on stdout, progress on stderr
  --rounds <n>       rounds over all scenarios (default 5)
  --seconds <s>      measured seconds of each slice (default 1)
  --disk <folder>    where "disk" storage goes (default: the system's temporary folder)
  --memory <folder>  where "memory-backed" storage goes (default /dev/shm)
  --no-stages        leaves out the cost of each stage
  --help             this text

Exits with 1 if an answer was wrong or a record is missing; a slow figure is never an error.
`;

export interface Options {
  readonly help: boolean;
  readonly quick: boolean;
  readonly json: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly disk: string | null;
  readonly memory: string | null;
  readonly stages: boolean;
}

/** Throws with a message for the terminal. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      help: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      rounds: { type: "string" },
      seconds: { type: "string" },
      disk: { type: "string" },
      memory: { type: "string" },
      stages: { type: "boolean", default: true },
    },
  });
  return {
    help: values.help,
    quick: values.quick,
    json: values.json,
    rounds: positive("--rounds", values.rounds, 5),
    seconds: positive("--seconds", values.seconds, values.quick ? 0.5 : 1),
    disk: values.disk ?? null,
    memory: values.memory ?? null,
    stages: values.stages,
  };
}

function positive(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!(value > 0 && value < 1000)) throw new Error(`${name} must be a number between 0 and 1000`);
  return value;
}
