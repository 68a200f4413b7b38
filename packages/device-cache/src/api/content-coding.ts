/** In which form a body is sent: as it is, or compressed in the way that the asker likes best of those that are known here. */
import { promisify } from 'node:util';
import { brotliCompress, constants, deflate, gzip } from 'node:zlib';

/** The codings, those first that make the smallest answers. */
const CODINGS = ['br', 'gzip', 'deflate'] as const;

export type Coding = (typeof CODINGS)[number];

/** What `Accept-Encoding` asks for; undefined where the body is to be sent as it is. */
export function codingFor(accepted: string | undefined): Coding | undefined {
  if (accepted === undefined) return undefined;
  const weights = weightsIn(accepted.toLowerCase());
  const weightOf = (coding: Coding): number => weights.get(coding) ?? weights.get('*') ?? 0;
  const best = CODINGS.reduce((one, other) => (weightOf(other) > weightOf(one) ? other : one));
  // To whom both are alike, the shorter one is sent.
  return weightOf(best) > 0 && weightOf(best) >= (weights.get('identity') ?? 0) ? best : undefined;
}

/** The weight of each name in the header; one that can't be read is 0. */
function weightsIn(accepted: string): ReadonlyMap<string, number> {
  return new Map(
    accepted.split(',').map((part) => {
      const [name = '', ...parameters] = part.split(';').map((text) => text.trim());
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
      return [name === 'x-gzip' ? 'gzip' : name, Number(weight) || 0];
    }),
  );
}

/** Brotli's own default takes many times as long and gains little. */
const BROTLI_QUALITY = 4;

const brotliAsync = promisify(brotliCompress);
const packers: Readonly<Record<Coding, (body: string) => Promise<Buffer>>> = {
  br: (body) => brotliAsync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  gzip: promisify(gzip),
  deflate: promisify(deflate),
};

/** The body in this coding; made beside the event loop. */
export function packed(body: string, coding: Coding): Promise<Buffer> {
  return packers[coding](body);
}

/** The compressed forms of a body that is sent again and again: each is made when somebody wants it first, and kept. */
export class PackedForms {
  private readonly body: string;
  /** Undefined as long as nobody has wanted one: most bodies are short. */
  private forms: Map<Coding, Promise<Buffer>> | undefined = undefined;

  constructor(body: string) {
    this.body = body;
  }

  get(coding: Coding): Promise<Buffer> {
    const forms = (this.forms ??= new Map<Coding, Promise<Buffer>>());
    let form = forms.get(coding);
    if (form === undefined) {
      form = packed(this.body, coding);
      forms.set(coding, form);
      // Whoever asks next tries again.
      form.catch(() => forms.delete(coding));
    }
    return form;
  }
}
