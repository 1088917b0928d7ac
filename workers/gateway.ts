// What an isolate keeps between requests: the checked configuration and the caches. No promise of
// one request is kept for another: the platform cancels it with the request that made it.

import type { Authentication } from "../core/auth/authenticate.ts";
import { KeySets } from "../core/auth/key_sets.ts";
import { VerifiedTokens } from "../core/auth/verified_tokens.ts";
import { ok, type Result } from "../core/result.ts";
import { type Config, type ConfigRefusal, readConfig } from "./config.ts";
import { ControlCache } from "./control_cache.ts";
import { controlOf } from "./control_client.ts";
import type { Env } from "./env.ts";
import { Pseudonyms } from "./pseudonyms.ts";

export interface Gateway {
  readonly env: Env;
  readonly config: Config;
  readonly control: ControlCache;
  readonly pseudonyms: Pseudonyms;
  readonly authentication: Authentication;
}

let made: Result<Gateway, ConfigRefusal> | null = null;

/** The isolate's gateway; made at its first request, because variables come with requests. */
export function gatewayOf(env: Env): Result<Gateway, ConfigRefusal> {
  made ??= makeGateway(env);
  return made;
}

function makeGateway(env: Env): Result<Gateway, ConfigRefusal> {
  const config = readConfig(env);
  if (!config.ok) {
    // For the operator who reads the log; names a variable, never a value.
    console.error(`sallyport is misconfigured: ${config.variable} must be ${config.expected}`);
    return config;
  }
  const { issuers, allowInsecureHttp } = config.value;
  const keySets = new KeySets((url, init) => fetch(url, init), allowInsecureHttp);
  return ok({
    env,
    config: config.value,
    control: new ControlCache(() => controlOf(env), config.value),
    pseudonyms: new Pseudonyms(config.value.pseudonymKey),
    authentication: { issuers, keySets, verified: new VerifiedTokens() },
  });
}
