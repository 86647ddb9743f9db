'use strict';

// What the drivers of the JavaScript clients share: the command line, and the one line of JSON that
// tells what a client has seen.

const dns = require('node:dns');
const { parseArgs } = require('node:util');

// Clients write messages to standard output, where the report is to be alone.
console.log = console.error;
console.info = console.error;

const STATE_UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{16}/g;

/**
 * The options that the runner gives to every driver (see runs.py and stage.py).
 * With --name, the client is to speak TLS with that name.
 */
function readOptions() {
  const names = ['host', 'port', 'username', 'password', 'login', 'seconds', 'name'];
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  return parseArgs({ options }).values;
}

/**
 * Where a client is to connect: host and port, as both clients want them.
 *
 * A Miniserver's certificate is for a name that the vendor's DNS resolves. Nobody resolves the name
 * of a simulated one: this process is told.
 */
function place(options) {
  if (!options.name) {
    return `${options.host}:${options.port}`;
  }
  const { lookup } = dns;
  dns.lookup = (name, ...rest) => lookup(name === options.name ? options.host : name, ...rest);
  return `${options.name}:${options.port}`;
}

/** Everything that a client has handed over. */
class Tally {
  constructor(packageName) {
    const { name, version } = require(`${packageName}/package.json`);
    this.client = `${name} ${version}`;
    this.structure = null;
    this.live = 0;
    this.seen = { values: new Set(), texts: new Set(), daytimers: new Set(), weather: new Set() };
  }

  /** Take over the structure file, parsed. */
  readStructure(structure) {
    this.structure = structure;
  }

  /** Note an event. What was received before has changed: that is a live event. */
  receive(kind, uuid) {
    if (this.seen[kind].has(uuid)) {
      this.live += 1;
    }
    this.seen[kind].add(uuid);
  }

  /** Print the report, and end the process whatever the client has still running. */
  report(login) {
    const known = new Set(JSON.stringify(this.structure).match(STATE_UUID));
    const counts = {};
    let strangers = 0;
    for (const [kind, uuids] of Object.entries(this.seen)) {
      counts[kind] = uuids.size;
      strangers += [...uuids].filter((uuid) => !known.has(uuid)).length;
    }
    const line = JSON.stringify({
      client: this.client,
      login,
      controls: Object.keys(this.structure.controls).length,
      lastModified: this.structure.lastModified,
      states: counts,
      strangers,
      live: this.live,
    });
    process.stdout.write(`${line}\n`, () => process.exit(0));
  }
}

/** Wait. */
function pause(seconds) {
  return new Promise((resolve) => { setTimeout(resolve, 1000 * seconds); });
}

/** Give up. */
function fail(why) {
  console.error(why);
  process.exit(1);
}

module.exports = { Tally, fail, pause, place, readOptions };
