/** A refusal whose status and sentence are for the client. */
export class HttpError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** Come again: what is missing now may be there in a second. */
export const unavailable = (message: string): HttpError => new HttpError(503, message, { 'Retry-After': '1' });
