import { DurableObject } from "cloudflare:workers";
import policy from "../policy/policy.json";
export class SessionObject extends DurableObject {}
export default { fetch: () => new Response(policy) };
