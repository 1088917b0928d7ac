// The session object as it is deployed: with what the isolate's Worker knows and holds.

import { SessionObject as Relaying } from "../durable/session.ts";
import type { SocketPorts } from "../durable/socket_ports.ts";
import { gatewayOf } from "./gateway.ts";

export class SessionObject extends Relaying {
  protected override socketPorts(): SocketPorts | null {
    const gateway = gatewayOf(this.env);
    if (!gateway.ok) return null;
    const { control, pseudonyms } = gateway.value;
    return {
      control,
      pseudonym: (connection) => pseudonyms.of(connection),
      commitment: (digest) => pseudonyms.commitment(digest),
      approvals: (connection) => pseudonyms.approvals(connection),
    };
  }
}
