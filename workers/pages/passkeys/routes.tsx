// Passkeys at the console: a page that reads, and two forms that change. Each change is a command with the
// passkey's name and id on record, and takes a login of the last minutes, of the person and of nobody who acts
// for them.

import * as v from "valibot";
import { ok, type Result } from "../../../core/result.ts";
import { changeText, maskedWords } from "../../console/answers.ts";
import type { Prepared, PrepareRefusal } from "../../console/route.ts";
import { controlOf } from "../../control_client.ts";
import { type AddRefusal, addPasskey } from "../../passkeys/add.ts";
import { readRegistration } from "../../passkeys/responses.ts";
import { refusalOf, seeOther } from "../answers.tsx";
import { draftOf, freshLogin } from "../fresh_login.ts";
import { type PageIncoming, type PageRoute, pageRoute } from "../page_route.ts";
import { NAME_LIMIT, PASSKEYS_PATH, REMOVE_PATH, showPasskeys } from "./page.tsx";

const list = pageRoute({
  id: "passkeys",
  method: "GET",
  path: PASSKEYS_PATH,
  who: "anyone",
  fresh: true,
  query: v.strictObject({ draft: v.optional(v.pipe(v.string(), v.maxLength(8_192))) }),
  answer: async (call) => {
    const draft = await draftOf(call, call.query.draft);
    if (draft === null) return showPasskeys(call);
    const told = "Your login was renewed. Nothing has been changed yet: choose once more.";
    return showPasskeys(call, { told, isError: false, name: draft.name ?? "", status: 200 });
  },
});

/** An attestation can be long; none is asked for, and a few kilobytes are taken. */
const Sent = v.pipe(v.string(), v.maxLength(12_288));

const add = pageRoute({
  id: "passkey-add",
  method: "POST",
  path: PASSKEYS_PATH,
  who: "anyone",
  form: v.strictObject({ name: Sent, challenge: Sent, credential: Sent }),
  limit: 49_152,
  prepare: async (call) => {
    const name = call.form.name.trim();
    const credential = readRegistration(call.form.credential)?.id;
    return ready(call, { name: maskedWords(name), ...(credential === undefined ? {} : { credential }) }, { name });
  },
  answer: async (call) => {
    const name = call.form.name.trim();
    const isName = name !== "" && name.length <= NAME_LIMIT && !/\p{Cc}/u.test(name) && name.isWellFormed();
    if (!isName) return shownAgain(call, `Give it a name of at most ${NAME_LIMIT} characters.`, name, 422);
    if (call.form.credential === "")
      return shownAgain(call, "No passkey came with this: a script asks your device for it.", name, 422);
    const refused = await addPasskey(call, { ...call.form, name });
    if (refused === null) return seeOther(call, PASSKEYS_PATH);
    return shownAgain(call, REFUSED[refused], name, refused === "trail_unavailable" ? 503 : 403);
  },
});

const REFUSED: Readonly<Record<AddRefusal, string>> = {
  challenge_used: "That took more than five minutes, or was sent twice. Try once more.",
  passkey_wrong: "What your device said is not what it was asked. Nothing was added.",
  passkey_known: "This passkey was added before.",
  passkeys_full: "You have as many passkeys as anybody may have. Remove one first.",
  trail_unavailable: "It is not known whether it was added: look again.",
};

const remove = pageRoute({
  id: "passkey-remove",
  method: "POST",
  path: REMOVE_PATH,
  who: "anyone",
  form: v.strictObject({ credential: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,1364}$/)) }),
  prepare: async (call) => ready(call, call.form, {}),
  answer: async (call, { exchange, caller }) => {
    const { issuer, subject } = caller.authenticated.principal;
    const isRemoved = await controlOf(exchange.gateway.env)
      .removePasskey({ issuer, subject }, call.form.credential, exchange.command)
      .catch(() => null);
    if (isRemoved === null) return refusalOf(call, { reason: "trail_unavailable" });
    return isRemoved ? seeOther(call, PASSKEYS_PATH) : refusalOf(call, { reason: "not_found" });
  },
});

async function ready(
  call: PageIncoming,
  change: object,
  typed: Readonly<Record<string, string>>,
): Promise<Result<Prepared<undefined>, PrepareRefusal>> {
  const fields = { change: changeText(change) };
  if (call.caller.authenticated.principal.actors.length > 0)
    return { ok: false, reason: "decider_not_in_person", fields };
  const old = await freshLogin(call, PASSKEYS_PATH, typed);
  return old === null ? ok({ fields, data: undefined }) : { ok: false, ...old, fields };
}

function shownAgain(call: PageIncoming, told: string, name: string, status: number): Promise<Response> {
  return showPasskeys(call, { told, isError: true, name: name.slice(0, NAME_LIMIT).toWellFormed(), status });
}

export const PASSKEY_ROUTES: readonly PageRoute[] = [list, add, remove];
