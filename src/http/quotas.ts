import { ClientError } from "../errors.ts";

export interface QuotaLimits {
  /** Requests of one token under way at once; 0: any number. */
  readonly concurrent: number;
  /** Requests of one token in a second, as many of them at once; 0: any number. */
  readonly rate: number;
}

interface Account {
  underWay: number;
  /** How many requests may still come now: grows by `rate` a second, up to `rate`. */
  left: number;
  /** When `left` was so many, in milliseconds of performance.now(). */
  at: number;
}

/** Keeps one token's requests from taking the server from all others. Without tokens, all clients share one account. */
export class Quotas {
  readonly #limits: QuotaLimits;
  /** By the token's name: never more than there have been tokens. */
  readonly #accounts = new Map<string | null, Account>();

  constructor(limits: QuotaLimits) {
    this.#limits = limits;
  }

  /** Throws ClientError (TOO_MANY_REQUESTS). Otherwise `leave` is to be called at the request's end. */
  enter(token: string | null, now: number): void {
    const { concurrent, rate } = this.#limits;
    const account = this.#accounts.get(token) ?? { underWay: 0, left: rate, at: now };
    this.#accounts.set(token, account);
    if (concurrent > 0 && account.underWay >= concurrent) {
      throw tooMany(`The limit of ${concurrent} at once is reached: wait for an answer before the next request.`);
    }
    if (rate > 0) {
      account.left = Math.min(rate, account.left + ((now - account.at) / 1000) * rate);
      account.at = now;
      if (account.left < 1) throw tooMany(`The limit of ${rate} in a second is reached: send fewer requests.`);
      account.left -= 1;
    }
    account.underWay += 1;
  }

  leave(token: string | null): void {
    const account = this.#accounts.get(token);
    if (account) account.underWay -= 1;
  }
}

function tooMany(message: string): ClientError {
  return new ClientError("TOO_MANY_REQUESTS", message, 429);
}
