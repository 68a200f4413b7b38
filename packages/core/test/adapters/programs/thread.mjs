// What threads do in piscina.test.ts.
export const double = (number) => number * 2;

export const fail = (number) => {
  throw new Error(`no result for ${number}`);
};

/** Never ends by itself. */
export const spin = () => {
  for (;;);
};
