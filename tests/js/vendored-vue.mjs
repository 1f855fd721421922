// Lets `import "vue"` find the copy that the pages get, as their import map does.
import { register } from "node:module";
import { readdirSync } from "node:fs";

const vendor = new URL("../../static/vendor/", import.meta.url);
const folder = readdirSync(vendor).find((name) => name.startsWith("vue-"));
const url = new URL(`${folder}/vue.runtime.esm-browser.prod.js`, vendor).href;

const hooks = `export const resolve = (specifier, context, next) =>
  specifier === "vue" ? { url: ${JSON.stringify(url)}, format: "module", shortCircuit: true } : next(specifier, context);`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
