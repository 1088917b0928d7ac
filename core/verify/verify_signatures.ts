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

export class SignaturesVerifier {
  readonly #asked = new Map<string, Asked>();
  readonly #wrong: { readonly seq: number; readonly detail: string }[] = [];
  #holding = 0;
  #notShown = 0;
  #wrongCount = 0;

  /** A record that holds in its place; to be given in order. */
  async take({ leaf, fields }: ReadFields & { readonly leaf: ReadLeaf }): Promise<void> {
    if (leaf.command === null) return;
    const field = (name: string): string | null => fields.find((one) => one.name === name)?.value ?? null;
    if (leaf.kind === "approval.requested") {
      const terms = field("approval");
      this.#asked.set(leaf.command, {
        digest: field("command_digest"),
        policy: String(leaf.classes.policy),
        isSigned: terms === null ? null : /"passkey":true[,}]/.test(terms),
      });
    }
    const asked = this.#asked.get(leaf.command);
    if (leaf.kind === "approval.decided" && asked !== undefined) await this.#decided(leaf, leaf.command, asked, field);
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
    const { decision, step_up: stepUp } = leaf.classes;
    if (decision !== "approve" && decision !== "deny") return;
    if (stepUp !== "passkey") {
      if (asked.isSigned === true) this.#add(leaf.seq, "its rule wants it signed, and it is not");
      return;
    }
    const [decider, assertion] = [field("decider"), field("assertion")];
    if (asked.digest === null || decider === null || assertion === null) {
      this.#notShown += 1;
      return;
    }
    const detail = await checkAssertion({
      ...{ approval, time: leaf.time, decision, comment: field("comment"), decider, assertion },
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
