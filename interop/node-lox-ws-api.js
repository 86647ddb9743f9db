'use strict';

// Drives node-lox-ws-api, the client below Node-RED's and Homebridge's Loxone nodes.
//
// Logins: `authenticate` (its "Hash"), `authenticateEnc` ("AES-256-CBC"), `gettoken` ("Token-Enc").
// From firmware 9 on it takes Token-Enc whatever it was told; and as it knows SHA-1 only, it cannot
// log in where SHA-256 is asked for (10.4 and newer), on real devices neither.

const API = require('node-lox-ws-api');
const { Tally, fail, pause, place, readOptions } = require('./driver');

const SECURITY = { authenticate: 'Hash', authenticateEnc: 'AES-256-CBC', gettoken: 'Token-Enc' };
const LOGIN = /^(?:j?dev\/sys\/)?(authenticate|authenticateEnc|gettoken)\//;

const options = readOptions();
const tally = new Tally('node-lox-ws-api');
const reconnect = false;
const api = new API(
  place(options), options.username, options.password, reconnect, SECURITY[options.login],
);
let login = null;

for (const event of ['auth_failed', 'connect_failed', 'connection_error', 'message_invalid']) {
  api.on(event, (...details) => fail(`${event}: ${JSON.stringify(details)}`));
}
api.on('close', () => fail('the connection did not last'));
api.on('message_text', (message) => {
  const match = LOGIN.exec(message.control);
  if (match) {
    [, login] = match;
  }
});

// After the login, the client asks for the structure file and subscribes, all by itself.
api.on('get_structure_file', (structure) => {
  tally.readStructure(structure);
  pause(Number(options.seconds)).then(() => tally.report(login));
});
api.on('update_event_value', (uuid) => tally.receive('values', uuid));
api.on('update_event_text', (uuid) => tally.receive('texts', uuid));
api.on('update_event_daytimer', (uuid) => tally.receive('daytimers', uuid));
api.on('update_event_weather', (uuid) => tally.receive('weather', uuid));

api.connect();
