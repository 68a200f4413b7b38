import { textOf } from '../../../gates/redis/script-runner.ts';

/** Texts of replies of which each is most often what the one before was: then its bytes are compared and not decoded. */
export class RepeatedText {
  private bytes: Uint8Array = new Uint8Array(0);
  private text = '';

  /** A reply as text. */
  of(reply: unknown): string {
    if (!(reply instanceof Uint8Array)) return textOf(reply);
    if (!this.isLast(reply)) {
      this.text = textOf(reply);
      // A copy: a part would hold on to the whole reply that it came in.
      this.bytes = Uint8Array.from(reply);
    }
    return this.text;
  }

  private isLast(reply: Uint8Array): boolean {
    const { bytes } = this;
    const { length } = reply;
    if (bytes.length !== length) return false;
    let at = 0;
    while (at < length && bytes[at] === reply[at]) at++;
    return at === length;
  }
}
