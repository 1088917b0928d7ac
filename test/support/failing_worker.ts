// The gateway as it is deployed, except that one port fails: what gives secrets their keyed names throws
// at any that says so, in the middle of the masker's work. Bundled by `bundleFailingWorker`.

import type { Pseudonym } from "../../core/mask/span.ts";
import { gatewayOf } from "../../workers/gateway.ts";
import type { Env } from "../../workers/env.ts";
import gateway from "../../workers/index.ts";
import { Pseudonyms } from "../../workers/pseudonyms.ts";

export { ControlObject, PerimeterObject, RegistryObject, SessionObject } from "../../workers/index.ts";

/** A secret that begins so has no name. */
const UNNAMEABLE = "unnameable";

class FailingPseudonyms extends Pseudonyms {
  override of(connection: string): Pseudonym {
    const named = super.of(connection);
    return (rule, secret) => {
      if (new TextDecoder().decode(secret).startsWith(UNNAMEABLE)) throw new Error(UNNAMEABLE);
      return named(rule, secret);
    };
  }
}

let isPrepared = false;

export default {
  fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const made = gatewayOf(env);
    // Sockets' objects are in this isolate and take theirs from the same place.
    if (made.ok && !isPrepared)
      Object.assign(made.value, { pseudonyms: new FailingPseudonyms(made.value.config.pseudonymKey) });
    isPrepared = true;
    return gateway.fetch(request, env, ctx);
  },
};
