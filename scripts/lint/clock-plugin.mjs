// The one part of the ban on clocks that oxlint's own rules can't say: `new Date()` reads the time, `new Date(ms)` does not.
const noOwnDate = {
  create(context) {
    const check = (node) => {
      if (node.callee.type !== 'Identifier' || node.callee.name !== 'Date' || node.arguments.length > 0) return;
      context.report({ node, message: 'Ask the Clock: only clock/ reads the time.' });
    };
    return { NewExpression: check, CallExpression: check };
  },
};

export default { meta: { name: 'breakwater' }, rules: { 'no-own-date': noOwnDate } };
