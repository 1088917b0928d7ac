// `node test/bench/approvals.ts [pending]`: how long the inbox and a decision take while few and while many
// approvals wait. Of the local runtime with its proxy, as `npm start` has it, so slower than plain workerd.

import { performance } from "node:perf_hooks";
import { buildWorker } from "../../scripts/build.ts";
import { startEchoUpstream } from "../support/echo_upstream.ts";
import type { Person } from "../support/issuer.ts";
import { startToolHosts, type ToolHosts, Visitor } from "../support/tool_hosts.ts";

const FEW = 20;
const MANY = Number(process.argv[2] ?? 1_000);
/** A session holds so many at most at once: they are asked for by several people. */
const EACH = 20;
const ROUNDS = 60;

const DECIDER: Person = { subject: "lena", groups: ["leads"] };
const person = (index: number): Person => ({ subject: `person-${index}`, groups: ["engineers"] });

function policyOf(upstream: string): unknown {
  return {
    version: 1,
    roles: { engineer: { groups: ["engineers"] } },
    connections: { tool: { protocol: "http", region: "local", upstream } },
    rules: [
      {
        id: "asks",
        effect: "needs-approval",
        who: { roles: ["engineer"] },
        connections: ["tool"],
        methods: ["POST"],
        routes: ["/**"],
        approve: { by: [{ groups: ["leads"] }], expires_minutes: 480 },
      },
    ],
  };
}

async function ask(hosts: ToolHosts, index: number): Promise<string> {
  const answer = await hosts.gateway.fetch(person(Math.floor(index / EACH)), `/c/tool/pods/${index}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: `{"index":${index}}`,
  });
  const { approval } = (await answer.json()) as { readonly approval?: string };
  if (approval === undefined) throw new Error(`not asked for: ${answer.status}`);
  return approval;
}

/** Milliseconds of each. */
async function timesOf(count: number, act: (index: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    await act(i);
    times.push(performance.now() - began);
  }
  return times;
}

function told(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1);
  return `median ${at(0.5)} ms, 95 of 100 within ${at(0.95)} ms`;
}

async function measure(hosts: ToolHosts, visitor: Visitor, lena: string, waiting: readonly string[]): Promise<void> {
  const read = async (path: string): Promise<void> => {
    const { status } = await visitor.open(hosts.console + path);
    if (status !== 200) throw new Error(`${path}: ${status}`);
  };
  const headers = { authorization: `Bearer ${lena}`, "content-type": "application/json" };
  const ofApi = async (): Promise<void> => {
    const answer = await fetch(`${hosts.origin}/api/v1/approvals?limit=25`, { headers });
    if (!answer.ok) throw new Error(String(answer.status));
    await answer.text();
  };
  await timesOf(10, () => read("/"));
  console.log(`  inbox, its page          ${told(await timesOf(ROUNDS, () => read("/")))}`);
  console.log(`  inbox, the API's list    ${told(await timesOf(ROUNDS, ofApi))}`);
  const first = waiting[0] ?? "";
  console.log(`  form, its page           ${told(await timesOf(ROUNDS, () => read(`/approvals/${first}`)))}`);
  const decided = waiting.slice(0, FEW / 2);
  const seen = new Map<string, string>();
  for (const id of decided) {
    const answer = await fetch(`${hosts.origin}/api/v1/approvals/${id}`, { headers });
    seen.set(id, ((await answer.json()) as { readonly seen: string }).seen);
  }
  const decide = async (index: number): Promise<void> => {
    const id = decided[index] ?? "";
    const body = JSON.stringify({ decision: "approve", seen: seen.get(id) });
    const answer = await fetch(`${hosts.origin}/api/v1/approvals/${id}/decision`, { method: "POST", headers, body });
    if (!answer.ok) throw new Error(await answer.text());
    await answer.text();
  };
  console.log(`  a decision, by the API   ${told(await timesOf(decided.length, decide))}`);
}

buildWorker();
const upstream = await startEchoUpstream();
const hosts = await startToolHosts({
  policy: policyOf(upstream.url),
  more: [{ subject: "lena", name: "Lena Lindt", email: "lena@example.test", groups: ["leads"] }],
});
try {
  const visitor = new Visitor();
  await visitor.walk(`${hosts.console}/`, "lena");
  const lena = await hosts.gateway.token(DECIDER);
  let asked = 0;
  const waiting: string[] = [];
  for (const count of [FEW, MANY]) {
    while (waiting.length < count) waiting.push(await ask(hosts, asked++));
    console.log(`${waiting.length} pending`);
    await measure(hosts, visitor, lena, waiting);
    waiting.splice(0, FEW / 2);
  }
} finally {
  await hosts.stop();
  await upstream.stop();
}
