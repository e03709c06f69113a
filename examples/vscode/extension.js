// Starts `sallyport lsp` and connects the editor to it; everything else is the server's work.
const { workspace } = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

let client;

exports.activate = async () => {
  const command = workspace.getConfiguration('sallyport').get('command');
  const server = { command, args: ['lsp', '--stdio'] };
  const options = {
    documentSelector: [{ scheme: 'file', language: 'pdl' }],
    synchronize: { fileEvents: workspace.createFileSystemWatcher('**/*.pdl') },
  };
  client = new LanguageClient('sallyport', 'Sallyport', server, options);
  await client.start();
};

exports.deactivate = () => client?.stop();
