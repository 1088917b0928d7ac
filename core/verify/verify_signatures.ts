// The decisions of a session that rules want signed: each held against its signature. A statement of its own
// beside integrity and completeness: a log can be intact, and a decision in it not signed by anybody.

import { checkAssertion } from "./assertion.ts";
import type { ReadFields, ReadLeaf } from "./read_line.ts";

export interface SignaturesVerdict {
  readonly holding: number;
  /** Of these a reader without the right to see the fields cannot tell. */
  readonly notShown: number;
  readonly wrongCount: number;
  /** The first ones. */
  readonly wrong: readonly { readonly seq: number; readonly detail: string }[];
}

interface Asked {
  readonly digest: string | null;
  readonly policy: string;
  /** Null where the terms are not shown. */
  readonly isSigned: boolean | null;
}

const NAMED = 100;
/** Decisions that are signed where the rule wants that. */
const SIGNED: ReadonlySet<string> = new Set(["approve", "deny"]);
/** Fields of `approval.decided` without which nobody can tell what was signed. */
const SIGNED_FIELDS: ReadonlySet<string> = new Set(["assertion", "comment", "decider"]);

export class SignaturesVerifier {
  readonly #asked = new Map<string, Asked>();
  readonly #wrong: { readonly seq: number; readonly detail: string }[] = [];
  #holding = 0;
  #notShown = 0;
  #wrongCount = 0;

  /** A record that holds in its place; to be given in order. */
  async take({ leaf, fields, withheld }: ReadFields & { readonly leaf: ReadLeaf }): Promise<void> {
    if (leaf.command === null) return;
    const field = (name: string): string | null => fields.find((one) => one.name === name)?.value ?? null;
    const isHidden = withheld.some(({ name }) => SIGNED_FIELDS.has(name));
    if (leaf.kind === "approval.requested") {
      const terms = field("approval");
      this.#asked.set(leaf.command, {
        digest: field("command_digest"),
        policy: String(leaf.classes.policy),
        isSigned: terms === null ? null : /"passkey":true[,}]/.test(terms),
      });
    }
    const asked = this.#asked.get(leaf.command);
    if (leaf.kind === "approval.decided" && asked !== undefined) {
      if (!isHidden || leaf.classes.step_up !== "passkey") await this.#decided(leaf, leaf.command, asked, field);
      else if (SIGNED.has(String(leaf.classes.decision))) this.#notShown += 1;
    }
  }

  /** Null where no decision is, or had to be, signed. */
  verdict(): SignaturesVerdict | null {
    if (this.#holding + this.#notShown + this.#wrongCount === 0) return null;
    return { holding: this.#holding, notShown: this.#notShown, wrongCount: this.#wrongCount, wrong: this.#wrong };
  }

  async #decided(
    leaf: ReadLeaf,
    approval: string,
    asked: Asked,
    field: (name: string) => string | null,
  ): Promise<void> {
    const { decision, step_up: stepUp, grant_until: grantUntil } = leaf.classes;
    if (!SIGNED.has(String(decision))) return;
    if (stepUp !== "passkey") {
      if (asked.isSigned === true) this.#add(leaf.seq, "its rule wants it signed, and it is not");
      return;
    }
    const [decider, assertion] = [field("decider"), field("assertion")];
    if (decider === null || assertion === null) return this.#add(leaf.seq, "what was signed is not recorded");
    if (asked.digest === null) {
      this.#notShown += 1;
      return;
    }
    const detail = await checkAssertion({
      ...{ approval, time: leaf.time, decision: String(decision), comment: field("comment"), decider, assertion },
      grantUntil: typeof grantUntil === "number" ? grantUntil : null,
      asked: { digest: asked.digest, policy: asked.policy },
    });
    if (detail === null) this.#holding += 1;
    else this.#add(leaf.seq, detail);
  }

  #add(seq: number, detail: string): void {
    this.#wrongCount += 1;
    if (this.#wrong.length < NAMED) this.#wrong.push({ seq, detail });
  }
}
