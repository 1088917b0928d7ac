// Before files run side by side: the bundle that all of them start is built once.

import { buildWorker } from "../../scripts/build.ts";

export function setup(): void {
  buildWorker();
}
