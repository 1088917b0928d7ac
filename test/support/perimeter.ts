// The perimeter as an auditor reads it: what the gateway kept of calls without a valid identity.

import { readExport, type ReadRecord, type TestGateway } from "./gateway.ts";

const SHARDS = 16;

/** The exports of all sessions of all shards, as NDJSON texts. */
export async function perimeterExports(gateway: TestGateway, auditor = "carol"): Promise<string[]> {
  const texts: string[] = [];
  for (let shard = 0; shard < SHARDS; shard++) {
    const list = await gateway.fetch(auditor, `/api/v1/perimeter/${shard}`);
    if (list.status !== 200) throw new Error(`the perimeter cannot be read: ${list.status} ${await list.text()}`);
    const { sessions } = (await list.json()) as { sessions: string[] };
    for (const sid of sessions)
      texts.push(await (await gateway.fetch(auditor, `/api/v1/perimeter/${shard}/${sid}/records`)).text());
  }
  return texts;
}

export async function perimeterRecords(gateway: TestGateway, auditor = "carol"): Promise<ReadRecord[]> {
  return (await perimeterExports(gateway, auditor)).flatMap(readExport);
}
