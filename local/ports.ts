// Finds out before anything starts whether the ports are free, so that the answer is a sentence and
// not a stack trace of whatever tried first.

import { createServer } from "node:net";
import type { Ports } from "./demo.ts";

/** Null if all are free; otherwise what to tell the person. */
export async function portProblem(ports: Ports): Promise<string | null> {
  for (const [name, port] of Object.entries(ports) as [string, number][]) {
    const code = await tryPort(port);
    if (code === null) continue;
    const why = code === "EADDRINUSE" ? "is taken" : `cannot be used (${code})`;
    return `Port ${port}, for the ${name}, ${why}. End what holds it, or take six other ports: npm start -- --port ${(ports.gateway + 20_000) % 60_000}`;
  }
  return null;
}

function tryPort(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(null)));
  });
}
