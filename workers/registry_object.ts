// The registry shard as it is deployed: with what the isolate's Worker knows of where notices may go.

import type { NoticePorts } from "../durable/notice_rpc.ts";
import { RegistryObject as Listing } from "../durable/registry.ts";
import { gatewayOf } from "./gateway.ts";
import { deliver } from "./notices/deliver.ts";

export class RegistryObject extends Listing {
  protected override noticePorts(): NoticePorts | null {
    const gateway = gatewayOf(this.env);
    if (!gateway.ok) return null;
    const { config } = gateway.value;
    return { deliver: (sending) => deliver(sending, config, (request) => fetch(request), Date.now()) };
  }
}
