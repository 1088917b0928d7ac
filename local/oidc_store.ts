// What the provider remembers between requests (codes, logins, grants), in memory: after a restart
// people log in again, while the tokens they hold stay valid. Expired entries go when they are met,
// the oldest when there are too many.

interface Payload {
  readonly uid?: string;
  readonly userCode?: string;
  readonly grantId?: string;
  consumed?: number;
}
interface Entry {
  readonly payload: Payload;
  readonly ends: number;
}

const LIMIT = 10_000;

/** The adapter interface of oidc-provider, one instance a kind of entry. */
export class ProviderStore {
  readonly #entries = new Map<string, Entry>();

  async upsert(id: string, payload: Payload, expiresIn?: number): Promise<void> {
    this.#entries.delete(id);
    this.#entries.set(id, { payload, ends: expiresIn === undefined ? Infinity : Date.now() + expiresIn * 1000 });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > LIMIT && oldest !== undefined) this.#entries.delete(oldest);
  }

  async find(id: string): Promise<Payload | undefined> {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.ends > Date.now()) return entry?.payload;
    this.#entries.delete(id);
    return undefined;
  }

  async findByUid(uid: string): Promise<Payload | undefined> {
    return this.#findBy((payload) => payload.uid === uid);
  }

  async findByUserCode(userCode: string): Promise<Payload | undefined> {
    return this.#findBy((payload) => payload.userCode === userCode);
  }

  async consume(id: string): Promise<void> {
    const payload = await this.find(id);
    if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id: string): Promise<void> {
    this.#entries.delete(id);
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [id, { payload }] of this.#entries) if (payload.grantId === grantId) this.#entries.delete(id);
  }

  #findBy(matches: (payload: Payload) => boolean): Payload | undefined {
    const now = Date.now();
    for (const { payload, ends } of this.#entries.values()) if (ends > now && matches(payload)) return payload;
    return undefined;
  }
}
