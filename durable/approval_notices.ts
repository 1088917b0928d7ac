// Who is told of an approval, as the policy in force names them.

import type { Policy } from "../core/policy/policy.ts";
import type { Notice } from "./approval_rpc.ts";

/** `names` of the policy's `notify`. */
export function noticesOf({ notify }: Policy, names: readonly string[]): readonly Notice[] {
  return names.flatMap((name) => {
    const target = notify.get(name);
    if (target === undefined) return [];
    const { format, url, secret } = target;
    return [{ name, format, url, secret }];
  });
}
