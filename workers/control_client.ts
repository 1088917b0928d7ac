// The region's control object, of which there is one.

import type { ControlObject } from "../durable/control.ts";
import { placed } from "../durable/jurisdiction.ts";
import type { Env } from "./env.ts";

/** A new stub each time: one that has thrown may be broken for good. */
export function controlOf(env: Env): DurableObjectStub<ControlObject> {
  const objects = placed(env.CONTROL, env);
  return objects.get(objects.idFromName("control"));
}
