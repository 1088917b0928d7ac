// Where the command line keeps its files, by the XDG base directory specification.

import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

type Env = Readonly<Record<string, string | undefined>>;

/** Contexts and tokens. */
export function configFolder(env: Env): string {
  return join(xdg(env, "XDG_CONFIG_HOME", ".config"), "sallyport");
}

/** What may be thrown away: names for completion. */
export function cacheFolder(env: Env): string {
  return join(xdg(env, "XDG_CACHE_HOME", ".cache"), "sallyport");
}

/** The specification has relative paths ignored. */
function xdg(env: Env, name: string, fallback: string): string {
  const set = env[name];
  if (set !== undefined && isAbsolute(set)) return set;
  const home = env.HOME;
  return join(home !== undefined && isAbsolute(home) ? home : homedir(), fallback);
}
