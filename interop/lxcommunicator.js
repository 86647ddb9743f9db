'use strict';

// Drives lxcommunicator, the vendor's own client.
//
// Logins: `getjwt` (with the password), and `authwithtoken`: a first connection gets a token with
// the password and is closed, a second one logs in with that token. At the end the token is
// checked, refreshed and killed, with the client's own functions.

const { createPublicKey } = require('node:crypto');
const LxCommunicator = require('lxcommunicator');
const CryptoAdapter = require('lxcommunicator/vendor/CryptoAdapter');
const { Tally, fail, pause, place, readOptions } = require('./driver');

const { TokenHandler, WebSocketConfig } = LxCommunicator;
const CLIENT_ID = '0c5fa1d2-02b4-603c-ffffeee000d80cfd';
const CLIENT_INFO = 'loxone-exporter interop';
const PERMISSION = WebSocketConfig.permission.APP;
const KINDS = { 2: 'values', 3: 'texts', 4: 'daytimers', 7: 'weather' };

const options = readOptions();
const tally = new Tally('lxcommunicator');
const address = place(options);
let token = null;
let usedToken = false;
let onClosed = unexpected;

/**
 * Give the RSA cipher text of a key exchange back the zeros that it begins with.
 *
 * A cipher text has as many bytes as the key, and one that has fewer is refused (RFC 8017, 7.2.1
 * and 7.2.2). The client's node-jsencrypt 1.0.0 writes it as a number instead, as JSEncrypt did
 * before 3.0.3 (issues 158 and 203 there): of 80,000 of its key exchanges 450 were a byte short, one
 * of 178, and the simulator refused those and no other. The client goes on after that 401 as if it
 * had exchanged keys, gets a second one, waits, and is closed with 420. What real Miniservers do
 * with a short cipher text is not known.
 */
function keepLeadingZeros() {
  const { rsaEncrypt } = CryptoAdapter;
  CryptoAdapter.rsaEncrypt = (plaintext, publicKey) => {
    const [, , key] = publicKey.split('-----');
    const { asymmetricKeyDetails } = createPublicKey({
      key: Buffer.from(key, 'base64'), format: 'der', type: 'spki',
    });
    const cipher = Buffer.from(rsaEncrypt(plaintext, publicKey), 'base64');
    const missing = Buffer.alloc(asymmetricKeyDetails.modulusLength / 8 - cipher.length);
    return Buffer.concat([missing, cipher]).toString('base64');
  };
}

function unexpected(code) {
  fail(`the connection did not last: ${code}`);
}

function connect(knownToken) {
  const { WS, WSS } = WebSocketConfig.protocol;
  const protocol = options.name ? WSS : WS;
  const config = new WebSocketConfig(protocol, CLIENT_ID, CLIENT_INFO, PERMISSION, false);
  config.delegate = {
    socketOnTokenReceived(_socket, result) {
      token = result;
    },
    socketOnTokenConfirmed(_socket, result) {
      token = result;
      usedToken = true;
    },
    socketOnConnectionClosed(_socket, code) {
      onClosed(code);
    },
    socketOnEventReceived(_socket, events, type) {
      events.forEach((event) => tally.receive(KINDS[type], event.uuid));
    },
  };
  const socket = new LxCommunicator.WebSocket(config);
  return socket.open(address, options.username, options.password, knownToken).then(() => socket);
}

/** The command that this client logged in with: JSON web tokens have dots, older tokens none. */
function login() {
  if (usedToken) {
    return 'authwithtoken';
  }
  return token.token.includes('.') ? 'getjwt' : 'gettoken';
}

/**
 * Have the token checked, refreshed and killed. The last ends the connection as well.
 *
 * The client refreshes tokens after a day, or after a change of the password, which is claimed
 * here. killAllTokens() would be the natural way to kill, but needs a function that it lacks.
 */
async function useUpToken(socket) {
  let refreshed = null;
  const handler = new TokenHandler(socket, CLIENT_ID, CLIENT_INFO, (result) => {
    refreshed = result;
  });
  handler.addToHandledTokens(token, options.username);
  await handler.getVerifiedToken(PERMISSION, options.username);
  await handler.respondToPasswordChange();
  handler.addToHandledTokens(refreshed, options.username);
  const closed = new Promise((resolve) => { onClosed = resolve; });
  handler.killTokenWithMsPermission(PERMISSION, options.username);
  await closed;
}

async function main() {
  let socket = await connect(null);
  if (options.login === 'authwithtoken') {
    onClosed = () => {};
    socket.close();
    onClosed = unexpected;
    socket = await connect(token.token);
  }
  tally.readStructure(JSON.parse(await socket.send('data/LoxAPP3.json')));
  const version = await socket.send('jdev/sps/LoxAPPversion3');
  if (version.LL.value !== tally.structure.lastModified) {
    fail(`LoxAPPversion3 is ${version.LL.value}`);
  }
  await socket.send('jdev/sps/enablebinstatusupdate');
  // Long enough for the client's keepalive, which it sends after every two seconds.
  await pause(Number(options.seconds));
  await useUpToken(socket);
  tally.report(login());
}

keepLeadingZeros();
main().catch((error) => fail(error));
