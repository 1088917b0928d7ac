// A person's browser: whether there is one, and how to open a page in it.

import { spawn } from "node:child_process";

type Env = Readonly<Record<string, string | undefined>>;

export function hasBrowser(env: Env, platform: NodeJS.Platform = process.platform): boolean {
  const isSet = (name: string): boolean => (env[name] ?? "") !== "";
  if (platform === "darwin" || platform === "win32") return !isSet("SSH_CONNECTION");
  return isSet("DISPLAY") || isSet("WAYLAND_DISPLAY");
}

/** `url` is an http or https URL, so it is no option of any of these, and no shell reads it. */
export function openerOf(url: string, platform: NodeJS.Platform = process.platform): readonly [string, ...string[]] {
  if (platform === "darwin") return ["open", url];
  // `start` would be a shell's, to which `&` in a URL says more than an address.
  if (platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler", url];
  return ["xdg-open", url];
}

/** Opens and does not wait; whether a page appeared cannot be known. */
export function openBrowser(url: string): void {
  const [program, ...args] = openerOf(url);
  spawn(program, args, { stdio: "ignore", detached: true })
    .on("error", () => undefined)
    .unref();
}
