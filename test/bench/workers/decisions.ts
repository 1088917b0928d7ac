// Decides many times within a request, by policies of many rules. A Worker's clock stands still
// meanwhile: whoever asks takes the time.

import type { Digest } from "../../../core/ids.ts";
import { decide } from "../../../core/policy/decide.ts";
import { type Policy, parsePolicy } from "../../../core/policy/policy.ts";
import { commands, type Kind, KINDS, policyText } from "../policy_samples.ts";

const policies = new Map<string, Policy>();

function policyFor(kind: Kind, rules: number): Policy {
  const name = `${kind} ${rules}`;
  const known = policies.get(name);
  if (known !== undefined) return known;
  const parsed = parsePolicy(policyText(kind, rules), "0".repeat(64) as Digest);
  if (!parsed.ok) throw new Error(`the policy is refused: ${JSON.stringify(parsed.problems)}`);
  policies.set(name, parsed.value);
  return parsed.value;
}

export default {
  fetch(request: Request): Response {
    const { searchParams } = new URL(request.url);
    const kind = KINDS.find((one) => one === searchParams.get("kind"));
    if (kind === undefined) return new Response(null, { status: 404 });
    const policy = policyFor(kind, Number(searchParams.get("rules")));
    const asked = commands(kind);
    const times = Number(searchParams.get("times"));
    let allowed = 0;
    for (let i = 0; i < times; i++) {
      const one = asked[i % asked.length];
      if (one !== undefined && decide(policy, one).effect === "allow") allowed++;
    }
    return Response.json({ allowed });
  },
} satisfies ExportedHandler;
