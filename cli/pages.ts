// Lists of the API, page after page: `{items, next}` with an opaque cursor.

import * as v from "valibot";
import { ok, type Result } from "../core/result.ts";
import type { Access } from "./access.ts";
import { callJson, notAGateway } from "./gateway_client.ts";
import type { CliRefusal } from "./refusal.ts";

const PAGE = 100;
/** Pages without an item, one after the other: a filter may find nothing in as much as one call looks through. */
const EMPTY_PAGES = 50;

export interface Listed<T> {
  readonly items: readonly T[];
  /** There are more than were asked for. */
  readonly hasMore: boolean;
}

/** The first `limit` of a list. `filters` without a value are left out. */
export async function listed<T>(
  access: Access,
  path: string,
  filters: Readonly<Record<string, string | undefined>>,
  item: v.GenericSchema<unknown, T>,
  limit: number,
): Promise<Result<Listed<T>, CliRefusal>> {
  const Page = v.object({ items: v.array(item), next: v.nullable(v.string()) });
  const items: T[] = [];
  let cursor: string | null = null;
  let empty = 0;
  do {
    const query = new URLSearchParams({ limit: String(Math.min(PAGE, limit - items.length)) });
    for (const [name, value] of Object.entries(filters)) if (value !== undefined) query.set(name, value);
    if (cursor !== null) query.set("cursor", cursor);
    const got = await callJson(access, { path: `${path}?${query.toString()}` });
    if (!got.ok) return got;
    const page = v.safeParse(Page, got.value);
    if (!page.success) return notAGateway();
    items.push(...page.output.items);
    cursor = page.output.next;
    empty = page.output.items.length === 0 ? empty + 1 : 0;
  } while (cursor !== null && items.length < limit && empty < EMPTY_PAGES);
  return ok({ items: items.slice(0, limit), hasMore: cursor !== null || items.length > limit });
}
