// Compiles every contract of this folder: node compile.js FOLDER_OF_SOLC > contracts.json
const fs = require("fs");
const path = require("path");
const solc = require(path.join(process.argv[2], "solc"));
const sources = {};
for (const name of fs.readdirSync(__dirname).filter((name) => name.endsWith(".sol")).sort())
  sources[name] = { content: fs.readFileSync(path.join(__dirname, name), "utf8") };
const settings = {
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};
const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings })));
const wrong = (output.errors || []).filter((error) => error.severity === "error");
if (wrong.length) {
  console.error(wrong.map((error) => error.formattedMessage).join("\n"));
  process.exit(1);
}
const found = {};
for (const name of Object.keys(output.contracts).sort())
  for (const [contract, made] of Object.entries(output.contracts[name]))
    found[contract] = { abi: made.abi, bytecode: made.evm.bytecode.object };
process.stdout.write(JSON.stringify(found, null, 1) + "\n");
