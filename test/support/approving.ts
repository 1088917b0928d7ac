// What deciders do with approvals, by the API of a test's gateway.

import { eventually, type TestGateway } from "./gateway.ts";

export interface Decided {
  readonly status: number;
  /** The answer: an approval's new state, or a problem. */
  readonly told: { readonly state?: string; readonly reason?: string; readonly record?: string };
}

/** Ids of what waits for a person. */
export async function waitingFor(gateway: TestGateway, person: string): Promise<string[]> {
  const answer = await gateway.fetch(person, "/api/v1/approvals");
  const { items } = (await answer.json()) as { readonly items: readonly { readonly id: string }[] };
  return items.map(({ id }) => id);
}

/** The first that waits for a person beside those that are known. */
export async function nextFor(gateway: TestGateway, person: string, known: readonly string[] = []): Promise<string> {
  const found = await eventually(
    async () => (await waitingFor(gateway, person)).filter((id) => !known.includes(id)),
    (ids) => ids.length > 0,
  );
  return found[0] ?? "";
}

/** `seen` of an approval as a person reads it now. */
export async function seenBy(gateway: TestGateway, person: string, id: string): Promise<string> {
  const answer = await gateway.fetch(person, `/api/v1/approvals/${id}`);
  return ((await answer.json()) as { readonly seen?: string }).seen ?? "none";
}

export async function act(
  gateway: TestGateway,
  person: string,
  id: string,
  what: string,
  body: object,
): Promise<Decided> {
  const answer = await gateway.fetch(person, `/api/v1/approvals/${id}/${what}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: answer.status, told: (await answer.json()) as Decided["told"] };
}

/** On what the person sees now. */
export async function decide(
  gateway: TestGateway,
  person: string,
  id: string,
  decision: "approve" | "deny" = "approve",
  more: object = {},
): Promise<Decided> {
  return act(gateway, person, id, "decision", { decision, seen: await seenBy(gateway, person, id), ...more });
}
