// `sallyport approvals watch`: a line for each approval that begins to wait for whoever watches.

import { ok } from "../../core/result.ts";
import { type Access, accessOf, type AccessOptions } from "../access.ts";
import { call } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import { listed } from "../pages.ts";
import { type Done, EXIT } from "../refusal.ts";
import { jsonText, shown } from "../terminal.ts";
import { shortTime } from "../time_text.ts";
import { ListedApproval } from "./approval.ts";
import { leftText, who } from "./list.ts";

export interface WatchOptions extends AccessOptions {
  readonly once?: boolean;
  readonly json?: boolean;
}

/** Of one look: who has more waiting sees the newest. */
const MOST = 1000;
/** Between a connection that broke, or ended with its token, and the next. */
const PAUSE_MS = 2_000;

export async function watch(options: WatchOptions, io: Io): Promise<Done> {
  const known = new Set<string>();
  for (;;) {
    const access = await accessOf(options, io);
    if (!access.ok) return access;
    const events = await call(access.value, { path: "/api/v1/inbox/live" });
    if (!events.ok) return events;
    io.progress("waiting …");
    // One event at once, and one after each change: nothing that comes between a look and the next is missed.
    for await (const text of textsOf(events.value)) {
      if (!text.includes("event: inbox")) continue;
      const looked = await look(access.value, known, options, io);
      if (looked !== "go on") return looked;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Ends without an error where the stream breaks. */
async function* textsOf({ body }: Response): AsyncGenerator<string, void> {
  if (body === null) return;
  try {
    for await (const text of body.pipeThrough(new TextDecoderStream())) yield text;
  } catch {
    return;
  }
}

async function look(access: Access, known: Set<string>, options: WatchOptions, io: Io): Promise<Done | "go on"> {
  const got = await listed(access, "/api/v1/approvals", {}, ListedApproval, MOST);
  if (!got.ok) return got;
  for (const one of [...got.value.items].reverse()) {
    if (known.has(one.id)) continue;
    known.add(one.id);
    await io.print(options.json === true ? jsonText(one) : lineOf(one, io));
    if (options.once === true) return ok(EXIT.ok);
  }
  return "go on";
}

function lineOf({ id, requested, requester, connection, title, expires }: ListedApproval, { style: s }: Io): string {
  const left = leftText(expires - Date.now());
  return [
    s.dim(shortTime(requested)),
    s.bold(shown(id, 40)),
    s.cyan(shown(who(requester), 60)),
    shown(connection, 40),
    shown(title, 300),
    s.dim(left),
  ].join("  ");
}
