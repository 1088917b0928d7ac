// One kind of load in slices, for whoever looks at the gateway's processor time and at nothing else:
// compare.ts and profile.ts. A unit is a call, a round trip through a socket, or 10⁶ bytes of a download.

import { startIssuer } from "../support/issuer.ts";
import { download } from "./downloads.ts";
import { HOST } from "./exchange.ts";
import { startLoad, startUpstream } from "./processes.ts";
import { ADMIN, type Place, startVariant, type Variant } from "./variants.ts";
import { answerOf, socketPolicy, startLoad as startSocketLoad } from "./websocket.ts";

const KINDS = ["calls", "sockets", "json", "binary"] as const;
export type Kind = (typeof KINDS)[number];

export function kindOf(text: string | undefined): Kind {
  const kind = KINDS.find((one) => one === text);
  if (kind === undefined) throw new Error(`what is measured is one of ${KINDS.join(", ")}`);
  return kind;
}

/** Bytes of a download by the milliseconds that a slice is to last, about. */
const BYTES_A_MS = 32 * 1024;

export interface Done {
  readonly units: number;
  readonly perSecond: number;
}

export interface Load {
  /** `connections` counts for calls and sockets, `sessions` for calls alone. */
  slice(gateway: Variant, milliseconds: number): Promise<Done>;
  start(place: Pick<Place, "bundle" | "folder" | "inspector">): Promise<Variant>;
  stop(): Promise<void>;
}

export async function loadOf(kind: Kind, connections: number, sessions = 1): Promise<Load> {
  const issuer = await startIssuer();
  const upstream = await startUpstream(kind === "sockets" ? "socket_upstream.ts" : "upstream.ts");
  const calls = startLoad();
  const sockets = startSocketLoad();
  const address = `http://127.0.0.1:${upstream.port}`;
  const tokens = await Promise.all(
    Array.from({ length: sessions }, (_, index) => issuer.token({ subject: `person-${index}`, groups: ["engineers"] })),
  );
  const [token = ""] = tokens;
  const admin = await issuer.token(ADMIN);
  return {
    slice: async ({ port }, milliseconds) => {
      const job = { port, connections, warmupMs: 0, measureMs: milliseconds };
      if (kind === "sockets") {
        const { trips, measured, seconds } = await answerOf(sockets, {
          ...job,
          path: "/c/tool/echo",
          host: HOST,
          token,
        });
        return { units: trips, perSecond: measured / seconds };
      }
      if (kind === "calls") {
        const { answered, measured, seconds } = await calls.run({ ...job, tokens });
        return { units: answered.reduce((sum, one) => sum + one, 0), perSecond: measured / seconds };
      }
      const bytes = Math.round(milliseconds) * BYTES_A_MS;
      return { units: bytes / 1e6, perSecond: await download(port, kind, token, bytes) };
    },
    start: ({ bundle, folder, inspector }) =>
      startVariant(
        "gateway_disk",
        { upstream: address, issuer: issuer.url, admin, bundle, folder, disk: folder, memory: folder, inspector },
        kind === "sockets" ? socketPolicy(address) : undefined,
      ),
    stop: async () => {
      if (sockets.connected) sockets.disconnect();
      calls.stop();
      upstream.stop();
      await issuer.stop();
    },
  };
}
