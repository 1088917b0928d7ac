// The bindings as wrangler declares them. Only workers/config.ts and the objects' constructors read `Env`.

import type { ControlObject } from "../durable/control.ts";
import type { PerimeterObject } from "../durable/perimeter.ts";
import type { RegistryObject } from "../durable/registry.ts";
import type { SessionObject } from "../durable/session.ts";

export interface Env {
  readonly SESSION: DurableObjectNamespace<SessionObject>;
  readonly REGISTRY: DurableObjectNamespace<RegistryObject>;
  readonly PERIMETER: DurableObjectNamespace<PerimeterObject>;
  readonly CONTROL: DurableObjectNamespace<ControlObject>;
  /** History of policies and revocations. Never on a command's path. */
  readonly DB: D1Database;
  /** How often one person may call the API; no limit without it. See workers/console/rate_limit.ts. */
  readonly API_LIMIT?: RateLimit;
  /** `<calls>/<seconds>`: what `API_LIMIT` is set to, which it does not tell itself. Told to who is limited. */
  readonly API_RATE?: string;
  /** Where commands are found; can be thrown away. Without it nothing is indexed. Never on a command's path. */
  readonly SEARCH?: D1Database;
  /** This region's name, as connections name it. */
  readonly REGION: string;
  /** Where this region's objects rest, for good; see durable/jurisdiction.ts. None if not set. */
  readonly JURISDICTION?: "eu" | "us";
  /** Origins this Worker answers to, space-separated, the first one canonical: `https://eu.tools.example`. Any other host gets 421. */
  readonly ORIGINS: string;
  /** JSON: the OIDC issuers trusted, see core/auth/issuer.ts. */
  readonly ISSUERS: string;
  /** JSON `{"issuer": …, "subject": …}`: has the role `admin` whatever the policy says. */
  readonly FIRST_ADMIN: string;
  /** Pattern of the connections' own origins, `https://*--eu.tools.example.com`; see core/protocol/http/host_form.ts. No host form without it. */
  readonly HOST_FORM?: string;
  /** The console's own origin, `https://eu.console.example.net`: of no site that tools are served at. No console without it. */
  readonly CONSOLE?: string;
  /** JSON: as which client of which issuer people log in on those origins; see workers/login/client.ts. */
  readonly LOGIN?: string;
  /** "yes" allows issuers and upstreams over plain http. Development only. */
  readonly ALLOW_INSECURE_HTTP?: string;
  /** Secret, 32 bytes in base64: names session objects. Its loss unlinks people from their objects; see docs/keys.md. */
  readonly PSEUDONYM_KEY: string;
  /** Secret, 32 bytes in base64: seals what browsers carry for a login. Needed with HOST_FORM or CONSOLE; see docs/keys.md. */
  readonly LOGIN_KEY?: string;
  /** Secret of the client that LOGIN names, if the issuer gave it one. */
  readonly LOGIN_CLIENT_SECRET?: string;
  /** Upstream credentials: secrets named `UPSTREAM_…`, the only ones a policy can name. */
  readonly [secret: `UPSTREAM_${string}`]: string;
  /** Notices of approvals: secrets named `NOTIFY_…` that sign them, or are the addresses they go to. */
  readonly [secret: `NOTIFY_${string}`]: string;
}
